// A host that is killed: many trials, quick results, each noted in an AckLog before and after the
// plugin is told. It goes on from that list when it is started again. At an end in order it prints
// one line of JSON: what destroy said, and the plugin's statistics.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "abi/include/tuner_plugin.hpp"
#include "tests/crash/ack_log.h"
#include "tests/crash/block_log.h"
#include "tests/crash/faults.h"
#include "tests/crash/host_options.h"

// Where nth_call is preloaded: memory that this program asks for itself is always given.
extern "C" __attribute__((weak)) void crash_fault_outside(int yes);

namespace crash {
namespace {

void be_outside(bool yes) {
  if (crash_fault_outside != nullptr) crash_fault_outside(yes ? 1 : 0);
}

class InsidePlugin {
 public:
  InsidePlugin() { be_outside(false); }
  ~InsidePlugin() { be_outside(true); }
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

tuner_plugin_entry_fn load_entry(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  auto* entry = ::dlsym(library, TUNER_PLUGIN_ENTRY_NAME);
  if (entry == nullptr) throw std::runtime_error(path + " has no entry");
  return reinterpret_cast<tuner_plugin_entry_fn>(entry);
}

std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

tuner::Plugin create(const HostOptions& options) {
  std::vector<tuner_setting> settings;
  settings.push_back({tuner::text("repo"), tuner::text(options.repo)});
  for (const auto& [key, value] : options.settings) {
    settings.push_back({tuner::text(key), tuner::text(value)});
  }
  auto args = tuner::make<tuner_create_args>();
  args.settings = settings.data();
  args.setting_count = settings.size();
  const auto entry = load_entry(options.plugin);
  const std::ptrdiff_t before = open_descriptors();
  try {
    const InsidePlugin inside;
    return tuner::Plugin(entry, args, "crash-host");
  } catch (...) {
    if (open_descriptors() == before) throw;
    throw std::runtime_error("create was refused, and descriptors are left open");
  }
}

struct Trial {
  std::uint32_t number = 0;
  std::uint32_t attempt = 0;
  std::int64_t step = 0;
  bool completed = false;
  std::string id() const { return "trial-" + std::to_string(number); }
};

class Host {
 public:
  explicit Host(const HostOptions& options)
      : options_(options),
        log_(options.acks),
        block_log_(options.block_log),
        random_(options.seed),
        plugin_(create(options)) {
    remember();
  }

  void run() {
    begin_job();
    if (options_.fork_child) fork_child();
    for (Trial& trial : running_) start(trial);
    for (told_ = 0; options_.results == 0 || told_ < options_.results; ++told_) {
      make_trouble();
      Trial& trial = running_[told_ % running_.size()];
      report(trial);
      if (options_.complete_in != 0 && random_() % options_.complete_in == 0) {
        complete(trial);
        trial = Trial{next_trial_++};
        start(trial);
      }
      pause_a_little();
    }
    while (options_.linger) ::pause();
    for (Trial& trial : running_) complete(trial);
    end_job();
  }

 private:
  // What the list says of this job.
  void remember() {
    std::map<std::uint32_t, Trial> trials;
    for (std::uint64_t i = 0; i < log_.count(); ++i) {
      const Record& record = log_.at(i);
      if (record.kind == Kind::result) value_ = std::max(value_, record.value_bits);
      if (record.job != options_.job || record.kind == Kind::setup) continue;
      Trial& trial = trials[record.trial];
      trial.number = record.trial;
      trial.attempt = std::max(trial.attempt, record.attempt);
      if (record.kind == Kind::result) trial.step = record.step;
      trial.completed = record.kind == Kind::complete && record.answer == Answer::acknowledged;
    }
    for (auto& [number, trial] : trials) {
      next_trial_ = number + 1;
      // As from a checkpoint of some steps ago.
      trial.step = std::max<std::int64_t>(0, trial.step - static_cast<std::int64_t>(random_() % 4));
      if (!trial.completed) running_.push_back(trial);
    }
    while (running_.size() < options_.trials) running_.push_back(Trial{next_trial_++});
  }

