// Work in a child process, so that nothing it meets can take the command with it: LMDB trusts its
// file and may die of a damaged one.
#pragma once

#include <functional>
#include <string>

#include "plugin/base/bytes.h"

namespace aimlog::cli {

// The child's end of the pipe.
class ChildPipe {
 public:
  explicit ChildPipe(int fd) : fd_(fd) {}
  void send(char kind, ByteView message);
  // What is looked at now: told if the child dies there.
  void at(ByteView place) { send('@', place); }

 private:
  int fd_;
};

struct ChildEnd {
  bool done = false;  // it came to its end
  std::string error;  // an exception ended it
  // The exception, or the signal, says that what it looked at is damaged, and not that this process
  // may not look at it, has no room for it, or was told to end.
  bool is_damage = false;
  int signal = 0;     // it was killed by that
  std::string place;  // the last that it told to look at
};

// Runs `work` in a forked child; `receive(kind, message)` is called here with what it sends. The
// process must have no other thread.
ChildEnd run_in_child(const std::function<void(ChildPipe&)>& work,
                      const std::function<void(char kind, ByteView message)>& receive);

}  // namespace aimlog::cli
