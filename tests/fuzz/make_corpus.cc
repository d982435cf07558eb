// Writes the small inputs from which the harnesses of value, event and ring start. The results are
// checked in; run it again where a format gets a new version:  make_corpus tests/fuzz/corpus
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"

namespace {

using namespace aimlog;

std::filesystem::path corpus;

void store(const char* target, const char* name, ByteView bytes) {
  std::filesystem::create_directories(corpus / target);
  std::ofstream(corpus / target / name, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Bytes encoded(const Value& value) {
  Bytes bytes;
  append_value(bytes, value);
  return bytes;
}

Value sample_value() {
  return {ValueMap{{"lr", {Number::of(0.1)}},
                   {"n", {Number::of(int64_t{-3})}},
                   {"u", {Number::of(UINT64_MAX)}},
                   {"on", {Number::of(true)}},
                   {"name", {std::string("x")}},
                   {"raw", {BinaryBytes{"\xff"}}},
                   {"list", {ValueList{{}, {ValueMap{}}, {Number::of(-0.0)}}}}}};
}

void store_event(const char* name, const Event& event) {
  Bytes bytes;
  append_fixed(bytes, static_cast<uint16_t>(event_type(event)));
  append_event(bytes, event);
  store("event", name, bytes);
}

void store_events() {
  const TrialKey trial = trial_key("t1");
  const Bytes map = encoded(sample_value());
  SessionEvent session;
  session.experiment = "digits";
  session.stop = map;
  session.tags = {"a", "b"};
  store_event("session", session);
  store_event("trial", TrialEvent{trial, "t1"});
  store_event("shape", ShapeEvent{shape_hash(map, {"loss"}), map, {"loss", "acc"}});
  StartEvent start;
  start.trial = trial;
  start.name = "t1";
  start.params = map;
  store_event("start", start);
  ResultView view;
  view.numbers = {Number::of(0.5), Number(), Number::of(int64_t{7})};
  const Bytes object = encoded(sample_value());
  view.objects = {ByteView(), object, ByteView()};
  const Bytes result = encode_result(view);
  store_event("result", ResultEvent{trial, shape_hash("", {"loss"}), result});
  store_event("checkpoint", CheckpointEvent{trial, 1, true, true, 5, "/c"});
  store_event("end", EndEvent{trial, 1, TrialStatus::completed});
  store_event("failure", FailureEvent{trial, 1, true, 2, "error"});
  store_event("experiment_end", ExperimentEndEvent{1, true});
  store_event("close", CloseEvent{1});
  store_event("gap", GapEvent{1, 2, 3, 4});
}

// Appends a record as the writer would, at the stream offset that is `data`'s length.
void append_record(Bytes& data, const RingChecksum& checksum, uint64_t sequence, uint16_t flags,
                   ByteView payload) {
  const uint64_t offset = data.size();
  alignas(8) char record[1024] = {};
  RingRecordHead head{0, static_cast<uint32_t>(payload.size()), 5, flags, sequence};
  std::memcpy(record, &head, sizeof head);
  std::memcpy(record + sizeof head, payload.data(), payload.size());
  head.commit = checksum.commit_word(reinterpret_cast<const RingRecordHead*>(record), offset);
  std::memcpy(record, &head, sizeof head);
  data.append(record, ring_record_bytes(payload.size()));
}

// A header of 128 bytes, then the data area, as fuzz_ring.cc takes it.
void store_rings() {
  const std::array<unsigned char, 16> id{};
  const RingChecksum checksum(id);
  const Bytes header = make_ring_header(id, ring_bytes_min).substr(0, sizeof(RingHeader));
  Bytes data;
  for (uint64_t i = 1; i <= 5; ++i) append_record(data, checksum, i, 0, Bytes(i * 13, 'p'));
  store("ring", "five_records", header + data);
  Bytes damaged = data;
  damaged[60] ^= 1;
  store("ring", "one_damaged", header + damaged);
  store("ring", "torn", header + data.substr(0, data.size() - 9));
  append_record(data, checksum, 5, ring_flag_wrap, "");
  append_record(data, checksum, 9, 0, "behind a gap");
  store("ring", "wrap_and_gap", header + data);
  store("ring", "empty", header);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  corpus = argv[1];
  store("value", "map", encoded(sample_value()));
  store("value", "null", encoded(Value()));
  Value nested;
  for (unsigned i = 1; i < value_depth_max; ++i) nested = {ValueList{nested}};
  store("value", "deepest", encoded(nested));
  store_events();
  store_rings();
}