  template <class Event>
  void tell(Record record, tuner_status (tuner::Plugin::*hook)(const Event&) noexcept,
            const Event& event) {
    record.job = options_.job;
    Record& noted = log_.begin(record);
    const std::int64_t start = now_ns();
    be_outside(false);
    const tuner_status status = (plugin_.*hook)(event);
    be_outside(true);
    const auto took = static_cast<std::uint64_t>(now_ns() - start);
    if (block_log_.is_open()) note_durable(noted, status);
    log_.end(noted, status, took);
  }

  // What no commit covers are the newest events; a record that is pending is one of them at most.
  void note_durable(Record& noted, tuner_status status) {
    if (status == TUNER_OK || status == TUNER_NOT_DURABLE) ++answered_;
    auto stats = tuner::make<tuner_stats>();
    plugin_.get_stats(stats);
    noted.durable_events = answered_ - static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                           answered_, stats.events_pending));
    noted.answered_ms = static_cast<std::uint32_t>(now_ns() / 1'000'000);
    noted.block_entries = block_log_.entries();  // last: what was durable is in these
  }

  void begin_job() {
    if (!options_.state.empty()) restore_state();
    const std::string name = "job-" + std::to_string(options_.job);
    const tuner_string reserved = tuner::text("training_iteration");
    auto event = tuner::make<tuner_setup_event>();
    event.resumed = options_.resumed;
    if (options_.job_id) event.job_id = tuner::text(name);
    event.experiment_name = tuner::text("crash");
    event.experiment_dir = tuner::text(name);  // so that the tests know it without an id
    event.host_name = tuner::text("crash-host");
    event.reserved_keys = &reserved;
    event.reserved_key_count = 1;
    tell({Kind::setup, {}, 0, 0, 0, 0, 0, 0, 0, 0}, &tuner::Plugin::setup, event);
    if (!options_.state.empty()) save_state();
  }

  void restore_state() {
    std::ifstream file(options_.state, std::ios::binary);
    if (!file) return;
    const std::string state{std::istreambuf_iterator<char>(file), {}};
    if (plugin_.set_state(state) != TUNER_OK) {
      throw std::runtime_error("set_state: " + std::string(plugin_.error()));
    }
  }

  void save_state() {
    std::string state;
    if (plugin_.get_state(state) != TUNER_OK) throw std::runtime_error("get_state failed");
    const std::string temporary = options_.state + ".new";
    std::ofstream(temporary, std::ios::binary) << state;
    if (std::rename(temporary.c_str(), options_.state.c_str()) != 0) {
      throw std::runtime_error("cannot save the state");
    }
  }

  void start(Trial& trial) {
    ++trial.attempt;
    const std::string id = trial.id();
    params_.clear();
    params_.add("lr", 0.001 * (trial.number + 1));
    auto told = tuner::make<tuner_trial>();
    told.id = tuner::text(id);
    told.attempt = trial.attempt;
    told.pid = ::getpid();
    told.params = &params_.root();
    auto event = tuner::make<tuner_trial_start_event>();
    event.trial_key = trial.number + 1;
    event.trial = &told;
    tell({Kind::start, {}, 0, 0, trial.number, trial.attempt, trial.step, 0, 0, 0},
         &tuner::Plugin::on_trial_start, event);
  }

  void report(Trial& trial) {
    const std::string id = trial.id();
    ++trial.step;
    ++value_;
    result_.clear();
    result_.add("training_iteration", trial.step);
    result_.add("value", static_cast<std::int64_t>(value_));
    result_.add("loss", 1.0 / static_cast<double>(value_));
    auto event = tuner::make<tuner_trial_result_event>();
    event.trial_key = trial.number + 1;
    event.trial_id = tuner::text(id);
    event.result = &result_.root();
    tell({Kind::result, {}, 0, 0, trial.number, trial.attempt, trial.step, value_, 0, 0},
         &tuner::Plugin::on_trial_result, event);
  }

  void complete(Trial& trial) {
    const std::string id = trial.id();
    auto event = tuner::make<tuner_trial_end_event>();
    event.status = TUNER_TRIAL_COMPLETED;
    event.trial_key = trial.number + 1;
    event.trial_id = tuner::text(id);
    tell({Kind::complete, {}, 0, 0, trial.number, trial.attempt, trial.step, 0, 0, 0},
         &tuner::Plugin::on_trial_complete, event);
  }

