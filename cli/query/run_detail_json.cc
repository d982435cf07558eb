#include "cli/output/json.h"
#include "cli/output/time_text.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_detail.h"

namespace aimlog::cli {
namespace {

// Fields that are left empty where nothing is known, so that every run has the same keys.
class RunJson {
 public:
  explicit RunJson(bool types) : types_(types) {}

  std::string write(const RunDetail& detail) {
    json_.begin_object();
    write_run(detail.info);
    write_job(*detail.info.job);
    write_params(detail.params);
    write_attempts(detail.attempts);
    write_checkpoints(detail.checkpoints);
    write_objects(detail.objects);
    write_metrics(detail);
    json_.end_object();
    return json_.take();
  }

 private:
  void text(const char* key, const std::string& value) {
    json_.key(key);
    if (value.empty())
      json_.null();
    else
      json_.text(value);
  }
  void time(const std::string& key, int64_t ns) {
    text(key.c_str(), iso_time(ns));
    json_.key(key + "_ns");
    if (ns == 0)
      json_.null();
    else
      json_.integer(ns);
  }
  void count(const char* key, uint64_t value) { json_.key(key).count(value); }
  void integer(const char* key, int64_t value) { json_.key(key).integer(value); }
  void encoded(const char* key, const Bytes& bytes) {
    json_.key(key);
    if (bytes.empty())
      json_.null();
    else
      json_.value(decode_value(bytes), types_);
  }
  void number(const char* key, Number value) { json_.key(key).number(value, types_); }
  void name(const SeriesName& name) {
    json_.key("name").text(name.metric);
    json_.key("context");
    if (name.context_value.is_null())
      json_.null();
    else
      json_.value(name.context_value, types_);
  }

  void write_run(const RunInfo& info) {
    const RunRow& row = info.row;
    text("id", row.id.hex());
    json_.key("trial_id").text(row.trial_id);
    text("trial_name", row.trial_name);
    text("trainable_name", row.trainable_name);
    text("experiment_tag", row.experiment_tag);
    text("experiment", info.experiment);
    text("status", status_name(row.status));
    time("created", row.created_ns);
    time("ended", row.ended_ns);
    count("attempt_count", row.attempts);
    count("failures", row.failures);
    text("error", row.error_text);
    text("local_dir", row.local_dir);
    text("remote_dir", row.remote_dir);
  }

  void write_job(const JobRow& job) {
    json_.key("job").begin_object();
    text("id", job.host_job_id);
    text("token", to_hex(job.token));
    time("created", job.created_ns);
    time("ended", job.ended_ns);
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
    json_.key("time_budget_s").number(Number::of(job.time_budget_s), false);
    encoded("stop", job.stop);
    json_.key("tags").begin_array();
    for (const std::string& tag : job.tags) json_.text(tag);
    json_.end_array();
    text("description", job.description);
    json_.end_object();
  }

  void write_params(const std::vector<ParamsRow>& history) {
    encoded("params", history.empty() ? Bytes{} : history.back().params);
    encoded("config", history.empty() ? Bytes{} : history.back().config);
    json_.key("params_history").begin_array();
    for (const ParamsRow& row : history) {
      json_.begin_object();
      time("time", row.time_ns);
      count("attempt", row.attempt);
      encoded("params", row.params);
      encoded("config", row.config);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_attempts(const std::vector<AttemptDetail>& attempts) {
    json_.key("attempts").begin_array();
    for (size_t i = 0; i < attempts.size(); ++i) {
      const AttemptRow& row = attempts[i].row;
      json_.begin_object();
      count("attempt", i + 1);
      text("status", status_name(row.status));
      time("started", row.started_ns);
      time("ended", row.ended_ns);
      count("results", attempts[i].results);
      count("host_attempt", row.host_attempt);
      json_.key("restored").boolean(row.restored);
      integer("pid", row.pid);
      text("node_ip", row.node_ip);
      text("checkpoint_path", row.checkpoint_path);
      text("error", row.error_text);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_checkpoints(const std::vector<CheckpointRow>& checkpoints) {
    json_.key("checkpoints").begin_array();
    for (const CheckpointRow& row : checkpoints) {
      json_.begin_object();
      time("time", row.time_ns);
      count("attempt", row.attempt);
      json_.key("saved").boolean(row.saved);
      json_.key("step");
      if (row.has_step)
        json_.integer(row.step);
      else
        json_.null();
      text("path", row.path);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_objects(const std::vector<std::pair<SeriesName, ObjectRow>>& objects) {
    json_.key("objects").begin_array();
    for (const auto& [series, row] : objects) {
      json_.begin_object();
      name(series);
      count("count", row.count);
      integer("last_step", row.last_step);
      encoded("last", row.last_value);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_metrics(const RunDetail& detail) {
    json_.key("metrics").begin_array();
    for (size_t i = 0; i < detail.metrics.size(); ++i) {
      const auto& [series, summary] = detail.metrics[i];
      json_.begin_object();
      name(series);
      for (const std::string& aggregate : aggregate_names()) {
        const Number value = find_aggregate(aggregate)->of(summary);
        const bool of_the_users =
            aggregate == "last" || aggregate == "first" || aggregate == "min" || aggregate == "max";
        json_.key(aggregate).number(value, types_ && of_the_users);
      }
      if (i < detail.points.size()) write_points(detail.points[i]);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_points(const std::vector<Point>& points) {
    json_.key("points").begin_array();
    for (const Point& point : points) {
      json_.begin_object();
      count("attempt", point.attempt);
      integer("step", point.step);
      integer("time_ns", point.time_ns);
      if (point.epoch.exists()) number("epoch", point.epoch);
      number("value", point.value);
      json_.end_object();
    }
    json_.end_array();
  }

  JsonWriter json_;
  bool types_;
};

}  // namespace

std::string detail_json(const RunDetail& detail, bool types) {
  return RunJson(types).write(detail);
}

}  // namespace aimlog::cli
