// Values, events and results to bytes and back; cut at every byte; and bytes of chance.
#include <limits>
#include <random>

#include "plugin/base/error.h"
#include "plugin/model/event_codec.h"
#include "plugin/model/result_codec.h"
#include "plugin/model/value.h"
#include "tests/support/catch.h"

using namespace aimlog;

namespace {

Value sample_value() {
  const double nan_with_payload = std::bit_cast<double>(uint64_t{0x7ff8dead0000beef});
  ValueMap nested = {
      {"", {Number::of(true)}}, {"a/b", {std::string("\0x", 2)}}, {"empty", {ValueMap{}}}};
  ValueList list = {{},
                    {Number::of(-0.0)},
                    {Number::of(nan_with_payload)},
                    {Number::of(std::numeric_limits<int64_t>::min())},
                    {Number::of(UINT64_MAX)},
                    {BinaryBytes{"\xff\xfe"}},
                    {ValueList{}}};
  return {ValueMap{{"list", {list}}, {"map", {nested}}, {"map", {Number::of(false)}}}};
}

// So many lists in each other, and a null in the innermost.
Value nested_lists(unsigned depth) {
  Value value;
  for (unsigned i = 0; i < depth; ++i) value = {ValueList{value}};
  return value;
}

Bytes encoded(const Value& value) {
  Bytes bytes;
  append_value(bytes, value);
  return bytes;
}

// Decoding either gives something or says corrupt (or too_new, where types are read); anything else
// is a failure.
template <typename Decode>
bool decodes(Decode decode) {
  try {
    decode();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::too_new) throw;
    return false;
  }
}

constexpr EventType all_types[] = {
    EventType::session, EventType::trial,      EventType::shape,         EventType::start,
    EventType::result,  EventType::checkpoint, EventType::end,           EventType::failure,
    EventType::gap,     EventType::close,      EventType::experiment_end};

// One of each type, every field set.
std::vector<Event> sample_events(ByteView result) {
  const TrialKey trial = trial_key("trial_7");
  const Bytes map = encoded(sample_value());
  SessionEvent session{hash128("token"),
                       true,
                       -1,
                       1,
                       2,
                       "machine",
                       "exp",
                       "job",
                       "/dir",
                       "ray",
                       "2.9",
                       "ray/tune/",
                       "loss",
                       "min",
                       3,
                       4,
                       0.5,
                       map,
                       {"a", "", "b"},
                       "described"};
  StartEvent start{trial,   -5,
                   true,    TrialStatus::paused,
                   "name",  "trainable",
                   "tag",   "/local",
                   "s3://", "10.0.0.1",
                   77,      5,
                   6,       "/checkpoint",
                   map,     map};
  return {session,
          TrialEvent{trial, "trial_7"},
          ShapeEvent{hash128("shape"), map, {"loss", "acc"}},
          start,
          ResultEvent{trial, hash128("shape"), result},
          CheckpointEvent{trial, 9, true, true, -3, "/path"},
          EndEvent{trial, 10, TrialStatus::stopped},
          FailureEvent{trial, 11, true, 4, "Traceback\nxx"},
          ExperimentEndEvent{12, true},
          CloseEvent{13},
          GapEvent{14, 15, 16, 17}};
}

Bytes encoded(const Event& event) {
  Bytes bytes;
  append_event(bytes, event);
  return bytes;
}

ResultView sample_result(const std::vector<Bytes>& objects) {
  ResultView result;
  result.step_is_count = true;
  result.step = -4;
  result.time_ns = 1700000000000000000;
  result.epoch = Number::of(2.5);
  result.numbers = {Number::of(1.5),
                    {},
                    Number::of(true),
                    Number::of(int64_t{-1}),
                    {},
                    Number::of(std::nan("")),
                    Number::of(UINT64_MAX),
                    Number::of(-0.0),
                    Number::of(3.0)};
  result.objects.assign(result.numbers.size(), {});
  result.objects[1] = objects[0];
  result.objects[4] = objects[1];
  return result;
}

}  // namespace

