// What people see while the tuner runs: a progress line that keeps out of the messages' way.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>

#include "host-example/trial.h"

namespace example {

// Messages and progress go to standard error; what the job found goes to standard output.
class Console {
 public:
  explicit Console(bool quiet);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // For the curious; nothing if quiet.
  void say(const std::string& text);
  // For everybody.
  void warn(const std::string& text);
  // Shows `make_line()` ten times a second on a terminal, else every five seconds as a line.
  void progress(const std::function<std::string()>& make_line);
  // The best trials as a table, and how many ended how.
  void show_trials(std::span<const Trial> trials);

  bool quiet() const { return quiet_; }

 private:
  void print(const std::string& text);

  bool quiet_;
  bool terminal_;
  // A progress line stands on the terminal, without a line end.
  bool line_open_ = false;
  std::chrono::steady_clock::time_point last_progress_;
};

// "12 trials: 9 completed, 3 stopped"
std::string count_trials(std::span<const Trial> trials);

}  // namespace example
