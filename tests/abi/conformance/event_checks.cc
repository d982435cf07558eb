// Hooks: what is refused, what is accepted, and in which order.
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "events.h"

namespace conformance {
namespace {

// Every hook and, first of all, setup.
std::vector<Hook> all_hooks(const Events& events) {
  std::vector<Hook> all = {events.setup()};
  all.insert(all.end(), events.hooks().begin(), events.hooks().end());
  return all;
}

void refuses_bad_events(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  Events events;
  for (const Hook& hook : all_hooks(events)) {
    if (!hook.exists(library.table())) continue;
    tuner::ErrorText error;
    const tuner_status of_null = hook.call(instance, nullptr, error);
    report.check(is_refused(of_null), said(hook.name + " of NULL", of_null, error.str()));
    report.check(!error.view().empty(), hook.name + " says why it refused NULL");
    std::vector<char> event(static_cast<const char*>(hook.event),
                            static_cast<const char*>(hook.event) + hook.size);
    for (uint32_t size : {0u, 4u, hook.least_size - 1}) {
      std::memcpy(event.data(), &size, sizeof size);
      const tuner_status status = hook.call(instance, event.data(), error);
      report.check(is_refused(status),
                   said(hook.name + " of size " + std::to_string(size), status, error.str()));
    }
    if (hook.is_of_a_trial) {
      const tuner_status status = hook.call(instance, events.with_trial(hook, {nullptr, 0}), error);
      report.check(is_refused(status), said(hook.name + " without a trial", status, error.str()));
      events.with_trial(hook, tuner::text("trial-1"));
    }
  }
  auto start = tuner::make<tuner_trial_start_event>();
  report.check(instance.call(&tuner_plugin::on_trial_start, &start) <= TUNER_OK,
               "a start needs a trial");
  auto trial = tuner::make<tuner_trial>();
  trial.id = tuner::text("trial-1");
  trial.size = TUNER_TRIAL_SIZE_1 - 1;
  start.trial = &trial;
  const tuner_status status = instance.call(&tuner_plugin::on_trial_start, &start);
  report.check(is_refused(status) || !tuner::has(library.table(), &tuner_plugin::on_trial_start),
               said("a trial too small", status, instance.error()));
  report.check(instance.stats().events == 0, "what was refused is not counted as an event");
  run_small_job(instance, report);
}

void refuses_null_instances(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  const tuner_plugin& table = library.table();
  auto result = tuner::make<tuner_trial_result_event>();
  auto stats = tuner::make<tuner_stats>();
  const auto refused = [&](const char* what, bool has, tuner_status status) {
    report.check(!has || is_refused(status), said(what, status, ""));
  };
  refused("on_trial_result of a NULL instance", tuner::has(table, &tuner_plugin::on_trial_result),
          tuner::call(table, &tuner_plugin::on_trial_result, nullptr, &result, nullptr));
  refused("get_stats of a NULL instance", tuner::has(table, &tuner_plugin::get_stats),
          tuner::call(table, &tuner_plugin::get_stats, nullptr, &stats, nullptr));
}

void accepts_larger_events(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  Events events;
  for (const Hook& hook : all_hooks(events)) {
    std::vector<char> larger(hook.size + 512, '\xEE');
    std::memcpy(larger.data(), hook.event, hook.size);
    const auto size = static_cast<uint32_t>(larger.size());
    std::memcpy(larger.data(), &size, sizeof size);
    tuner::ErrorText error;
    const tuner_status status = hook.call(instance, larger.data(), error);
    report.check(status == TUNER_OK, said("a larger " + hook.name, status, error.str()));
  }
}

void takes_any_order(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  Events events;
  static const char* const trials[] = {"a", "b", "c", "trial/with some \"text\"", "\xFF\xFE"};
  uint32_t random = 12345;
  for (int i = 0; i < 400; ++i) {
    random = random * 1664525u + 1013904223u;
    const Hook& hook = events.hooks()[(random >> 16) % events.hooks().size()];
    tuner::ErrorText error;
    tuner_error* sink = i % 2 == 0 ? static_cast<tuner_error*>(error) : nullptr;
    const void* event = hook.is_of_a_trial
                            ? events.with_trial(hook, tuner::text(trials[(random >> 8) % 5]))
                            : hook.event;
    const tuner_status status = hook.call(instance, event, sink);
    if (!report.check(status >= 0, said(hook.name + " out of order", status, error.str()))) return;
  }
  const tuner_status status = instance.destroy();
  report.check(status >= 0, said("destroy", status, instance.error()));
}

void refuses_setup_twice(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  if (!tuner::has(library.table(), &tuner_plugin::setup)) return;
  Instance instance(library, subject);
  report.check(instance.setup() == TUNER_OK, "the first setup is accepted");
  const tuner_status status = instance.setup();
  report.check(status == TUNER_WRONG_STATE, said("a second setup", status, instance.error()));
  report.check(instance.start("t1") == TUNER_OK, "hooks work after a second setup");
}

void serves_from_any_thread(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  Events events;
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      for (const Hook& hook : events.hooks()) {
        const tuner_status status = hook.call(instance, hook.event, nullptr);
        report.check(status == TUNER_OK, said(hook.name + " from a thread", status, ""));
      }
    }).join();
  }
  report.check(instance.destroy() >= 0, "destroy from the first thread");
}

