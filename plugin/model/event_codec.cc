#include "plugin/model/event_codec.h"

#include <algorithm>

#include "plugin/base/error.h"

namespace aimlog {
namespace {

// One list of fields serves both directions: `fields(codec, event)` names them in their order on
// disk. New fields go to the end of a list; readers of older records see defaults for them.
class Encoder {
 public:
  explicit Encoder(Bytes& out) : out_(out) {}
  template <size_t N>
  void operator()(std::array<unsigned char, N>& id) {
    out_.append(reinterpret_cast<const char*>(id.data()), N);
  }
  void operator()(bool& value) { out_.push_back(value ? 1 : 0); }
  void operator()(TrialStatus& value) { out_.push_back(static_cast<char>(value)); }
  void operator()(int32_t& value) { append_signed(out_, value); }
  void operator()(int64_t& value) { append_signed(out_, value); }
  void operator()(uint32_t& value) { append_varint(out_, value); }
  void operator()(uint64_t& value) { append_varint(out_, value); }
  void operator()(double& value) { append_fixed(out_, std::bit_cast<uint64_t>(value)); }
  void operator()(std::string& value) { append_string(out_, value); }
  void operator()(std::vector<std::string>& value) {
    append_varint(out_, value.size());
    for (const std::string& item : value) append_string(out_, item);
  }

 private:
  Bytes& out_;
};

class Decoder {
 public:
  explicit Decoder(ByteReader& in) : in_(in) {}
  template <size_t N>
  void operator()(std::array<unsigned char, N>& id) {
    std::memcpy(id.data(), in_.take(N).data(), N);
  }
  void operator()(bool& value) { value = in_.fixed<uint8_t>() != 0; }
  void operator()(TrialStatus& value) {
    const auto number = in_.fixed<uint8_t>();
    if (number > static_cast<uint8_t>(TrialStatus::crashed)) in_.fail("a status is unknown");
    value = static_cast<TrialStatus>(number);
  }
  void operator()(int32_t& value) { value = static_cast<int32_t>(in_.signed_varint()); }
  void operator()(int64_t& value) { value = in_.signed_varint(); }
  void operator()(uint32_t& value) { value = static_cast<uint32_t>(in_.varint_up_to(UINT32_MAX)); }
  void operator()(uint64_t& value) { value = in_.varint(); }
  void operator()(double& value) { value = std::bit_cast<double>(in_.fixed<uint64_t>()); }
  void operator()(std::string& value) { value = in_.string(); }
  void operator()(std::vector<std::string>& value) {
    const uint64_t count = in_.varint_up_to(in_.remaining());
    for (uint64_t i = 0; i < count; ++i) value.emplace_back(in_.string());
  }

