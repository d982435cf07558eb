// A host of nothing but numbers, for benchmarks that need many trials.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/loaded_plugin.h"
#include "tests/bench/mixed_report.h"

namespace aimlog::bench {

// A host that reports the first so many of the mixed metrics.
class Host {
 public:
  Host(const std::string& plugin, const std::string& config, const std::filesystem::path& directory,
       size_t metrics)
      : plugin_(load_plugin(plugin, config, directory)), entries_(metrics + 1) {
    entries_[0].key = tuner::text("training_iteration");
    entries_[0].value.tag = TUNER_TAG_INT64;
    for (size_t i = 0; i < metrics; ++i) entries_[i + 1].key = tuner::text(mixed_metrics[i].name);
    result_.tag = TUNER_TAG_MAP;
    result_.as.map.entries = entries_.data();
    result_.as.map.count = entries_.size();
  }

  void start(const std::string& id) {
    auto trial = tuner::make<tuner_trial>();
    trial.id = tuner::text(id);
    trial.name = trial.id;
    tuner_entry params[2]{};
    params[0].key = tuner::text("lr");
    params[0].value.tag = TUNER_TAG_DOUBLE;
    params[0].value.as.float64 =
        1e-3 * static_cast<double>(id.size() + static_cast<size_t>(id.back()));
    params[1].key = tuner::text("width");
    params[1].value.tag = TUNER_TAG_INT64;
    params[1].value.as.int64 = id.back();
    tuner_value map{};
    map.tag = TUNER_TAG_MAP;
    map.as.map.entries = params;
    map.as.map.count = 2;
    trial.params = trial.config = &map;
    auto event = tuner::make<tuner_trial_start_event>();
    event.trial = &trial;
    refused_ += plugin_.on_trial_start(event) != TUNER_OK ? 1 : 0;
  }

  void report(const std::string& id, int64_t step, const MixedReport::Values& values) {
    entries_[0].value.as.int64 = step;
    for (size_t i = 1; i < entries_.size(); ++i) entries_[i].value = values[i - 1];
    auto event = tuner::make<tuner_trial_result_event>();
    event.trial_id = tuner::text(id);
    event.result = &result_;
    refused_ += plugin_.on_trial_result(event) != TUNER_OK ? 1 : 0;
  }

  void complete(const std::string& id) {
    auto event = tuner::make<tuner_trial_end_event>();
    event.trial_id = tuner::text(id);
    refused_ += plugin_.on_trial_complete(event) != TUNER_OK ? 1 : 0;
  }

  // Returns when all that was recorded is in the store.
  void flush() { plugin_.flush({}); }

  uint64_t refused() const { return refused_; }
  // Of events that no commit has covered.
  uint64_t journal_bytes() {
    auto stats = tuner::make<tuner_stats>();
    plugin_.get_stats(stats);
    return stats.journal_used_bytes;
  }

 private:
  tuner::Plugin plugin_;
  std::vector<tuner_entry> entries_;
  tuner_value result_{};
  uint64_t refused_ = 0;
};

}  // namespace aimlog::bench