// get_stats never writes past the caller's size, and refuses one that is too small.
void stats_stay_within_size(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  if (!tuner::has(library.table(), &tuner_plugin::get_stats)) return;
  Instance instance(library, subject);
  run_small_job(instance, report);
  alignas(tuner_stats) unsigned char buffer[1024];
  auto& stats = *reinterpret_cast<tuner_stats*>(buffer);
  for (uint32_t size : {0u, 4u, TUNER_STATS_SIZE_1 - 1, TUNER_STATS_SIZE_1}) {
    std::memset(buffer, 0xEE, sizeof buffer);
    stats.size = size;
    stats.message = nullptr;
    unsigned char before[sizeof buffer];
    std::memcpy(before, buffer, sizeof buffer);
    const tuner_status status = instance.call(&tuner_plugin::get_stats, &stats);
    const bool is_enough = size >= TUNER_STATS_SIZE_1;
    const std::string what = "get_stats of size " + std::to_string(size);
    report.check(is_enough ? status == TUNER_OK : is_refused(status), said(what, status, ""));
    const size_t allowed = is_enough ? size : 0;
    report.check(std::memcmp(before + allowed, buffer + allowed, sizeof buffer - allowed) == 0,
                 what + " writes nothing past it");
    report.check(stats.size == size, what + " leaves the size alone");
  }
  stats = tuner::make<tuner_stats>();
  stats.size = sizeof buffer;
  report.check(instance.call(&tuner_plugin::get_stats, &stats) == TUNER_OK, "a larger one is fine");
  report.check(stats.results == 3, "three results were counted");
}

void flushes(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  if (!tuner::has(library.table(), &tuner_plugin::flush)) return;
  Instance instance(library, subject);
  run_small_job(instance, report);
  auto event = tuner::make<tuner_flush_event>();
  event.timeout_ms = 10000;
  const tuner_status status = instance.call(&tuner_plugin::flush, &event);
  report.check(status == TUNER_OK, said("flush", status, instance.error()));
  report.check(instance.stats().events_pending == 0, "nothing is pending after a flush");
}

}  // namespace

std::vector<Check> event_checks() {
  return {
      {"BadEventsAreRefused", refuses_bad_events},
      {"NullInstancesAreRefused", refuses_null_instances},
      {"LargerEventsAreAccepted", accepts_larger_events},
      {"HooksComeInAnyOrder", takes_any_order},
      {"SetupComesOnce", refuses_setup_twice},
      {"HooksComeFromAnyThread", serves_from_any_thread},
      {"StatsStayWithinTheirSize", stats_stay_within_size},
      {"FlushLeavesNothingPending", flushes},
  };
}

}  // namespace conformance