TEST_CASE("ValuesComeBackBitForBit") {
  CHECK(decode_value(encoded(sample_value())) == sample_value());
  CHECK(decode_value(encoded(Value())) == Value());
  CHECK(decode_value(encoded(nested_lists(value_depth_max))) == nested_lists(value_depth_max));
}

TEST_CASE("ValuesThatAreTooDeepAreRefused") {
  CHECK_FALSE(decodes([] { decode_value(encoded(nested_lists(value_depth_max + 1))); }));
  const Bytes endless(100000, '\x07');
  CHECK_FALSE(decodes([&] { decode_value(endless); }));
}

TEST_CASE("EveryTruncatedValueIsRefused") {
  const Bytes whole = encoded(sample_value());
  for (size_t length = 0; length < whole.size(); ++length) {
    if (decodes([&] { decode_value(ByteView(whole).substr(0, length)); })) FAIL(length);
  }
  CHECK_FALSE(decodes([&] { decode_value(whole + '\0'); }));
}

TEST_CASE("RandomBytesAreAValueOrRefused") {
  std::mt19937_64 random(3);
  const Bytes whole = encoded(sample_value());
  size_t good = 0;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = whole;
    for (int flips = 0; flips < 3; ++flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (i % 2 == 0) {
      bytes.resize(random() % 40);
      for (char& byte : bytes) byte = static_cast<char>(random() % 12);
    }
    Value value;
    if (!decodes([&] { value = decode_value(bytes); })) continue;
    ++good;
    const Bytes again = encoded(value);
    if (decode_value(again) != value) FAIL("value " << i);
  }
  CHECK(good > 1000);
}

TEST_CASE("MapsAreFlattenedInOrder") {
  const ValueMap map = {{"b", {ValueMap{{"c", {Number::of(true)}}, {"d", {ValueMap{}}}}}},
                        {"a", {ValueList{{}}}},
                        {"", {std::string("x")}}};
  std::vector<std::string> names;
  for (const auto& [name, value] : flatten(map)) names.push_back(name);
  CHECK(names == std::vector<std::string>{"b/c", "a", ""});
}

TEST_CASE("EventsComeBackWithEveryField") {
  const Bytes result = "any bytes";
  const std::vector<Event> events = sample_events(result);
  CHECK(events.size() == std::size(all_types));
  CHECK(events.size() == std::variant_size_v<Event>);
  for (const Event& event : events) {
    const Bytes bytes = encoded(event);
    const Event back = decode_event(event_type(event), bytes);
    CHECK(event_type(back) == event_type(event));
    CHECK(encoded(back) == bytes);
  }
  // The encoding again tells the fields apart only if they differ; a few of them by hand.
  const auto start = std::get<StartEvent>(decode_event(EventType::start, encoded(events[3])));
  CHECK(start.host_status == TrialStatus::paused);
  CHECK(start.remote_dir == "s3://");
  CHECK(start.host_attempt == 6);
  CHECK(decode_value(start.config) == sample_value());
  const auto session = std::get<SessionEvent>(decode_event(EventType::session, encoded(events[0])));
  CHECK(session.resumed == -1);
  CHECK(session.tags == std::vector<std::string>{"a", "", "b"});
  CHECK(session.time_budget_s == 0.5);
  const Bytes result_bytes = encoded(events[4]);
  CHECK(result_bytes.size() == result_prefix_bytes + result.size());
  CHECK(std::get<ResultEvent>(decode_event(EventType::result, result_bytes)).result == result);
}

TEST_CASE("EveryTruncatedEventIsRefused") {
  for (const Event& event : sample_events("")) {
    const Bytes whole = encoded(event);
    for (size_t length = 0; length < whole.size(); ++length) {
      if (decodes([&] { decode_event(event_type(event), ByteView(whole).substr(0, length)); })) {
        FAIL("type " << static_cast<int>(event_type(event)) << " at " << length);
      }
    }
    if (event_type(event) == EventType::result)
      continue;  // the rest is the result's, whatever it is
    CHECK_FALSE(decodes([&] { decode_event(event_type(event), whole + '\0'); }));
  }
}

