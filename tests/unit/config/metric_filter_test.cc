#include "plugin/config/metric_filter.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using aimlog::MetricFilter;
using aimlog::pattern_error;

namespace {

bool matches(const std::string& pattern, const std::string& name) {
  return MetricFilter({pattern}).accepts(name);
}

}  // namespace

TEST_CASE("WithoutPatternsEverythingIsIn") {
  MetricFilter filter;
  CHECK(filter.accepts("loss"));
  CHECK(filter.accepts(""));
  CHECK(filter.unmatched_patterns().empty());
}

TEST_CASE("GlobsMatchWholeNames") {
  CHECK(matches("loss", "loss"));
  CHECK(!matches("loss", "loss2"));
  CHECK(!matches("loss", "eval/loss"));
  CHECK(matches("*", ""));
  CHECK(matches("*loss", "eval/train/loss"));
  CHECK(matches("eval/*", "eval/a/b"));
  CHECK(!matches("eval/*", "eval"));
  CHECK(matches("a*b*c", "axxbyybzc"));
  CHECK(!matches("a*b*c", "axxbyybz"));
  CHECK(matches("**", "x"));
  CHECK(matches("l?ss", "loss"));
  CHECK(!matches("l?ss", "lss"));
  CHECK(
      matches("gr?\xc3\xb6\xc3\x9f"
              "e",
              "gr\xc3\xb6\xc3\xb6\xc3\x9f"
              "e"));
  CHECK(matches("?", "\xff"));
  CHECK(!matches("?", ""));
}

TEST_CASE("ClassesMatchOneCharacter") {
  CHECK(matches("layer[0-3]", "layer2"));
  CHECK(!matches("layer[0-3]", "layer4"));
  CHECK(matches("[!a-z]x", "1x"));
  CHECK(!matches("[!a-z]x", "bx"));
  CHECK(matches("[^a-z]x", "1x"));
  CHECK(matches("[]]", "]"));
  CHECK(matches("[]a]", "a"));
  CHECK(matches("[a-]", "-"));
  CHECK(matches("[[]", "["));
  CHECK(matches("[*]", "*"));
  CHECK(!matches("[*]", "x"));
  CHECK(matches("[\xc3\xa0-\xc3\xbf]", "\xc3\xb6"));
}

TEST_CASE("LiteralNamesMatchWhateverTheirCharacters") {
  CHECK(matches("loss[0]", "loss[0]"));
  CHECK(matches("loss[0]", "loss0"));
  CHECK(matches("a[!b]", "a[!b]"));
  CHECK(matches("what?*[x", "what?*[x"));
  CHECK(matches("[z-a]", "[z-a]"));
  CHECK(matches("back\\slash", "back\\slash"));
  MetricFilter exclusion({"*", "!loss[0]"});
  CHECK(!exclusion.accepts("loss[0]"));
  MetricFilter exclamation({"!x"});
  CHECK(exclamation.accepts("!x"));
  CHECK(!exclamation.accepts("x"));
}

TEST_CASE("LastMatchWins") {
  MetricFilter filter({"eval/*", "!eval/debug_*", "eval/debug_loss"});
  CHECK(filter.accepts("eval/acc"));
  CHECK(!filter.accepts("eval/debug_x"));
  CHECK(filter.accepts("eval/debug_loss"));
  CHECK(!filter.accepts("train/acc"));
}

TEST_CASE("ExclusionFirstLetsTheRestIn") {
  MetricFilter filter({"!debug/*", "debug/keep", "!*_raw"});
  CHECK(filter.accepts("loss"));
  CHECK(!filter.accepts("debug/x"));
  CHECK(filter.accepts("debug/keep"));
  CHECK(!filter.accepts("loss_raw"));
  CHECK(!MetricFilter({"!*"}).accepts("loss"));
}

TEST_CASE("PatternsThatNeverMatchedAreNamed") {
  MetricFilter filter({"loss", "los", "!eval/*", "!none", "*"});
  CHECK(filter.unmatched_patterns() ==
        std::vector<std::string>{"loss", "los", "!eval/*", "!none", "*"});
  CHECK(filter.accepts("loss"));
  filter.accepts("eval/x");
  CHECK(filter.unmatched_patterns() == std::vector<std::string>{"los", "!none"});
}

TEST_CASE("UnusablePatternsAreExplained") {
  CHECK(pattern_error("loss") == "");
  CHECK(pattern_error("!eval/[a-z]*") == "");
  CHECK(pattern_error("[]]") == "");
  CHECK(pattern_error("[a-]") == "");
  CHECK(pattern_error("") == "an empty pattern matches nothing");
  CHECK(pattern_error("!") == "nothing follows the !");
  CHECK(pattern_error("ab[c") == "the [ at column 3 is never closed (a [ itself is written [[])");
  CHECK(pattern_error("[]") != "");
  CHECK(pattern_error("[!]") != "");
  CHECK(pattern_error("[") != "");
  CHECK(pattern_error("[a-") != "");
  CHECK(pattern_error("!x[a][9-0]") == "the range in the [ at column 6 is backwards");
}

// Exponential matching of this would outlast the universe, not a test's time limit.
TEST_CASE("ManyStarsStayCheap") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK(!matches(pattern + "b", std::string(2000, 'a')));
  CHECK(matches(pattern, std::string(2000, 'a')));
}
