// SPDX-License-Identifier: Apache-2.0
#include "host-example/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>
#include <string_view>
#include <type_traits>

namespace example {
namespace {

using Apply = void (*)(Options&, const std::string& option, const std::string& value);

struct OptionRule {
  std::string_view name;
  std::string_view value_name;  // empty = a switch
  std::string_view help;
  Apply apply;
};

std::string short_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

template <class Number>
Number parse_number(const std::string& option, const std::string& text, Number least, Number most) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem == std::errc() && rest == end && number >= least && number <= most) return number;
  const std::string limit = most == std::numeric_limits<Number>::max()
                                ? " or more"
                                : " to " + short_text(static_cast<double>(most));
  throw UsageError(option + ": expected a number, " + short_text(static_cast<double>(least)) +
                   limit + ", not '" + text + "'");
}

template <auto Options::*Member, int Least, int Most = 0>
void number(Options& options, const std::string& option, const std::string& text) {
  auto& member = options.*Member;
  using Number = std::remove_reference_t<decltype(member)>;
  const Number most = Most > Least ? static_cast<Number>(Most) : std::numeric_limits<Number>::max();
  member = parse_number<Number>(option, text, static_cast<Number>(Least), most);
}

template <auto Options::*Member>
void text(Options& options, const std::string&, const std::string& value) {
  options.*Member = value;
}

template <bool Options::*Member>
void turn_on(Options& options, const std::string&, const std::string&) {
  options.*Member = true;
}

void add_plugin(Options& options, const std::string&, const std::string& path) {
  options.plugins.push_back({path, ""});
}

void give_config(Options& options, const std::string&, const std::string& path) {
  if (options.plugins.empty() || !options.plugins.back().config.empty()) {
    throw UsageError("--config follows the --plugin that it belongs to, once");
  }
  options.plugins.back().config = path;
}

void choose_scheduler(Options& options, const std::string&, const std::string& kind) {
  if (kind != "random" && kind != "asha" && kind != "pbt") {
    throw UsageError("--scheduler: random, asha or pbt, not '" + kind + "'");
  }
  options.scheduler = kind;
}

void set_swap(Options& options, const std::string&, const std::string& value) {
  const std::size_t comma = value.find(',');
  options.swap_to.path = value.substr(0, comma);
  options.swap_to.config = comma == std::string::npos ? "" : value.substr(comma + 1);
}

constexpr OptionRule rules[] = {
    {"--plugin", "PATH", "a plugin to load; may be given more than once", add_plugin},
    {"--config", "FILE", "configuration of the plugin named just before", give_config},
    {"--scheduler", "KIND", "random (default), asha or pbt", choose_scheduler},
    {"--samples", "N", "trials (default 20)", number<&Options::samples, 1, 1000000>},
    {"--workers", "N", "trials that train at once (default 2)", number<&Options::workers, 1, 256>},
    {"--seed", "N", "of everything that is random (default 1)", number<&Options::seed, 0>},
    {"--epochs", "N", "passes a trial may take (default 12)", number<&Options::epochs, 1, 100000>},
    {"--fail-rate", "P", "chance that a start of a trial fails (default 0)",
     number<&Options::fail_rate, 0, 1>},
    {"--experiment", "NAME", "default digits", text<&Options::experiment>},
    {"--job-dir", "DIR", "state and checkpoints (default ./tuner-job)", text<&Options::job_dir>},
    {"--resume", "", "go on with the job in the job directory", turn_on<&Options::resume>},
    {"--no-job-id", "", "tell the plugins no job id", turn_on<&Options::no_job_id>},
    {"--resumed-unknown", "", "tell the plugins that it is not known whether the job is new",
     turn_on<&Options::resumed_unknown>},
    {"--stop-after", "SECONDS", "end the job then, to be resumed",
     number<&Options::stop_after_s, 0>},
    {"--swap-after", "N", "after N results, replace the first plugin (see --swap-to)",
     number<&Options::swap_after, 1>},
    {"--swap-to", "PATH[,FILE]", "the plugin to go on with, and its configuration", set_swap},
    {"--throttle-ms", "N", "pause after each result (default 0)",
     number<&Options::throttle_ms, 0, 3600000>},
    {"--fixed-clock", "", "count time instead of reading it: same seed, same events",
     turn_on<&Options::fixed_clock>},
    {"--ack-file", "FILE", "note each acknowledged result in a mapped file (see ack_file.h)",
     text<&Options::ack_file>},
    {"--data", "FILE", "the digits, as CSV", text<&Options::data>},
    {"--quiet", "", "print only errors", turn_on<&Options::quiet>},
    {"--help", "", "show this", turn_on<&Options::help>},
};

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    const OptionRule* rule =
        std::find_if(std::begin(rules), std::end(rules),
                     [&](const OptionRule& candidate) { return candidate.name == name; });
    if (rule == std::end(rules)) throw UsageError("unknown option " + name + "; see --help");
    std::string value;
    if (rule->value_name.empty()) {
      if (equals != std::string::npos) throw UsageError(name + " takes no value");
    } else if (equals != std::string::npos) {
      value = arguments[i].substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      throw UsageError(name + " needs a value: " + std::string(rule->value_name));
    }
    rule->apply(options, name, value);
  }
  if ((options.swap_after > 0) != !options.swap_to.path.empty()) {
    throw UsageError("--swap-after and --swap-to belong together");
  }
  if (options.swap_after > 0 && options.plugins.empty()) {
    throw UsageError("--swap-after needs a --plugin to replace");
  }
  return options;
}

std::string help_text() {
  std::string help =
      "usage: tuner [options]\n\nSearches hyper-parameters of a small neural network that reads "
      "handwritten digits,\nand tells every plugin about it.\n\n";
  for (const OptionRule& rule : rules) {
    std::string left = "  " + std::string(rule.name);
    if (!rule.value_name.empty()) left += " " + std::string(rule.value_name);
    left.resize(std::max<std::size_t>(left.size() + 2, 26), ' ');
    help += left + std::string(rule.help) + "\n";
  }
  help +=
      "\nExit codes: 0 done, 1 error, 2 wrong usage, 130 or 143 ended by SIGINT or SIGTERM.\n"
      "Example: tuner --plugin ./libaimlog.so --config aimlog.yaml --scheduler asha --samples 40\n";
  return help;
}

}  // namespace example