  // Its calls are to do nothing; then it sleeps, with all that a child inherits.
  void fork_child() {
    const pid_t pid = ::fork();
    if (pid != 0) return log_.set_child(pid);
    auto step = tuner::make<tuner_step_event>();
    if (plugin_.on_step_begin(step) != TUNER_INERT) ::_exit(9);
    while (true) ::pause();
  }

  void make_trouble() {
    if (options_.slow_ms != 0 && told_ == options_.slow_after) slow_down_syncs(options_.slow_ms);
    if (options_.fail_errno != 0 && told_ == options_.fail_after) fail_writes(options_.fail_errno);
    if (options_.mend_after != 0 && told_ == options_.mend_after) {
      slow_down_syncs(0);
      fail_writes(0);
    }
    if (options_.clock_every != 0 && told_ % options_.clock_every == 0) {
      constexpr int way[] = {1, -1, 0};
      const auto turn = told_ / options_.clock_every % 3;
      set_clock_ahead(way[turn] * options_.clock_step_s, options_.all_clocks);
    }
  }

  // Short pauses are waited out busily, for a sleep takes longer than it says.
  void pause_a_little() const {
    if (options_.pace_us >= 200) {
      std::this_thread::sleep_for(std::chrono::microseconds(options_.pace_us));
      return;
    }
    const std::int64_t until = now_ns() + std::int64_t{options_.pace_us} * 1000;
    while (options_.pace_us != 0 && now_ns() < until) {
    }
  }

  void end_job() {
    auto stats = tuner::make<tuner_stats>();
    tuner::ErrorText message;
    stats.message = message;
    auto event = tuner::make<tuner_experiment_end_event>();
    be_outside(false);
    plugin_.get_stats(stats);
    plugin_.on_experiment_end(event);
    be_outside(true);
    const std::int64_t start = now_ns();
    be_outside(false);
    const tuner_status status = plugin_.destroy();
    be_outside(true);
    const std::int64_t took = now_ns() - start;
    print(status, took, stats, message.str());
  }

  void print(tuner_status status, std::int64_t took, const tuner_stats& stats,
             const std::string& message) const {
    std::printf(
        "{\"destroy\": %d, \"destroy_ms\": %lld, \"text\": \"%s\", \"health\": %d, "
        "\"message\": \"%s\", \"events\": %llu, \"dropped\": %llu, \"lost\": %llu, "
        "\"commits\": %llu, \"commit_errors\": %llu, \"pending\": %llu, \"pending_age_ms\": %llu, "
        "\"waits\": %llu, \"left_open\": %lld}\n",
        status, static_cast<long long>(took / 1'000'000), plain(plugin_.error()).c_str(),
        stats.health, plain(message).c_str(), static_cast<unsigned long long>(stats.events),
        static_cast<unsigned long long>(stats.events_dropped),
        static_cast<unsigned long long>(stats.events_lost),
        static_cast<unsigned long long>(stats.commits),
        static_cast<unsigned long long>(stats.commit_errors),
        static_cast<unsigned long long>(stats.events_pending),
        static_cast<unsigned long long>(stats.pending_age_ms),
        static_cast<unsigned long long>(stats.waits),
        static_cast<long long>(open_descriptors() - descriptors_));
    std::fflush(stdout);
  }

  static std::string plain(std::string_view text) {
    std::string plain(text);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return c == '"' || c == '\\' || c < ' '; }, '\'');
    return plain;
  }

  const HostOptions options_;
  AckLog log_;
  const BlockLog block_log_;
  std::uint32_t answered_ = 0;  // events of this process that were recorded
  std::mt19937_64 random_;
  const std::ptrdiff_t descriptors_ = open_descriptors();  // before there was a plugin
  tuner::Plugin plugin_;
  tuner::ResultBuilder params_;
  tuner::ResultBuilder result_;
  std::vector<Trial> running_;
  std::uint32_t next_trial_ = 0;
  std::uint64_t value_ = 0;  // of the newest result
  std::uint64_t told_ = 0;   // results of this process
};

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  try {
    crash::be_outside(true);
    crash::Host(crash::read_options(count, words)).run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crash_host: %s\n", error.what());
    return 1;
  }
}