 private:
  ByteReader& in_;
};

template <typename Codec, typename... Fields>
void each(Codec& codec, Fields&... fields) {
  (codec(fields), ...);
}

template <typename Codec>
void fields(Codec& c, SessionEvent& e) {
  each(c, e.token, e.token_from_state, e.resumed, e.time_ns, e.pid, e.machine, e.experiment,
       e.job_id, e.experiment_dir, e.host_name, e.host_version, e.metric_namespace, e.metric,
       e.mode, e.num_samples, e.total_num_samples, e.time_budget_s, e.stop, e.tags, e.description);
}
template <typename Codec>
void fields(Codec& c, TrialEvent& e) {
  each(c, e.trial, e.id);
}
template <typename Codec>
void fields(Codec& c, ShapeEvent& e) {
  each(c, e.hash, e.context, e.names);
}
template <typename Codec>
void fields(Codec& c, StartEvent& e) {
  each(c, e.trial, e.time_ns, e.restored, e.host_status, e.name, e.trainable_name, e.experiment_tag,
       e.local_dir, e.remote_dir, e.node_ip, e.pid, e.failure_count, e.host_attempt,
       e.checkpoint_path, e.params, e.config);
}
template <typename Codec>
void fields(Codec& c, CheckpointEvent& e) {
  each(c, e.trial, e.time_ns, e.saved, e.has_step, e.step, e.path);
}
template <typename Codec>
void fields(Codec& c, EndEvent& e) {
  each(c, e.trial, e.time_ns, e.status);
}
template <typename Codec>
void fields(Codec& c, FailureEvent& e) {
  each(c, e.trial, e.time_ns, e.final, e.failure_count, e.error_text);
}
template <typename Codec>
void fields(Codec& c, ExperimentEndEvent& e) {
  each(c, e.time_ns, e.interrupted);
}
template <typename Codec>
void fields(Codec& c, CloseEvent& e) {
  each(c, e.time_ns);
}
template <typename Codec>
void fields(Codec& c, GapEvent& e) {
  each(c, e.first_ns, e.last_ns, e.results, e.others);
}

template <typename T>
Event decode_as(ByteView payload) {
  ByteReader in(payload, "event");
  Decoder decoder(in);
  T event;
  fields(decoder, event);
  in.expect_end();
  return event;
}

Event decode_result_event(ByteView payload) {
  ByteReader in(payload, "result event");
  Decoder decoder(in);
  ResultEvent event;
  each(decoder, event.trial, event.shape);
  event.result = in.take(in.remaining());
  return event;
}

struct TypeOf {
  EventType operator()(const SessionEvent&) const { return EventType::session; }
  EventType operator()(const TrialEvent&) const { return EventType::trial; }
  EventType operator()(const ShapeEvent&) const { return EventType::shape; }
  EventType operator()(const StartEvent&) const { return EventType::start; }
  EventType operator()(const ResultEvent&) const { return EventType::result; }
  EventType operator()(const CheckpointEvent&) const { return EventType::checkpoint; }
  EventType operator()(const EndEvent&) const { return EventType::end; }
  EventType operator()(const FailureEvent&) const { return EventType::failure; }
  EventType operator()(const ExperimentEndEvent&) const { return EventType::experiment_end; }
  EventType operator()(const CloseEvent&) const { return EventType::close; }
  EventType operator()(const GapEvent&) const { return EventType::gap; }
};

}  // namespace

Hash128 shape_hash(ByteView context, const std::vector<std::string>& names) {
  Bytes text;
  append_string(text, context);
  for (const std::string& name : names) append_string(text, name);
  return hash128(text);
}

EventType event_type(const Event& event) { return std::visit(TypeOf{}, event); }

void append_event(Bytes& out, const Event& event) {
  Encoder encoder(out);
  std::visit(
      [&](const auto& e) {
        using T = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<T, ResultEvent>) {
          ResultEvent copy = e;
          each(encoder, copy.trial, copy.shape);
          out.append(e.result);
        } else {
          // The encoder only reads; the field lists are written once for both directions.
          fields(encoder, const_cast<T&>(e));
        }
      },
      event);
}

Event decode_event(EventType type, ByteView payload) {
  switch (type) {
    case EventType::session:
      return decode_as<SessionEvent>(payload);
    case EventType::trial:
      return decode_as<TrialEvent>(payload);
    case EventType::shape:
      return decode_as<ShapeEvent>(payload);
    case EventType::start:
      return decode_as<StartEvent>(payload);
    case EventType::result:
      return decode_result_event(payload);
    case EventType::checkpoint:
      return decode_as<CheckpointEvent>(payload);
    case EventType::end:
      return decode_as<EndEvent>(payload);
    case EventType::failure:
      return decode_as<FailureEvent>(payload);
    case EventType::experiment_end:
      return decode_as<ExperimentEndEvent>(payload);
    case EventType::close:
      return decode_as<CloseEvent>(payload);
    case EventType::gap:
      return decode_as<GapEvent>(payload);
  }
  throw Error(ErrorCode::too_new, "a journal record has type " +
                                      std::to_string(static_cast<int>(type)) +
                                      ", which this version does not know");
}

}  // namespace aimlog
