// Making instances: arguments, configurations, error texts.
#include <cstring>
#include <string>
#include <vector>

#include "library.h"

namespace conformance {
namespace {

tuner_create_args arguments(const Subject& subject) {
  auto args = tuner::make<tuner_create_args>();
  args.config_text = tuner::text(subject.config_text);
  args.base_dir = tuner::text(subject.dir);
  return args;
}

tuner_instance* not_an_instance() { return reinterpret_cast<tuner_instance*>(sizeof(int)); }

void refuses_bad_arguments(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const tuner_plugin& table = library.table();
  tuner::ErrorText error;
  tuner_create_args args = arguments(subject);
  report.check(is_refused(table.create(&args, nullptr, error)), "create needs a place to put it");
  tuner_instance* instance = not_an_instance();
  report.check(is_refused(table.create(nullptr, &instance, error)), "create refuses NULL");
  report.check(instance == nullptr, "no instance comes of NULL arguments");
  for (uint32_t size : {0u, 8u, TUNER_CREATE_ARGS_SIZE_1 - 1}) {
    args.size = size;
    instance = not_an_instance();
    const tuner_status status = table.create(&args, &instance, error);
    report.check(is_refused(status), said("create of size " + std::to_string(size), status, ""));
    report.check(instance == nullptr, "no instance comes of a size too small");
  }
  args = arguments(subject);
  auto host = tuner::make<tuner_host>();
  for (uint32_t size : {0u, TUNER_HOST_SIZE_1 - 1}) {
    host.size = size;
    args.host = &host;
    instance = not_an_instance();
    report.check(is_refused(table.create(&args, &instance, error)), "a host too small is refused");
    report.check(instance == nullptr, "no instance comes of a host too small");
  }
  report.check(table.destroy(nullptr, error) == TUNER_OK, "destroy allows NULL");
}

void accepts_larger_structs(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  struct {
    tuner_create_args args;
    unsigned char later_fields[256];
  } larger;
  struct {
    tuner_host host;
    unsigned char later_fields[256];
  } larger_host;
  std::memset(&larger, 0xEE, sizeof larger);
  std::memset(&larger_host, 0xEE, sizeof larger_host);
  larger.args = arguments(subject);
  larger.args.size = sizeof larger;
  larger.args.host = &larger_host.host;
  larger_host.host = tuner::make<tuner_host>();  // no services
  larger_host.host.size = sizeof larger_host;
  tuner::ErrorText error;
  tuner_instance* instance = nullptr;
  const tuner_status status = library.table().create(&larger.args, &instance, error);
  report.check(status == TUNER_OK && instance != nullptr, said("create", status, error.str()));
  report.check(library.table().destroy(instance, nullptr) >= 0, "destroy after that");
}

void explains_bad_configuration(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const auto refused = [&](const std::string& what, const tuner_create_args& args,
                           const std::string& in_text) {
    tuner::ErrorText error;
    tuner_instance* instance = not_an_instance();
    const tuner_status status = library.table().create(&args, &instance, error);
    report.check(status == TUNER_INVALID_CONFIG, said(what, status, error.str()));
    report.check(instance == nullptr, what + ": the instance is NULL");
    report.check(!error.view().empty() && error.str().find(in_text) != std::string::npos,
                 what + ": the text names '" + in_text + "': " + error.str());
    instance = nullptr;
    report.check(library.table().create(&args, &instance, nullptr) < 0, what + ", without a sink");
  };
  tuner_create_args args = arguments(subject);
  args.config_text = tuner::text("no_such_key_as_this: 1\n");
  refused("an unknown key", args, "no_such_key_as_this");
  args = arguments(subject);
  const tuner_setting setting = {tuner::text("no_such_setting"), tuner::text("1")};
  args.settings = &setting;
  args.setting_count = 1;
  refused("an unknown setting", args, "no_such_setting");
  args = arguments(subject);
  args.config_text = {nullptr, 0};
  const std::string missing = subject.dir + "/no-such-file";
  args.config_path = tuner::text(missing);
  refused("a missing file", args, "no-such-file");
  args.config_text = tuner::text("a: 1\n");
  tuner_instance* instance = nullptr;
  tuner::ErrorText error;
  const tuner_status status = library.table().create(&args, &instance, error);
  report.check(status == TUNER_INVALID_CONFIG, said("a path and a text", status, error.str()));
}

void respects_error_buffer(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  tuner_create_args args = arguments(subject);
  args.config_text = tuner::text("no_such_key_\xC3\xA4\xC3\xB6\xC3\xBC: 1\n");
  for (uint32_t capacity = 0; capacity <= 64; ++capacity) {
    char buffer[128];
    std::memset(buffer, '#', sizeof buffer);
    auto error = tuner::make<tuner_error>();
    error.capacity = capacity;
    error.text = capacity > 0 ? buffer : nullptr;
    error.length = 12345;
    tuner_instance* instance = nullptr;
    library.table().create(&args, &instance, &error);
    report.check(error.length <= capacity, "no more text than there is room for");
    report.check(error.full_length >= error.length, "full_length is the length of the whole");
    bool untouched = true;
    for (size_t i = error.length; i < sizeof buffer; ++i) untouched &= buffer[i] == '#';
    report.check(untouched, "nothing is written behind the text");
    const std::string text(buffer, error.length <= capacity ? error.length : 0);
    report.check(text.empty() || (static_cast<unsigned char>(text.back()) < 0x80) ||
                     (static_cast<unsigned char>(text.back()) < 0xC0),
                 "the text is cut between two characters");
  }
  tuner_error tiny = {};
  tiny.size = 4;
  tiny.length = 77;
  tuner_instance* instance = nullptr;
  report.check(library.table().create(&args, &instance, &tiny) < 0, "a sink too small is no help");
  report.check(tiny.length == 77, "nothing is written into a sink of too small a size");
}

}  // namespace

std::vector<Check> create_checks() {
  return {
      {"CreateRefusesBadArguments", refuses_bad_arguments},
      {"CreateAcceptsLargerStructs", accepts_larger_structs},
      {"CreateExplainsABadConfiguration", explains_bad_configuration},
      {"ErrorBufferIsRespected", respects_error_buffer},
  };
}

}  // namespace conformance
