#include "plugin/adapter/instance.h"

#include <dlfcn.h>

#include <algorithm>
#include <chrono>

#include "plugin/adapter/growable.h"
#include "plugin/adapter/guard.h"
#include "plugin/base/signals.h"
#include "plugin/config/load_config.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

tuner_host read_host(const tuner_host* host) {
  return host == nullptr ? tuner_host{} : read_growable(host, "create: host");
}

Config read_config(const tuner_create_args& args) {
  ConfigSource source;
  source.path = view(args.config_path);
  source.text = view(args.config_text);
  source.has_text = args.config_text.data != nullptr && args.config_text.length != 0;
  source.base_dir = view(args.base_dir);
  for (uint64_t i = 0; args.settings != nullptr && i < args.setting_count; ++i) {
    source.overrides.push_back(
        {std::string(view(args.settings[i].key)), std::string(view(args.settings[i].value))});
  }
  if (!source.path.empty() && source.has_text) {
    throw Error(ErrorCode::invalid_config, "create: give config_path or config_text, not both");
  }
  return load_config(source);
}

// A commit that takes so much longer than it should is told of.
constexpr uint64_t long_wait_ms = 10000;

// What an error says of a path begins with the place in the configuration where it was said.
template <class Use>
auto naming_key(const Config& config, const std::string& key, Use use) {
  try {
    return use();
  } catch (const Error& error) {
    const auto said = config.said_in.find(key);
    if (said == config.said_in.end()) throw;
    throw Error(error.code(), said->second + ": " + key + ": " + error.what());
  }
}

Severity severity_of(LogLevel level) { return static_cast<Severity>(level); }
static_assert(static_cast<int>(LogLevel::off) == static_cast<int>(Severity::off) &&
              static_cast<int>(LogLevel::info) == static_cast<int>(Severity::info));
static_assert(static_cast<int>(Severity::error) == TUNER_LOG_ERROR);

Log::HostSink host_sink(const tuner_host& host) {
  if (host.log == nullptr) return {};
  return [host](Severity severity, std::string_view text) {
    host.log(host.host_data, static_cast<tuner_log_level>(severity), {text.data(), text.size()});
  };
}

Log::HostFilter host_filter(const tuner_host& host) {
  if (host.log_enabled == nullptr) return {};
  return [host](Severity severity) {
    return host.log_enabled(host.host_data, static_cast<tuner_log_level>(severity)) != 0;
  };
}

CommitterOptions committer_options(const Config& config) {
  CommitterOptions options;
  options.interval = milliseconds(config.commit_interval_ms);
  // The rest of the time is for the thread to end.
  options.close_timeout = milliseconds(config.close_timeout_ms - config.close_timeout_ms / 5);
  return options;
}

// So that code of ours stays where the hanging thread finds it when the system lets it go.
void pin_library() noexcept {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&pin_library), &info) != 0) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

}  // namespace

Instance::Instance(const tuner_create_args& args)
    : host_(read_host(args.host)),
      config_(read_config(args)),
      log_(host_sink(host_), host_filter(host_), severity_of(config_.log.level)),
      environment_(open_repo()),
      ring_(make_ring()),
      unfinished_(*ring_),
      tracker_(*ring_, handover_, config_),
      fork_guard_([ring = ring_.get(), environment = environment_.get()] {
        ring->abandon_in_child();
        environment->abandon_in_child();
      }),
      committer_(environment_, *ring_, handover_, log_, committer_options(config_)) {
  if (ring_->uses_write_calls()) {
    log_.write(Severity::info,
               "the journal in " + ring_->path().string() +
                   " cannot be allocated in full on this file system: each event is written "
                   "with a system call");
  }
  unfinished_.dismiss();
}

Instance::RemoveOnError::~RemoveOnError() {
  try {
    if (ring_ != nullptr) ring_->remove();
  } catch (const std::exception&) {
    // Whoever opens the repo next does it.
  }
}

std::shared_ptr<Environment> Instance::open_repo() {
  if (config_.log.file) {
    naming_key(config_, "log.file", [&] { log_.to_file(config_.log.file->string()); });
  }
  return naming_key(config_, "repo",
                    [&] { return Environment::open(config_.repo, OpenMode::create); });
}

std::unique_ptr<Ring> Instance::make_ring() {
  return naming_key(config_, "repo", [&] {
    return Ring::create(environment_->paths().journals, config_.journal_bytes);
  });
}

tuner_status Instance::flush(uint32_t timeout_ms, tuner_error* error) {
  const uint64_t sequence = ring_->published_sequence();
  const milliseconds timeout(timeout_ms != 0 ? timeout_ms : config_.close_timeout_ms);
  if (handover_.durable_sequence() >= sequence || handover_.wait_durable(sequence, timeout)) {
    return TUNER_OK;
  }
  const std::string problem = handover_.problem();
  write_error(error, "not all events are durable after " + std::to_string(timeout.count()) + " ms" +
                         (problem.empty() ? "" : ": " + problem));
  return TUNER_NOT_DURABLE;
}

