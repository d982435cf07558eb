// Runs something in a forked child, to see how a process ends.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>

namespace aimlog::test {

// The child's wait status. It exits with what `work` returns, with 99 after an exception.
template <typename Work>
int run_in_child(const Work& work) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = work();
    } catch (const std::exception&) {
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

inline bool exited_with(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

}  // namespace aimlog::test
