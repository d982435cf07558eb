#include "plugin/store/row_codec.h"

#include <string>

#include "plugin/base/field_codec.h"
#include "plugin/store/store_format.h"
#include "plugin/store/summary_codec.h"

namespace aimlog {

constexpr LossKind last_of(LossKind) { return LossKind::undecodable; }

namespace {

template <typename Codec>
void fields(Codec& c, Number& n) {
  c(n.type);
  if (n.exists()) c.all_bits(n.bits);
}
template <typename Codec>
void fields(Codec& c, ExperimentRow& r) {
  each(c, r.name, r.created_ns);
}
template <typename Codec>
void fields(Codec& c, JobRow& r) {
  each(c, r.experiment, r.token, r.host_job_id, r.created_ns, r.ended_ns, r.interrupted, r.machine,
       r.experiment_dir, r.host_name, r.host_version, r.metric_namespace, r.metric, r.mode,
       r.num_samples, r.total_num_samples, r.time_budget_s, r.stop, r.tags, r.description,
       r.end_said_ns);
}
template <typename Codec>
void fields(Codec& c, RunRow& r) {
  each(c, r.job, r.id.bytes, r.trial_id, r.trial_name, r.trainable_name, r.experiment_tag,
       r.local_dir, r.remote_dir, r.status, r.created_ns, r.ended_ns, r.attempts, r.failures,
       r.error_text, r.closed_by_us);
}
template <typename Codec>
void fields(Codec& c, AttemptRow& r) {
  each(c, r.status, r.started_ns, r.ended_ns, r.journal, r.host_attempt, r.restored, r.pid,
       r.node_ip, r.checkpoint_path, r.error_text, r.sealed_results);
}
template <typename Codec>
void fields(Codec& c, ParamsRow& r) {
  each(c, r.time_ns, r.attempt, r.params, r.config);
}
template <typename Codec>
void fields(Codec& c, CheckpointRow& r) {
  each(c, r.time_ns, r.attempt, r.saved, r.has_step, r.step, r.path);
}
template <typename Codec>
void fields(Codec& c, ShapeRow& r) {
  each(c, r.hash, r.context, r.names);
}
template <typename Codec>
void fields(Codec& c, JournalRow& r) {
  each(c, r.number, r.job, r.applied.sequence, r.applied.offset, r.started_ns, r.pid, r.machine,
       r.next_tail, r.closed, r.ended);
}
template <typename Codec>
void fields(Codec& c, LossRow& r) {
  each(c, r.kind, r.job, r.journal, r.first_ns, r.last_ns, r.results, r.others);
}
template <typename Codec>
void fields(Codec& c, ObjectRow& r) {
  each(c, r.key.name, r.key.context, r.count, r.last_step, r.last_value);
}
template <typename Codec>
void fields(Codec& c, std::pair<SeriesKey, SeriesSummary>& item) {
  SeriesSummary& s = item.second;
  each(c, item.first.name, item.first.context, s.count);
  for (Number* number : {&s.first, &s.last, &s.min, &s.max}) fields(c, *number);
  each(c, s.first_step, s.last_step, s.min_step, s.max_step, s.finite_sum, s.finite_sum_low,
       s.nan_count, s.infinite_count, s.steps_rise);
}

template <typename Row>
constexpr const char* row_name = "row";
template <>
constexpr const char* row_name<ExperimentRow> = "experiment row";
template <>
constexpr const char* row_name<JobRow> = "job row";
template <>
constexpr const char* row_name<RunRow> = "run row";
template <>
constexpr const char* row_name<AttemptRow> = "attempt row";
template <>
constexpr const char* row_name<SummaryMap> = "series summaries";
template <>
constexpr const char* row_name<ObjectMap> = "objects";

template <typename Row>
constexpr uint8_t newest_version = row_version;
template <>
constexpr uint8_t newest_version<SummaryMap> = summaries_version;

template <typename Item>
void append_item(Bytes& out, Item item) {
  Bytes one;
  FieldEncoder encoder(one);
  fields(encoder, item);
  append_string(out, one);
}

// Each item is framed by its length, so that items too can get more fields.
template <typename Item>
std::vector<Item> read_items(ByteReader& in) {
  std::vector<Item> items(in.varint_up_to(in.remaining()));
  for (Item& item : items) {
    ByteReader one(in.string(), "item of a row");
    FieldDecoder decoder(one, MissingFields::keep_defaults);
    fields(decoder, item);
  }
  return items;
}

}  // namespace

ByteView without_version(ByteView bytes, uint8_t newest, const char* what) {
  ByteReader in(bytes, what);
  const auto version = in.fixed<uint8_t>();
  if (version == 0) in.fail("it has no version");
  if (version > newest) {
    throw Error(ErrorCode::too_new, std::string("a ") + what + " has version " +
                                        std::to_string(version) + "; this program reads up to " +
                                        std::to_string(newest) + ": use a newer aimlog");
  }
  return bytes.substr(1);
}

template <typename Row>
Bytes encode_row(const Row& row) {
  Bytes out(1, static_cast<char>(newest_version<Row>));
  if constexpr (std::is_same_v<Row, SummaryMap>) {
    append_varint(out, row.size());
    for (const auto& [key, summary] : row) append_summary(out, key, summary);
  } else if constexpr (std::is_same_v<Row, ObjectMap>) {
    append_varint(out, row.size());
    for (const auto& [key, object] : row) append_item(out, object);
  } else {
    FieldEncoder encoder(out);
    fields(encoder, const_cast<Row&>(row));  // the encoder only reads
  }
  return out;
}

template <typename Row>
Row decode_row(ByteView bytes) {
  ByteReader in(without_version(bytes, newest_version<Row>, row_name<Row>), row_name<Row>);
  Row row{};
  if constexpr (std::is_same_v<Row, SummaryMap>) {
    if (bytes[0] == summaries_version) {
      for (uint64_t i = in.varint_up_to(in.remaining()); i > 0; --i) row.insert(read_summary(in));
      return row;
    }
    for (auto& item : read_items<std::pair<SeriesKey, SeriesSummary>>(in)) row.insert(item);
  } else if constexpr (std::is_same_v<Row, ObjectMap>) {
    for (ObjectRow& object : read_items<ObjectRow>(in)) row[object.key] = std::move(object);
  } else {
    FieldDecoder decoder(in, MissingFields::keep_defaults);
    fields(decoder, row);
  }
  return row;
}

#define AIMLOG_ROW(Row)                  \
  template Bytes encode_row(const Row&); \
  template Row decode_row<Row>(ByteView);
AIMLOG_ROW(ExperimentRow)
AIMLOG_ROW(JobRow)
AIMLOG_ROW(RunRow)
AIMLOG_ROW(AttemptRow)
AIMLOG_ROW(ParamsRow)
AIMLOG_ROW(CheckpointRow)
AIMLOG_ROW(ShapeRow)
AIMLOG_ROW(JournalRow)
AIMLOG_ROW(LossRow)
AIMLOG_ROW(SummaryMap)
AIMLOG_ROW(ObjectMap)
#undef AIMLOG_ROW

Bytes encode_number(uint64_t number) {
  Bytes out(1, static_cast<char>(row_version));
  append_varint(out, number);
  return out;
}

uint64_t decode_number(ByteView bytes) {
  ByteReader in(without_version(bytes, row_version, "number"), "number");
  return in.varint();
}

uint32_t decode_number_32(ByteView bytes) {
  const uint64_t number = decode_number(bytes);
  if (number > UINT32_MAX) throw Error(ErrorCode::corrupt, "damaged number: it is too large");
  return static_cast<uint32_t>(number);
}

}  // namespace aimlog
