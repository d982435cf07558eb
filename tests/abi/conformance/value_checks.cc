// Results of every kind, sense and size.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "library.h"

namespace conformance {
namespace {

tuner_value of_tag(tuner_tag tag) {
  tuner_value value = {};
  value.tag = tag;
  return value;
}

tuner_value list_of(const std::vector<tuner_value>& items) {
  tuner_value list = of_tag(TUNER_TAG_LIST);
  list.as.list.items = items.data();
  list.as.list.count = items.size();
  return list;
}

// Gives `value` as a member of a result that has a sound one beside it. Returns the new statistics.
tuner_stats give(Instance& instance, Report& report, const char* what, const tuner_value& value) {
  tuner::ResultBuilder builder;
  builder.add("training_iteration", 1);
  builder.add("odd", value);
  builder.add("loss", 0.5);
  const tuner_status status = instance.result("t1", builder.root());
  report.check(status >= 0, said(what, status, instance.error()));
  return instance.stats();
}

void skips_unknown_tags(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  uint64_t skipped = 0;
  for (tuner_tag tag :
       {9, 77, -1, std::numeric_limits<tuner_tag>::min(), std::numeric_limits<tuner_tag>::max()}) {
    tuner_value value = of_tag(tag);
    value.as.uint64 = UINT64_MAX;
    const tuner_stats stats = give(instance, report, "an unknown tag", value);
    report.check(!instance.counts() || stats.values_skipped > skipped,
                 "an unknown tag is skipped and counted");
    skipped = stats.values_skipped;
    give(instance, report, "an unknown tag in a list", list_of({value, of_tag(TUNER_TAG_NULL)}));
    report.check(!instance.counts() || instance.stats().values_skipped > skipped, "also in a list");
    skipped = instance.stats().values_skipped;
  }
}

void cuts_deep_trees(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  std::vector<tuner_value> nodes(200000, of_tag(TUNER_TAG_LIST));
  std::vector<tuner_entry> entries(nodes.size());
  // Lists and maps in turn. A map's entry holds its child by value: link from the innermost
  // outward.
  for (size_t i = nodes.size() - 1; i-- > 0;) {
    if (i % 2 == 0) {
      nodes[i].as.list.items = &nodes[i + 1];
      nodes[i].as.list.count = 1;
    } else {
      entries[i] = {tuner::text("k"), nodes[i + 1]};
      nodes[i].tag = TUNER_TAG_MAP;
      nodes[i].as.map.entries = &entries[i];
      nodes[i].as.map.count = 1;
    }
  }
  const tuner_stats stats = give(instance, report, "200,000 levels", nodes[0]);
  report.check(!instance.counts() || stats.values_skipped > 0,
               "what is too deep is skipped and counted");
  report.check(instance.start("t2") >= 0, "the plugin goes on after that");
}

void accepts_deepest_tree(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  // The root of the result is level 1, so 63 more levels are allowed.
  std::vector<tuner_value> lists(TUNER_VALUE_DEPTH_MAX - 1, of_tag(TUNER_TAG_LIST));
  for (size_t i = 0; i + 1 < lists.size(); ++i) {
    lists[i].as.list.items = &lists[i + 1];
    lists[i].as.list.count = 1;
  }
  const tuner_stats stats = give(instance, report, "64 levels", lists[0]);
  report.check(stats.values_skipped == 0, "64 levels are not too deep");
}

void cuts_huge_lists(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  const std::vector<tuner_value> items(TUNER_VALUE_NODES_MAX + 1000, of_tag(TUNER_TAG_INT64));
  const tuner_stats stats = give(instance, report, "a list too long", list_of(items));
  report.check(!instance.counts() || stats.values_skipped + stats.values_cut > 0,
               "what is too much is counted");
  tuner_value endless = of_tag(TUNER_TAG_LIST);  // count far beyond what memory holds
  endless.as.list.items = nullptr;
  endless.as.list.count = UINT64_MAX;
  give(instance, report, "a list without items", endless);
  tuner_value map = of_tag(TUNER_TAG_MAP);
  map.as.map.count = 5;
  give(instance, report, "a map without entries", map);
  report.check(instance.start("t2") >= 0, "the plugin goes on after that");
}

void repairs_texts(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  for (const char* bad : {"\xFF", "a\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC0\x80"}) {
    const uint64_t before = instance.stats().texts_repaired;
    tuner_value value = of_tag(TUNER_TAG_STRING);
    value.as.string = tuner::text(bad);
    const tuner_stats stats = give(instance, report, "invalid UTF-8", value);
    report.check(!instance.counts() || stats.texts_repaired > before,
                 "a text that is not UTF-8 is counted");
  }
  tuner::ResultBuilder builder;
  builder.add("bad\xFFkey", 1.5);
  const uint64_t before = instance.stats().texts_repaired;
  report.check(instance.result("t1", builder.root()) >= 0, "a key that is not UTF-8 is accepted");
  report.check(!instance.counts() || instance.stats().texts_repaired > before, "and counted");
  const uint64_t sound = instance.stats().texts_repaired;
  tuner_value value = of_tag(TUNER_TAG_STRING);
  value.as.string = tuner::text("\xF0\x9F\x98\x80 \xE2\x82\xAC \xC3\xA9");
  give(instance, report, "sound UTF-8", value);
  report.check(instance.stats().texts_repaired == sound, "sound texts are not counted");
}

void accepts_odd_results(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  const auto accepts = [&](const char* what, tuner::ResultBuilder& builder) {
    const tuner_status status = instance.result("t1", builder.root());
    report.check(status >= 0, said(what, status, instance.error()));
  };
  tuner::ResultBuilder builder;
  accepts("an empty result", builder);
  builder.add("", 1.0);
  builder.add("a/b", 1.0);
  builder.add(std::string("nul\0key", 7), 1.0);
  builder.add("line\nend", 1.0);
  accepts("odd keys", builder);
  builder.clear();
  for (double number : {std::nan(""), HUGE_VAL, -HUGE_VAL, -0.0, 5e-324, 1.7976931348623157e308}) {
    builder.add("x", number);
  }
  builder.add("x", std::numeric_limits<int64_t>::min());
  builder.add("x", std::numeric_limits<uint64_t>::max());
  builder.add("x", nullptr);
  builder.begin_list("x");
  builder.end();
  builder.begin_map("x");
  builder.end();
  builder.add_bytes("x", "\0\xFF", 2);
  tuner_value truth = of_tag(TUNER_TAG_BOOL);
  truth.as.boolean = 7;
  builder.add("x", truth);
  accepts("one key many times, of many types", builder);
  builder.clear();
  const std::string long_text(1 << 20, 'x');
  builder.add("text", long_text);
  builder.add(long_text.substr(0, 100000), 1.0);
  accepts("a long text and a long key", builder);
  builder.clear();
  for (int i = 0; i < 20000; ++i) builder.add("metric" + std::to_string(i), i * 0.5);
  accepts("20,000 metrics", builder);
  for (tuner_tag tag : {TUNER_TAG_NULL, TUNER_TAG_DOUBLE, TUNER_TAG_LIST, 99}) {
    const tuner_status status = instance.result("t1", of_tag(tag));
    report.check(is_refused(status), said("a result that is no map", status, instance.error()));
  }
  report.check(instance.start("t2") >= 0, "the plugin goes on after that");
}

}  // namespace

std::vector<Check> value_checks() {
  return {
      {"UnknownTagsAreSkipped", skips_unknown_tags},
      {"TooDeepTreesAreCut", cuts_deep_trees},
      {"TheDeepestTreeIsAccepted", accepts_deepest_tree},
      {"HugeListsAreCut", cuts_huge_lists},
      {"InvalidUtf8IsRepairedAndCounted", repairs_texts},
      {"OddResultsAreAccepted", accepts_odd_results},
  };
}

}  // namespace conformance