void Instance::tell_dropped() noexcept {
  log_.write_limited("drop", Severity::warning,
                     "events are dropped: there is no room for them in the journal, since commits "
                     "fail or do not keep up, or it cannot be written");
}

bool Instance::commits_wait(uint64_t pending_age_ms) const {
  return pending_age_ms > config_.commit_interval_ms + long_wait_ms;
}

tuner_health Instance::health(uint64_t pending_age_ms) const {
  if (handover_.broken()) return TUNER_HEALTH_BROKEN;
  const bool lost = tracker_.counters().events_dropped > 0 || handover_.events_lost() > 0;
  return lost || handover_.failing() || commits_wait(pending_age_ms) ? TUNER_HEALTH_DEGRADED
                                                                     : TUNER_HEALTH_OK;
}

std::string Instance::health_text(uint64_t pending_age_ms) {
  const Counters& counters = tracker_.counters();
  std::string text;
  if (counters.events_dropped > 0 || handover_.events_lost() > 0) {
    text = std::to_string(counters.events_dropped) +
           " events were dropped for want of room or memory, " +
           std::to_string(handover_.events_lost()) + " lost by damage";
  }
  if (handover_.failing() || handover_.broken()) {
    text += (text.empty() ? "" : "; ") + handover_.problem();
  } else if (commits_wait(pending_age_ms)) {
    text += (text.empty() ? "" : "; ") +
            ("nothing was committed for " + std::to_string(pending_age_ms / 1000) +
             " s: a commit waits for the disk, or for another process that writes to the repo");
  }
  return text;
}

void Instance::fill_stats(tuner_stats& stats) {
  const Counters& counters = tracker_.counters();
  const uint64_t published = ring_->published_sequence();
  const uint64_t durable = handover_.durable_sequence();
  stats.events = counters.events;
  stats.results = counters.results;
  stats.points = counters.points;
  stats.events_dropped = counters.events_dropped;
  stats.events_lost = handover_.events_lost();
  stats.values_skipped = counters.values_skipped;
  stats.values_cut = counters.values_cut;
  stats.texts_repaired = counters.texts_repaired;
  stats.keys_duplicated = counters.keys_duplicated;
  stats.commits = handover_.commits();
  stats.commit_errors = handover_.commit_errors();
  stats.events_pending = published > durable ? published - durable : 0;
  stats.pending_age_ms = stats.events_pending == 0 ? 0 : committer_.pending_age_ms();
  stats.health = health(stats.pending_age_ms);
  try {
    write_error(stats.message, health_text(stats.pending_age_ms));
  } catch (const std::bad_alloc&) {
    write_error(stats.message, "there is no memory for a text");
  }
  stats.waits = counters.waits;
  stats.wait_ns_max = counters.wait_ns_max;
  stats.journal_bytes = ring_->data_bytes();
  stats.journal_used_bytes = ring_->used_bytes();
}

void Instance::warn_about_unmatched_patterns() {
  if (tracker_.counters().results == 0) return;
  for (const std::string& pattern : tracker_.unmatched_patterns()) {
    log_.write(Severity::warning,
               "metrics: the pattern \"" + pattern + "\" matched no metric of this job");
  }
}

bool Instance::shut_down(tuner_status& status, tuner_error* error) noexcept {
  const FileSizeSignalBlocked blocked;
  const auto deadline = steady_clock::now() + milliseconds(config_.close_timeout_ms);
  // Where memory is too short for what is said at the end, the thread has to stop all the same.
  const tuner_status said = guard(error, [&]() -> tuner_status {
    tracker_.close();
    warn_about_unmatched_patterns();
    return TUNER_OK;
  });
  bool stopped = false;
  status = guard(said == TUNER_OK ? error : nullptr, [&]() -> tuner_status {
    stopped = committer_.stop(
        std::max(milliseconds(0), duration_cast<milliseconds>(deadline - steady_clock::now())));
    if (!stopped || committer_.finished_clean()) return said;
    write_error(error, "the repo could not be written in time (" + handover_.problem() +
                           "); what is pending waits in " + ring_->path().string() +
                           " and is replayed when the repo is opened next");
    return TUNER_NOT_DURABLE;
  });
  log_.drain();
  if (stopped) return true;
  pin_library();
  committer_.abandon();
  status = guard(error, [&]() -> tuner_status {
    write_error(error,
                "a write to the repo hangs; this library stays in the process, and what is pending "
                "waits in " +
                    ring_->path().string());
    return TUNER_NOT_DURABLE;
  });
  return false;
}

}  // namespace aimlog
