// get_state and set_state: streams that take and give a byte at a time, and bytes that are no
// state.
#include <algorithm>
#include <string>
#include <vector>

#include "library.h"

namespace conformance {
namespace {

// Takes and gives at most `piece` bytes a call, and fails after `fail_after` bytes.
struct Stream {
  std::string bytes;
  size_t piece = 1;
  size_t fail_after = SIZE_MAX;
  size_t done = 0;

  static int64_t TUNER_CALL write(void* data, const void* bytes, uint64_t count) noexcept {
    auto& self = *static_cast<Stream*>(data);
    if (self.bytes.size() >= self.fail_after) return -1;
    const size_t taken = std::min<size_t>(self.piece, count);
    self.bytes.append(static_cast<const char*>(bytes), taken);
    return static_cast<int64_t>(taken);
  }
  static int64_t TUNER_CALL read(void* data, void* bytes, uint64_t capacity) noexcept {
    auto& self = *static_cast<Stream*>(data);
    if (self.done >= self.fail_after) return -1;
    const size_t given = std::min({self.piece, size_t{capacity}, self.bytes.size() - self.done});
    std::copy_n(self.bytes.data() + self.done, given, static_cast<char*>(bytes));
    self.done += given;
    return static_cast<int64_t>(given);
  }
  tuner_status get(Instance& instance) {
    auto stream = tuner::make<tuner_output_stream>();
    stream.stream_data = this;
    stream.write = write;
    return instance.call(&tuner_plugin::get_state, &stream);
  }
  tuner_status set(Instance& instance) {
    auto stream = tuner::make<tuner_input_stream>();
    stream.stream_data = this;
    stream.read = read;
    return instance.call(&tuner_plugin::set_state, &stream);
  }
};

// A sound state of a job with three results; empty where the plugin keeps none.
std::string sound_state(const Library& library, const Subject& subject, Report& report) {
  if (!tuner::has(library.table(), &tuner_plugin::get_state) ||
      !tuner::has(library.table(), &tuner_plugin::set_state)) {
    report.note("the plugin keeps no state");
    return {};
  }
  Instance instance(library, subject);
  run_small_job(instance, report);
  std::string state;
  const tuner_status status = instance.get_state(state);
  report.check(status == TUNER_OK, said("get_state", status, instance.error()));
  if (state.empty()) report.note("the plugin keeps no state");
  return state;
}

void travels_in_pieces(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const std::string state = sound_state(library, subject, report);
  if (state.empty()) return;
  for (size_t piece : {1, 3, 1000000}) {
    Instance instance(library, subject);
    Stream in;
    in.bytes = state;
    in.piece = piece;
    tuner_status status = in.set(instance);
    report.check(status == TUNER_OK, said("set_state in pieces", status, instance.error()));
    Stream out;
    out.piece = piece;
    status = out.get(instance);
    report.check(status == TUNER_OK, said("get_state in pieces", status, instance.error()));
    report.check(out.bytes == state, "what set_state took, get_state gives again");
    run_small_job(instance, report);
  }
}

void refuses_what_is_no_state(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const std::string state = sound_state(library, subject, report);
  if (state.empty()) return;
  Instance instance(library, subject);
  const auto refused = [&](const std::string& what, const std::string& bytes) {
    const tuner_status status = instance.set_state(bytes);
    report.check(status == TUNER_INVALID_STATE, said(what, status, instance.error()));
    report.check(!instance.error().empty(), what + " is refused with a text");
  };
  refused("an empty state", "");
  const size_t stride = std::max<size_t>(1, state.size() / 2000);
  for (size_t length = 1; length < state.size(); length += stride) {
    refused("a state cut to " + std::to_string(length) + " bytes", state.substr(0, length));
  }
  for (size_t i = 0; i < state.size(); i += stride) {
    std::string damaged = state;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    refused("a state with a damaged byte " + std::to_string(i), damaged);
  }
  refused("a foreign state", std::string("PK\3\4 this is somebody else's file", 34));
  refused("a state with its end twice", state + state);
  uint32_t random = 1;
  for (size_t length = 1; length < 300; length += 7) {
    std::string bytes(length, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>((random = random * 1664525u + 1013904223u) >> 24);
    refused("random bytes", bytes);
  }
  const tuner_status status = instance.set_state(state);
  report.check(status == TUNER_OK, said("a sound state after all that", status, instance.error()));
  run_small_job(instance, report);
}

void survives_failing_streams(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const std::string state = sound_state(library, subject, report);
  if (state.empty()) return;
  Instance instance(library, subject);
  std::string own;  // of an instance without a job: it may be shorter
  instance.get_state(own);
  for (size_t after = 0; after < state.size(); after += std::max<size_t>(1, state.size() / 50)) {
    Stream in;
    in.bytes = state;
    in.fail_after = after;
    report.check(in.set(instance) < 0, "a stream that cannot be read is an error");
    if (after >= own.size()) continue;
    Stream out;
    out.fail_after = after;
    report.check(out.get(instance) < 0, "a stream that takes no more is an error");
  }
  auto in = tuner::make<tuner_input_stream>();
  auto out = tuner::make<tuner_output_stream>();
  report.check(is_refused(instance.call(&tuner_plugin::set_state, &in)), "no read function");
  report.check(is_refused(instance.call(&tuner_plugin::get_state, &out)), "no write function");
  in.size = out.size = 8;
  report.check(is_refused(instance.call(&tuner_plugin::set_state, &in)), "a stream too small");
  report.check(is_refused(instance.call(&tuner_plugin::get_state, &out)), "a stream too small");
  run_small_job(instance, report);
}

void comes_before_everything(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const std::string state = sound_state(library, subject, report);
  if (state.empty()) return;
  {
    Instance instance(library, subject);
    instance.setup();
    const tuner_status status = instance.set_state(state);
    report.check(status == TUNER_WRONG_STATE, said("after setup", status, instance.error()));
    report.check(instance.start("t1") == TUNER_OK, "hooks work after that");
  }
  Instance instance(library, subject);
  instance.start("t1");
  const tuner_status status = instance.set_state(state);
  report.check(status == TUNER_WRONG_STATE, said("after a hook", status, instance.error()));
  report.check(instance.start("t2") == TUNER_OK, "hooks work after that");
}

}  // namespace

std::vector<Check> state_checks() {
  return {
      {"StateTravelsInPieces", travels_in_pieces},
      {"WhatIsNoStateIsRefused", refuses_what_is_no_state},
      {"FailingStreamsAreSurvived", survives_failing_streams},
      {"StateComesBeforeEverythingElse", comes_before_everything},
  };
}

}  // namespace conformance
