#include "plugin/read/run_json.h"

#include "plugin/read/names.h"
#include "plugin/read/value_text.h"

namespace aimlog {
namespace {

// Fields that are null where nothing is known, so that every run has the same keys.
class RunWriter {
 public:
  RunWriter(RepoView& view, RunNumber number) : view_(view), number_(number) {}

  std::string write() {
    const RunRow row = get_run(view_.txn(), number_);
    json_.open('{');
    write_run(row);
    write_job(view_.job(row.job));
    write_params();
    write_attempts(row.attempts);
    write_checkpoints();
    write_objects();
    write_metrics();
    json_.close();
    return json_.take();
  }

 private:
  void text(const char* key, const std::string& value) {
    json_.key(key);
    if (value.empty())
      json_.number({});
    else
      json_.text(value);
  }
  void integer(const char* key, int64_t value) { json_.key(key).integer(value); }
  void time(const char* key, int64_t ns) {
    json_.key(key).number(ns == 0 ? Number{} : Number::of(ns));
  }
  void encoded(const char* key, const Bytes& bytes) {
    json_.key(key).value(bytes.empty() ? Value{} : decode_value(bytes));
  }
  void series(SeriesKey key) {
    const NamedSeries& named = view_.series(key);
    json_.key("name").text(named.metric);
    json_.key("context").value(named.context);
    json_.key("text").text(named.text());
    json_.key("context_texts").open('{');
    for (const auto& [name, value] : named.flat_context()) json_.key(name).text(value);
    json_.close();
  }

  void write_run(const RunRow& row) {
    text("id", row.id.hex());
    text("trial_id", row.trial_id);
    text("trial_name", row.trial_name);
    text("trainable_name", row.trainable_name);
    text("experiment_tag", row.experiment_tag);
    text("experiment", view_.experiment_of(row.job));
    text("status", status_name(row.status));
    time("created_ns", row.created_ns);
    time("ended_ns", row.ended_ns);
    integer("attempt_count", row.attempts);
    integer("failures", row.failures);
    text("error", row.error_text);
    text("local_dir", row.local_dir);
    text("remote_dir", row.remote_dir);
  }

  void write_job(const JobRow& job) {
    json_.key("job").open('{');
    text("id", job.host_job_id);
    text("token", to_hex(job.token));
    time("created_ns", job.created_ns);
    time("ended_ns", job.ended_ns);
    json_.key("interrupted").boolean(job.interrupted);
    text("machine", job.machine);
    text("experiment_dir", job.experiment_dir);
    text("host_name", job.host_name);
    text("host_version", job.host_version);
    text("metric_namespace", job.metric_namespace);
    text("metric", job.metric);
    text("mode", job.mode);
    integer("num_samples", job.num_samples);
    integer("total_num_samples", job.total_num_samples);
    json_.key("time_budget_s").number(Number::of(job.time_budget_s));
    encoded("stop", job.stop);
    json_.key("tags").open('[');
    for (const std::string& tag : job.tags) json_.text(tag);
    json_.close();
    text("description", job.description);
    json_.close();
  }

  void write_params() {
    const auto history = get_params_history(view_.txn(), number_);
    encoded("params", history.empty() ? Bytes{} : history.back().params);
    encoded("config", history.empty() ? Bytes{} : history.back().config);
    json_.key("params_history").open('[');
    for (const ParamsRow& row : history) {
      json_.open('{');
      time("time_ns", row.time_ns);
      integer("attempt", row.attempt);
      encoded("params", row.params);
      encoded("config", row.config);
      json_.close();
    }
    json_.close();
  }

  void write_attempts(uint32_t count) {
    json_.key("attempts").open('[');
    for (uint32_t attempt = 1; attempt <= count; ++attempt) {
      const AttemptRow row =
          read_attempt(view_.txn(), number_, attempt, count).value_or(AttemptRow{});
      json_.open('{');
      integer("attempt", attempt);
      text("status", status_name(row.status));
      time("started_ns", row.started_ns);
      time("ended_ns", row.ended_ns);
      const uint64_t results = read_result_count(view_.txn(), view_.tails(), number_, attempt);
      integer("results", static_cast<int64_t>(results));
      integer("host_attempt", row.host_attempt);
      json_.key("restored").boolean(row.restored);
      integer("pid", row.pid);
      text("node_ip", row.node_ip);
      text("checkpoint_path", row.checkpoint_path);
      text("error", row.error_text);
      json_.close();
    }
    json_.close();
  }

  void write_checkpoints() {
    json_.key("checkpoints").open('[');
    for (const CheckpointRow& row : get_checkpoints(view_.txn(), number_)) {
      json_.open('{');
      time("time_ns", row.time_ns);
      integer("attempt", row.attempt);
      json_.key("saved").boolean(row.saved);
      json_.key("step").number(row.has_step ? Number::of(row.step) : Number{});
      text("path", row.path);
      json_.close();
    }
    json_.close();
  }

  void write_objects() {
    json_.key("objects").open('[');
    for (const auto& [key, row] : read_objects(view_.txn(), view_.tails(), number_)) {
      json_.open('{');
      series(key);
      integer("count", static_cast<int64_t>(row.count));
      integer("last_step", row.last_step);
      encoded("last", row.last_value);
      json_.close();
    }
    json_.close();
  }

  void write_metrics() {
    json_.key("metrics").open('[');
    for (const auto& [key, s] : read_summaries(view_.txn(), view_.tails(), number_)) {
      json_.open('{');
      series(key);
      integer("count", static_cast<int64_t>(s.count));
      json_.key("last").number(s.last);
      integer("last_step", s.last_step);
      json_.key("min").number(s.min);
      json_.key("max").number(s.max);
      json_.close();
    }
    json_.close();
  }

  RepoView& view_;
  RunNumber number_;
  JsonText json_;
};

}  // namespace

std::string run_json(Environment& environment, std::string_view run_word) {
  if (run_word.empty()) throw Error(ErrorCode::invalid_argument, "a run must be named");
  RepoView view(environment);
  return RunWriter(view, view.runs(run_word).front()).write();
}

}  // namespace aimlog
