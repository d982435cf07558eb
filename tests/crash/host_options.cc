#include "tests/crash/host_options.h"

#include <functional>
#include <map>
#include <stdexcept>

namespace crash {
namespace {

using Setter = std::function<void(HostOptions&, const std::string&)>;

template <class T>
Setter number(T HostOptions::*field) {
  return [field](HostOptions& options, const std::string& value) {
    options.*field = static_cast<T>(std::stoull(value));
  };
}

Setter text(std::string HostOptions::*field) {
  return [field](HostOptions& options, const std::string& value) { options.*field = value; };
}

void add_setting(HostOptions& options, const std::string& value) {
  const auto equals = value.find('=');
  if (equals == std::string::npos) throw std::runtime_error("--set wants KEY=VALUE");
  options.settings.emplace_back(value.substr(0, equals), value.substr(equals + 1));
}

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> all = {
      {"--plugin", text(&HostOptions::plugin)},
      {"--repo", text(&HostOptions::repo)},
      {"--acks", text(&HostOptions::acks)},
      {"--state", text(&HostOptions::state)},
      {"--block-log", text(&HostOptions::block_log)},
      {"--job", number(&HostOptions::job)},
      {"--resumed", number(&HostOptions::resumed)},
      {"--trials", number(&HostOptions::trials)},
      {"--results", number(&HostOptions::results)},
      {"--pace-us", number(&HostOptions::pace_us)},
      {"--complete-in", number(&HostOptions::complete_in)},
      {"--seed", number(&HostOptions::seed)},
      {"--slow-after", number(&HostOptions::slow_after)},
      {"--slow-ms", number(&HostOptions::slow_ms)},
      {"--fail-after", number(&HostOptions::fail_after)},
      {"--fail-errno", number(&HostOptions::fail_errno)},
      {"--mend-after", number(&HostOptions::mend_after)},
      {"--clock-every", number(&HostOptions::clock_every)},
      {"--clock-step-s", number(&HostOptions::clock_step_s)},
      {"--set", add_setting},
  };
  return all;
}

}  // namespace

HostOptions read_options(int count, char** words) {
  HostOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--no-job-id") {
      options.job_id = false;
    } else if (word == "--fork-child") {
      options.fork_child = true;
    } else if (word == "--all-clocks") {
      options.all_clocks = true;
    } else if (word == "--linger") {
      options.linger = true;
    } else {
      const auto setter = setters().find(word);
      if (setter == setters().end() || i + 1 == count) {
        throw std::runtime_error("what is " + word + "?");
      }
      setter->second(options, words[++i]);
    }
  }
  return options;
}

}  // namespace crash