TEST_CASE("RandomBytesAreAnEventOrRefused") {
  std::mt19937_64 random(4);
  for (const Event& event : sample_events("result")) {
    const Bytes whole = encoded(event);
    for (int i = 0; i < 200; ++i) {
      Bytes bytes = whole;
      bytes[random() % bytes.size()] = static_cast<char>(random());
      for (const EventType type : all_types) {
        decodes([&] { decode_event(type, bytes); });
      }
    }
  }
}

TEST_CASE("EventsOfALaterVersionSaySo") {
  try {
    decode_event(static_cast<EventType>(4000), "x");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::too_new);
  }
}

TEST_CASE("ShapesDifferByContextNamesAndOrder") {
  const Hash128 shape = shape_hash("c", {"ab", "c"});
  CHECK(shape == shape_hash("c", {"ab", "c"}));
  CHECK(shape != shape_hash("", {"ab", "c"}));
  CHECK(shape != shape_hash("c", {"a", "bc"}));
  CHECK(shape != shape_hash("c", {"c", "ab"}));
}

TEST_CASE("ResultsComeBackBitForBit") {
  const std::vector<Bytes> objects = {encoded(sample_value()), encoded(Value())};
  const ResultView result = sample_result(objects);
  Bytes bytes = encode_result(result);
  ResultView back;
  back.numbers.resize(100);  // an old one's contents go
  decode_result(bytes, back);
  CHECK(back.step_is_count);
  CHECK(back.step == -4);
  CHECK(back.time_ns == result.time_ns);
  CHECK(back.epoch == result.epoch);
  CHECK(back.numbers == result.numbers);
  CHECK(back.objects == result.objects);
  CHECK(decode_result_head(bytes).columns == result.numbers.size());
  set_result_step(bytes, 0, 99);
  const ResultHead head = decode_result_head(bytes);
  CHECK_FALSE(head.step_is_count);
  CHECK(head.step == 99);
  CHECK(head.time_ns == result.time_ns);
}

TEST_CASE("EveryTruncatedResultIsRefused") {
  const std::vector<Bytes> objects = {encoded(sample_value()), encoded(Value())};
  const Bytes whole = encode_result(sample_result(objects));
  ResultView out;
  for (size_t length = 0; length < whole.size(); ++length) {
    if (decodes([&] { decode_result(ByteView(whole).substr(0, length), out); })) FAIL(length);
    const bool head = decodes([&] { decode_result_head(ByteView(whole).substr(0, length)); });
    CHECK(head == (length >= result_head_bytes));
  }
  CHECK_FALSE(decodes([&] { decode_result(whole + '\0', out); }));
}

TEST_CASE("RandomBytesAreAResultOrRefused") {
  std::mt19937_64 random(5);
  const std::vector<Bytes> objects = {encoded(sample_value()), encoded(Value())};
  const Bytes whole = encode_result(sample_result(objects));
  ResultView out;
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes = whole;
    for (int flips = 0; flips < 2; ++flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (decodes([&] { decode_result(bytes, out); }))
      CHECK(out.numbers.size() == out.objects.size());
  }
}

TEST_CASE("LeavesOfAnEncodedMapAreThoseOfTheDecodedOne") {
  const Value deep = {ValueMap{{"x", {Number::of(1.5)}}, {"", sample_value()}}};
  const Value value = {ValueMap{{"", deep}, {"a", deep}, {"b", {}}, {"c", {std::string("text")}}}};
  const Bytes bytes = encoded(value);
  std::vector<std::pair<std::string, Value>> leaves;
  const auto add = [&](ByteView name, ByteView leaf) {
    leaves.emplace_back(name, decode_value(leaf));
  };
  each_leaf(bytes, add);
  CHECK(leaves == flatten(*value.map()));
  CHECK(leaves.size() > 8);
  each_leaf(encoded(nested_lists(3)), [](ByteView, ByteView) { FAIL("a list has no names"); });
  for (size_t length = 1; length < bytes.size(); ++length)
    if (decodes([&] { each_leaf(ByteView(bytes).substr(0, length), add); })) FAIL(length);
}
