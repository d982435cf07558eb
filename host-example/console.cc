// SPDX-License-Identifier: Apache-2.0
#include "host-example/console.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

namespace example {

Console::Console(bool quiet)
    : quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      last_progress_(std::chrono::steady_clock::now()) {}

Console::~Console() {
  if (line_open_) std::fputc('\n', stderr);
}

void Console::say(const std::string& text) {
  if (!quiet_) print(text);
}

void Console::warn(const std::string& text) { print(text); }

void Console::print(const std::string& text) {
  if (line_open_) std::fputs("\r\033[K", stderr);
  line_open_ = false;
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Console::progress(const std::function<std::string()>& make_line) {
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || now - last_progress_ < (terminal_ ? milliseconds(100) : milliseconds(5000))) {
    return;
  }
  last_progress_ = now;
  if (!terminal_) return print(make_line());
  std::fprintf(stderr, "\r\033[K%s", make_line().c_str());
  std::fflush(stderr);
  line_open_ = true;
}

void Console::show_trials(std::span<const Trial> trials) {
  if (quiet_) return;
  std::vector<const Trial*> best;
  for (const Trial& trial : trials) {
    if (trial.best_score > no_score) best.push_back(&trial);
  }
  std::stable_sort(best.begin(), best.end(),
                   [](const Trial* a, const Trial* b) { return a->best_score > b->best_score; });
  best.resize(std::min<std::size_t>(best.size(), 10));
  if (line_open_) print("");
  std::printf("%-12s %-9s %8s %5s %9s %6s %9s %6s %6s\n", "trial", "status", "accuracy", "iter",
              "rate", "moment", "decay", "width", "batch");
  for (const Trial* trial : best) {
    const LearningRule& rule = trial->params.rule;
    std::printf("%-12s %-9s %7.2f%% %5d %9.3g %6.3f %9.2g %6d %6d\n", trial->id.c_str(),
                std::string(name_of(trial->status)).c_str(), 100 * trial->best_score,
                trial->iteration, rule.learning_rate, rule.momentum, rule.weight_decay,
                trial->params.width, rule.batch_size);
  }
  std::printf("%s\n", count_trials(trials).c_str());
  std::fflush(stdout);
}

std::string count_trials(std::span<const Trial> trials) {
  std::map<TrialStatus, std::size_t> counts;
  for (const Trial& trial : trials) ++counts[trial.status];
  std::string text = std::to_string(trials.size()) + " trials:";
  const char* separator = " ";
  for (const auto& [status, count] : counts) {
    text += separator + std::to_string(count) + " " + std::string(name_of(status));
    separator = ", ";
  }
  return text;
}

}  // namespace example
