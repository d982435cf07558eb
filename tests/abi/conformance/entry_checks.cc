// The entry function and the table it gives.
#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <string>
#include <vector>

#include "library.h"

namespace conformance {
namespace {

tuner_entry_args asking(uint32_t low, uint32_t high, tuner::ErrorText& error) {
  auto args = tuner::make<tuner_entry_args>();
  args.host_abi_min = low;
  args.host_abi_max = high;
  args.host_name = tuner::text("abi_conformance");
  args.error = error;
  return args;
}

void refuses_bad_sizes(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  report.check(library.entry()(nullptr) == nullptr, "the entry refuses NULL");
  for (uint32_t size : {0u, 4u, TUNER_ENTRY_ARGS_SIZE_1 - 1}) {
    tuner::ErrorText error;
    tuner_entry_args args = asking(1, 1, error);
    args.size = size;
    const tuner_entry_args before = args;
    const std::string what = "size " + std::to_string(size);
    report.check(library.entry()(&args) == nullptr, "the entry refuses " + what);
    report.check(std::memcmp(&before, &args, sizeof args) == 0, "nothing is written at " + what);
  }
}

void accepts_larger_struct(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  tuner::ErrorText error;
  struct {
    tuner_entry_args args;
    unsigned char later_fields[256];
  } larger;
  larger.args = asking(1, 1, error);
  larger.args.size = sizeof larger;
  std::memset(larger.later_fields, 0xEE, sizeof larger.later_fields);
  report.check(library.entry()(&larger.args) != nullptr, "a larger struct is accepted");
  report.check(larger.args.size == sizeof larger, "the caller's size is left alone");
}

void names_both_ranges(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  for (const auto& [low, high] : std::vector<std::pair<uint32_t, uint32_t>>{
           {71234, 75678}, {0, 0}, {UINT32_MAX - 1, UINT32_MAX}, {3, 1}}) {
    tuner::ErrorText error;
    tuner_entry_args args = asking(low, high, error);
    args.abi_chosen = 99;
    const std::string what = std::to_string(low) + " to " + std::to_string(high);
    report.check(library.entry()(&args) == nullptr, "versions " + what + " are refused");
    report.check(args.abi_chosen == 0, "abi_chosen is 0 after a refusal");
    report.check(args.plugin_abi_min >= 1 && args.plugin_abi_min <= args.plugin_abi_max,
                 "the plugin tells its own range with a refusal");
    const std::string text = error.str();
    for (uint32_t number : {low, high, args.plugin_abi_min, args.plugin_abi_max}) {
      report.check(text.find(std::to_string(number)) != std::string::npos,
                   "the refusal of " + what + " names " + std::to_string(number) + ": " + text);
    }
    args.error = nullptr;
    report.check(library.entry()(&args) == nullptr, "a refusal needs no place for its text");
  }
}

void chooses_highest_common(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  tuner::ErrorText error;
  tuner_entry_args args = asking(1, 1000, error);
  const tuner_plugin* table = library.entry()(&args);
  if (!report.check(table != nullptr, "versions 1 to 1000 are accepted")) return;
  report.check(args.abi_chosen == args.plugin_abi_max, "the highest version of both is chosen");
  report.check(table->abi_min == args.plugin_abi_min && table->abi_max == args.plugin_abi_max,
               "table and negotiation tell the same range");
}

void table_is_whole(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const tuner_plugin& table = library.table();
  report.check(table.size >= TUNER_END_OF(tuner_plugin, destroy), "the table reaches to destroy");
  report.check(table.name != nullptr && table.name[0] != '\0', "the plugin has a name");
  report.check(table.version != nullptr && table.version[0] != '\0', "the plugin has a version");
  if (tuner::has(table, &tuner_plugin::get_extension)) {
    report.check(table.get_extension(tuner::text("no.such/1")) == nullptr,
                 "an unknown extension is NULL");
  }
}

// Looks for our note in the segments of the loaded library.
struct NoteSearch {
  std::string path;
  tuner_note note;
  bool found;
};

int look_into(dl_phdr_info* info, size_t, void* data) {
  auto& search = *static_cast<NoteSearch*>(data);
  if (search.path != info->dlpi_name) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* begin = reinterpret_cast<const char*>(info->dlpi_addr + segment.p_vaddr);
    for (size_t at = 0; at + sizeof(tuner_note) <= segment.p_memsz; at += 4) {
      std::memcpy(&search.note, begin + at, sizeof search.note);
      if (search.note.name_size == 6 && std::memcmp(search.note.owner, "TUNER", 6) == 0) {
        search.found = true;
        return 1;
      }
    }
  }
  return 0;
}

void note_says_the_same(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  NoteSearch search{subject.plugin_path, {}, false};
  dl_iterate_phdr(look_into, &search);
  if (!report.check(search.found, "the library carries a TUNER note")) return;
  const tuner_plugin& table = library.table();
  report.check(std::string(search.note.name) == table.name, "the note's name is the table's");
  report.check(std::string(search.note.version) == table.version, "the note's version too");
  report.check(search.note.abi_min == table.abi_min && search.note.abi_max == table.abi_max,
               "the note's range too");
}

}  // namespace

std::vector<Check> entry_checks() {
  return {
      {"EntryRefusesBadSizes", refuses_bad_sizes},
      {"EntryAcceptsALargerStruct", accepts_larger_struct},
      {"EntryRefusalNamesBothRanges", names_both_ranges},
      {"EntryChoosesTheHighestCommonVersion", chooses_highest_common},
      {"TableIsWhole", table_is_whole},
      {"NoteSaysTheSameAsTheTable", note_says_the_same},
  };
}

}  // namespace conformance
