// Writes the small inputs from which the harnesses of value, event, ring, chunk, apply, recovery
// and state start. The results are checked in; run it again where a format gets a new version:
// make_corpus tests/fuzz/corpus
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "plugin/journal/ring.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"
#include "plugin/store/number_column.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/tail_table.h"

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

// The first byte says what the others are; see fuzz_chunk.cc.
void store_chunk(const char* name, char kind, ByteView bytes) {
  store("chunk", name, Bytes(1, kind).append(bytes));
}

void store_columns() {
  BlockEncoder encoder;
  const auto column = [&](const char* name, const auto& make) {
    std::vector<Number> values;
    for (int i = 0; i < 40; ++i) values.push_back(make(i));
    Bytes bytes;
    append_fixed(bytes, static_cast<uint16_t>(values.size() - 1));
    append_number_column(bytes, values, encoder);
    store_chunk(name, 1, bytes);
  };
  const auto wild = [](int i) { return 1.0 / (i * i + 3); };
  column("decimals", [](int i) { return Number::of(i == 7 ? 1e300 : i / 100.0); });
  column("doubles", [&](int i) { return Number::of(wild(i)); });
  column("floats", [&](int i) { return Number::of(double{static_cast<float>(wild(i))}); });
  column("counters", [](int i) { return Number::of(int64_t{i} * i); });
  column("sparse", [](int i) { return i % 3 == 0 ? Number() : Number::of(true); });
  column("mixed", [&](int i) { return i % 2 == 0 ? Number::of(wild(i)) : Number::of(int64_t{i}); });
}

void store_chunks() {
  RowGroup group;
  group.steps = {1, 2, 3};
  group.times_ns = {10, 20, 31};
  group.columns = {{{1, 0}, {Number::of(0.5), Number(), Number::of(int64_t{3})}}};
  store_chunk("row_group", 0, encode_row_group(group));
  store_chunk("numbers", 2, "\x2c\x01\x02\x03\x04\x05\x06\x07\x08\x2b\x01\x02");
  Bytes tail;
  append_tail_row(tail, {4, 1, 100, 2, "result"});
  append_tail_row(tail, {5, 1, 101, 2, ""});
  store_chunk("tail", 3, tail);
  JobRow job;
  job.tags = {"a"};
  store_chunk("job", 4, encode_row(job));
  store_chunk("run", 5, encode_row(RunRow()));
  store_chunk("shape", 8, encode_row(ShapeRow{{}, 1, {1, 2}}));
  SeriesSummary summary;
  summary.add(1, Number::of(0.5));
  store_chunk("summaries", 12, encode_row(SummaryMap{{{1, 0}, summary}}));
  store_chunk("objects", 13, encode_row(ObjectMap{{{1, 0}, {{1, 0}, 2, 3, "value"}}}));
}

Bytes payload_of(const Event& event) {
  Bytes bytes;
  append_event(bytes, event);
  return bytes;
}

Bytes one_result(std::vector<Number> numbers, int64_t step) {
  ResultView view;
  view.step = step;
  view.time_ns = 7;
  view.numbers = std::move(numbers);
  view.objects.resize(view.numbers.size());
  return encode_result(view);
}

// A trial's life. Trials and shapes are put in by the harnesses.
std::vector<std::pair<EventType, Bytes>> life() {
  std::vector<std::pair<EventType, Bytes>> events;
  const auto add = [&](const Event& event) {
    events.emplace_back(event_type(event), payload_of(event));
  };
  SessionEvent session;
  session.experiment = "e";
  session.job_id = "j";
  add(session);
  add(TrialEvent{{}, "t1"});
  add(ShapeEvent{{}, {}, {"loss"}});
  StartEvent start;
  start.params = encoded(sample_value());
  add(start);
  for (int64_t step = 1; step < 4; ++step) {
    const Bytes result = one_result({Number::of(1.0 / static_cast<double>(step))}, step);
    add(ResultEvent{{}, {}, result});
  }
  add(CheckpointEvent{{}, 1, true, true, 5, "/c"});
  add(FailureEvent{{}, 1, false, 1, "error"});
  add(start);
  add(ResultEvent{{}, {}, one_result({Number::of(int64_t{2})}, 2)});
  add(EndEvent{{}, 1, TrialStatus::completed});
  add(ExperimentEndEvent{1, false});
  add(CloseEvent{1});
  return events;
}

// As FuzzInput takes a text.
void append_text(Bytes& out, ByteView text) {
  out.push_back(static_cast<char>(std::min<size_t>(text.size(), 251)));
  if (text.size() > 250) append_fixed(out, static_cast<uint16_t>(text.size()));
  out += text;
}

void store_lives() {
  Bytes whole, batches, journal(1, static_cast<char>(life().size()));
  for (const auto& [type, payload] : life()) {
    Bytes step(1, static_cast<char>(static_cast<unsigned>(type) + 2));
    step.push_back(0);
    append_text(step, payload);
    whole += step;
    batches += step + Bytes(1, type == EventType::failure ? '\1' : '\0');
    journal.push_back(static_cast<char>(39 + static_cast<unsigned>(type)));
    journal.push_back(0);
    append_text(journal, payload);
  }
  store("apply", "life", whole);
  store("apply", "life_in_batches", batches);
  journal += "\1\1";
  store("recovery", "one_journal", journal);
  store("recovery", "two_journals", journal + journal);
  Bytes unfinished = journal;
  unfinished[1] = static_cast<char>(26 + 1);  // the first record: a session
  store("recovery", "unfinished", unfinished);
  store("recovery", "cut", journal.substr(0, journal.size() - 1) + Bytes("\0\xd0\x10", 3));
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
  store_columns();
  store_chunks();
  store_lives();
  Bytes fields(1, '\1');
  fields.append(16, 't');
  append_string(fields, "experiment");
  append_string(fields, "job");
  store("state", "framed", fields);
}
