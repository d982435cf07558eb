// Another process that works on a repo: this program again, for one of its cases that are run by
// name only. Unlike a forked child it has nothing of what this one has open.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "plugin/store/environment.h"
#include "plugin/store/keys.h"

namespace aimlog::test {

inline constexpr const char* repo_variable = "AIMLOG_TEST_REPO";

inline pid_t start_case(const char* name, const std::filesystem::path& repo) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setenv(repo_variable, repo.c_str(), 1);
  ::execl(self.c_str(), self.c_str(), name, nullptr);
  ::_exit(99);
}

// In such a case: the repo that it is to work on.
inline std::filesystem::path repo_of_case() { return std::getenv(repo_variable); }

// Waits for its end. A signal that ended it counts as a negative code.
inline int exit_code(pid_t child) {
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

inline Key number_key(uint32_t number) { return std::move(Key().add(number)); }

// A commit of one row.
inline void put_one(Environment& env, uint32_t number, ByteView value = "x") {
  with_write_transaction(
      env, [&](WriteTransaction& txn) { txn.put(Table::losses, number_key(number), value); });
}

}  // namespace aimlog::test
