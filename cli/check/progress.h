// One line on stderr that says what is being done; only where that is a terminal.
#pragma once

#include <unistd.h>

#include <chrono>
#include <string>

#include "cli/output/text.h"

namespace aimlog::cli {

class ProgressLine {
 public:
  ProgressLine() : shown_(::isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // What is over before anybody could read it is not shown.
  void show(const std::string& text) {
    if (!shown_ || std::chrono::steady_clock::now() - begin_ < std::chrono::seconds(1)) return;
    put("\r\x1b[K" + shortened(safe_text(text), width_max));
    dirty_ = true;
  }
  void clear() {
    if (dirty_) put("\r\x1b[K");
    dirty_ = false;
  }

 private:
  static constexpr size_t width_max = 70;
  static void put(const std::string& text) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // then nobody reads it
  }

  const bool shown_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool dirty_ = false;
};

}  // namespace aimlog::cli
