#include "cli/output/table.h"
#include "cli/output/text.h"
#include "cli/output/time_text.h"
#include "cli/output/value_text.h"
#include "cli/query/metric_ref.h"
#include "cli/query/run_detail.h"

namespace aimlog::cli {
namespace {

class RunText {
 public:
  explicit RunText(const OutputOptions& output) : output_(output) {}

  std::string write(const RunDetail& detail) {
    write_run(detail.info);
    write_job(*detail.info.job);
    write_params(detail);
    write_attempts(detail.attempts);
    write_metrics(detail);
    write_objects(detail.objects);
    write_checkpoints(detail.checkpoints);
    return std::move(out_);
  }

 private:
  void heading(const std::string& text) {
    out_ += output_.colours ? "\n\033[1m" + text + "\033[0m\n" : "\n" + text + "\n";
  }
  void field(const char* name, const std::string& value) {
    if (value.empty()) return;
    out_ += padded(name, 12, false) + safe_text(value) + "\n";
  }
  void table(const Table& table) { out_ += render_for_people(table, output_); }

  void write_run(const RunInfo& info) {
    const RunRow& row = info.row;
    field("run", row.id.hex());
    field("trial", row.trial_id);
    if (row.trial_name != row.trial_id) field("name", row.trial_name);
    field("experiment", info.experiment);
    field("trainable", row.trainable_name);
    field("tag", row.experiment_tag);
    field("status", status_name(row.status));
    if (row.failures > 0) field("failures", std::to_string(row.failures));
    field("error", row.error_text);
    field("created", local_time(row.created_ns));
    field("ended", local_time(row.ended_ns));
    if (row.ended_ns != 0) field("duration", span_text(row.ended_ns - row.created_ns));
    field("dir", row.local_dir);
    field("remote dir", row.remote_dir);
  }

  void write_job(const JobRow& job) {
    heading("job");
    field("job id", job.host_job_id);
    field("created", local_time(job.created_ns));
    field("ended", local_time(job.ended_ns) + (job.interrupted ? " (interrupted)" : ""));
    field("host", job.host_name + (job.host_version.empty() ? "" : " " + job.host_version));
    field("machine", job.machine);
    field("metric", job.metric + (job.mode.empty() ? "" : " (" + job.mode + ")"));
    field("dir", job.experiment_dir);
    std::string tags;
    for (const std::string& tag : job.tags) tags += (tags.empty() ? "" : ", ") + tag;
    field("tags", tags);
    field("description", job.description);
  }

  void write_map(const char* title, const Bytes& encoded) {
    if (encoded.empty()) return;
    const Value value = decode_value(encoded);
    if (value.map() == nullptr || value.map()->empty()) return;
    heading(title);
    Table rows;
    rows.columns = {{"name"}, {"value", "", true, true}};
    for (auto& [name, leaf] : flatten(*value.map()))
      rows.rows.push_back({text_cell(name), text_cell(value_text(leaf, true))});
    table(rows);
  }

  void write_params(const RunDetail& detail) {
    if (detail.params.empty()) return;
    write_map("params", detail.params.back().params);
    write_map("config", detail.params.back().config);
    if (detail.params.size() < 2) return;
    heading("params over time");
    Table rows;
    rows.columns = {{"time"}, {"attempt"}, {"params"}};
    for (const ParamsRow& row : detail.params) {
      const Value value = row.params.empty() ? Value{} : decode_value(row.params);
      rows.rows.push_back(
          {time_cell(row.time_ns), count_cell(row.attempt), text_cell(value_text(value, true))});
    }
    table(rows);
  }

  void write_attempts(const std::vector<AttemptDetail>& attempts) {
    if (attempts.empty()) return;
    heading("attempts");
    Table rows;
    rows.columns = {{"attempt", "#"}, {"status"}, {"results"}, {"started"}, {"ended"}};
    rows.columns.push_back({"from checkpoint", "", false, false, 1});
    rows.columns.push_back({"error", "", false, false, 2});
    for (size_t i = 0; i < attempts.size(); ++i) {
      const AttemptRow& row = attempts[i].row;
      rows.rows.push_back({count_cell(i + 1), text_cell(status_name(row.status)),
                           count_cell(attempts[i].results), time_cell(row.started_ns),
                           time_cell(row.ended_ns), text_cell(row.checkpoint_path),
                           text_cell(row.error_text)});
    }
    table(rows);
  }

  void write_metrics(const RunDetail& detail) {
    if (detail.metrics.empty()) return;
    heading("metrics");
    Table rows;
    rows.columns = {{"metric"}};
    for (const char* each : {"last", "min", "max", "mean", "count", "last_step"})
      rows.columns.push_back({each});
    for (const auto& [name, summary] : detail.metrics) {
      std::vector<Cell> row = {text_cell(name.text())};
      for (size_t i = 1; i < rows.columns.size(); ++i)
        row.push_back(number_cell(find_aggregate(rows.columns[i].key)->of(summary)));
      rows.rows.push_back(std::move(row));
    }
    table(rows);
  }

  void write_objects(const std::vector<std::pair<SeriesName, ObjectRow>>& objects) {
    if (objects.empty()) return;
    heading("other values");
    Table rows;
    rows.columns = {{"name"}, {"count"}, {"step"}, {"last"}};
    for (const auto& [name, row] : objects) {
      const Value value = row.last_value.empty() ? Value{} : decode_value(row.last_value);
      rows.rows.push_back({text_cell(name.text()), count_cell(row.count),
                           number_cell(Number::of(row.last_step)),
                           text_cell(value.is_null() ? "null" : value_text(value, true))});
    }
    table(rows);
  }

  void write_checkpoints(const std::vector<CheckpointRow>& checkpoints) {
    if (checkpoints.empty()) return;
    heading("checkpoints");
    Table rows;
    rows.columns = {{"time"}, {"attempt"}, {"step"}, {"path"}};
    for (const CheckpointRow& row : checkpoints) {
      rows.rows.push_back({time_cell(row.time_ns), count_cell(row.attempt),
                           row.has_step ? number_cell(Number::of(row.step)) : Cell{},
                           text_cell(row.path)});
    }
    table(rows);
  }

  const OutputOptions& output_;
  std::string out_;
};

}  // namespace

std::string detail_text(const RunDetail& detail, const OutputOptions& output) {
  return RunText(output).write(detail);
}

}  // namespace aimlog::cli
