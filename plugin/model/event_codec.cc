#include "plugin/model/event_codec.h"

#include <algorithm>

#include "plugin/base/error.h"
#include "plugin/base/field_codec.h"

namespace aimlog {
namespace {

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
  FieldDecoder decoder(in);
  T event;
  fields(decoder, event);
  in.expect_end();
  return event;
}

Event decode_result_event(ByteView payload) {
  ByteReader in(payload, "result event");
  FieldDecoder decoder(in);
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
  FieldEncoder encoder(out);
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
