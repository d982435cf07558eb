#include "plugin/model/result_codec.h"

namespace aimlog {
namespace {

ResultHead read_head(ByteReader& reader) {
  ResultHead head;
  head.step_is_count = (reader.fixed<uint8_t>() & result_flag_step_is_count) != 0;
  const auto epoch_type = reader.fixed<uint8_t>();
  if (epoch_type > static_cast<uint8_t>(NumberType::float64))
    reader.fail("an epoch's type is unknown");
  reader.fixed<uint16_t>();
  head.columns = reader.fixed<uint32_t>();
  head.step = reader.fixed<int64_t>();
  head.time_ns = reader.fixed<int64_t>();
  head.epoch = {static_cast<NumberType>(epoch_type), reader.fixed<uint64_t>()};
  return head;
}

}  // namespace

ResultHead decode_result_head(ByteView bytes) {
  ByteReader reader(bytes, "result");
  return read_head(reader);
}

ResultParts::ResultParts(ByteView bytes) {
  ByteReader reader(bytes, "result");
  head_ = read_head(reader);
  tags_ = reader.take(result_tags_bytes(head_.columns)).substr(0, head_.columns);
  size_t numbers = 0;
  bool all_known = true;
  for (const char byte : tags_) {
    const auto tag = static_cast<ValueTag>(byte);
    all_known = all_known && tag <= ValueTag::map;
    numbers += is_number(tag) ? 1 : 0;
  }
  if (!all_known) reader.fail("a column's tag is unknown");
  words_ = reader.take(8 * numbers);
  const ByteView rest = reader.take(reader.remaining());
  ByteReader objects(rest, "result");
  for (size_t i = numbers; i < head_.columns; ++i) objects.take(objects.fixed<uint32_t>());
  objects.expect_end();
  objects_ = rest;
}

void decode_result(ByteView bytes, ResultView& out) {
  const ResultParts parts(bytes);
  const ResultHead& head = parts.head();
  out.step_is_count = head.step_is_count;
  out.step = head.step;
  out.time_ns = head.time_ns;
  out.epoch = head.epoch;
  out.numbers.assign(head.columns, {});
  out.objects.assign(head.columns, {});
  parts.visit([&](uint32_t column, Number number) { out.numbers[column] = number; },
              [&](uint32_t column, ByteView object) { out.objects[column] = object; });
}

void set_result_step(Bytes& bytes, size_t offset, int64_t step) {
  AIMLOG_CHECK(bytes.size() >= offset + result_head_bytes);
  bytes[offset] = static_cast<char>(bytes[offset] & ~result_flag_step_is_count);
  std::memcpy(bytes.data() + offset + 8, &step, sizeof step);
}

Bytes encode_result(const ResultView& result) {
  Bytes out;
  const size_t columns = result.numbers.size();
  append_fixed(out, static_cast<uint8_t>(result.step_is_count ? result_flag_step_is_count : 0));
  append_fixed(out, static_cast<uint8_t>(result.epoch.type));
  append_fixed(out, uint16_t{0});
  append_fixed(out, static_cast<uint32_t>(columns));
  append_fixed(out, result.step);
  append_fixed(out, result.time_ns);
  append_fixed(out, result.epoch.bits);
  for (size_t i = 0; i < result_tags_bytes(columns); ++i) {
    const bool number = i < columns && result.numbers[i].exists();
    const bool object = i < columns && !number;
    out.push_back(number   ? static_cast<char>(result.numbers[i].type)
                  : object ? result.objects[i].at(0)
                           : '\0');
  }
  for (const Number& number : result.numbers) {
    if (number.exists()) append_fixed(out, number.bits);
  }
  for (size_t i = 0; i < columns; ++i) {
    if (result.numbers[i].exists()) continue;
    append_fixed(out, static_cast<uint32_t>(result.objects[i].size()));
    out.append(result.objects[i]);
  }
  return out;
}

}  // namespace aimlog
