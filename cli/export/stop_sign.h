// What ends a verb that goes on until told otherwise: Ctrl-C, SIGTERM, the end of stdin.
#pragma once

#include <cstdint>

namespace aimlog::cli {

// One at a time in a process. A second signal ends the process as if there were no handler.
class StopSign {
 public:
  explicit StopSign(bool watch_stdin);
  ~StopSign();
  StopSign(const StopSign&) = delete;
  StopSign& operator=(const StopSign&) = delete;

  // Waits so long at most; true as soon as it is time to stop, and from then on.
  bool wait(int64_t milliseconds);

 private:
  bool watch_stdin_;
  bool stopped_ = false;
};

}  // namespace aimlog::cli
