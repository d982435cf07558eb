#include "plugin/store/row_age.h"

#include <array>

#include "plugin/store/checked_value.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/store_format.h"

namespace aimlog {
namespace {

// Numbers that only grow while a row lives on, the weightiest first. Rows that never change, or
// that cannot be read, have none.
using Age = std::array<uint64_t, 4>;

uint64_t positive(int64_t time_ns) { return time_ns > 0 ? static_cast<uint64_t>(time_ns) : 0; }

Age age_of_run(ByteView payload) {
  const auto row = decode_row<RunRow>(payload);
  return {row.attempts, row.failures, positive(row.ended_ns), is_open(row.status) ? 0u : 1u};
}

Age age_of_attempt(ByteView payload) {
  const auto row = decode_row<AttemptRow>(payload);
  return {row.sealed_results, positive(row.ended_ns), row.journal, is_open(row.status) ? 0u : 1u};
}

Age age_of_summaries(ByteView payload) {
  uint64_t points = 0;
  for (const auto& [key, summary] : decode_row<SummaryMap>(payload)) points += summary.count;
  return {points};
}

Age age_of_objects(ByteView payload) {
  uint64_t values = 0;
  for (const auto& [key, object] : decode_row<ObjectMap>(payload)) values += object.count;
  return {values};
}

template <typename Read>
uint64_t readable(const Read& read) {
  try {
    read();
    return 1;
  } catch (const Error&) {
    return 0;
  }
}

// A chunk never changes, but its row's checksum is over its head only: what was erased may have
// been overwritten behind that. Of two copies that one of which more can be read is the better one,
// and without its steps and times there is no use in the rest.
Age worth_of_chunk(ByteView payload) {
  if (readable([&] { RowGroupReader{payload}; }) == 0) return {};
  const RowGroupReader reader(payload);
  uint64_t parts = readable([&] { reader.epochs(); });
  for (const SeriesKey& series : reader.keys()) parts += readable([&] { reader.column(series); });
  const uint64_t steps = readable([&] { reader.steps(); });
  const uint64_t times = readable([&] { reader.times_ns(); });
  return {steps * times, parts};
}

Age age(Table table, ByteView key, ByteView payload) {
  const uint8_t kind = key.empty() ? 0 : static_cast<uint8_t>(key[0]);
  switch (table) {
    case Table::meta:
      if (kind == static_cast<uint8_t>(MetaKind::row_counts))
        return {decode_row_counts(payload).transaction};
      return kind == static_cast<uint8_t>(MetaKind::next_number) ? Age{decode_number(payload)}
                                                                 : Age{};
    case Table::jobs:
      return kind == static_cast<uint8_t>(JobKind::job)
                 ? Age{positive(decode_row<JobRow>(payload).ended_ns), payload.size()}
                 : Age{};
    case Table::runs:
      return kind == static_cast<uint8_t>(RunKind::run) ? age_of_run(payload) : Age{};
    case Table::attempts:
      return age_of_attempt(payload);
    case Table::series:
      return age_of_summaries(payload);
    case Table::objects:
      return age_of_objects(payload);
    case Table::chunks:
      return worth_of_chunk(payload);
    case Table::tails:
      return kind == static_cast<uint8_t>(TailKind::seal) ? Age{decode_number(payload)} : Age{};
    case Table::journals:
      if (kind != static_cast<uint8_t>(JournalKind::journal)) return {};
      return {decode_row<JournalRow>(payload).applied.sequence};
    default:
      return {};
  }
}

}  // namespace

bool is_newer(Table table, ByteView key, ByteView a, ByteView b) {
  try {
    return age(table, key, a) > age(table, key, b);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace aimlog
