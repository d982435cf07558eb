#include "cli/export/stop_sign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "plugin/base/clock.h"
#include "plugin/base/error.h"

namespace aimlog::cli {
namespace {

int signal_pipe[2] = {-1, -1};

void on_signal(int) {
  const int kept = errno;
  const char byte = 0;
  (void)!::write(signal_pipe[1], &byte, 1);
  errno = kept;
}

void handle(int number) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(number, &action, nullptr);
}

// What is written to us is not looked at.
bool has_ended(int input) {
  std::array<char, 4096> bytes{};
  const ssize_t got = ::read(input, bytes.data(), bytes.size());
  return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

}  // namespace

StopSign::StopSign(bool watch_stdin) : watch_stdin_(watch_stdin) {
  if (::pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    throw system_error("cannot make a pipe", errno);
  handle(SIGINT);
  handle(SIGTERM);
}

StopSign::~StopSign() {
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::close(signal_pipe[0]);
  ::close(signal_pipe[1]);
}

bool StopSign::wait(int64_t milliseconds) {
  const int64_t end = monotonic_ns() + milliseconds * 1'000'000;
  while (!stopped_) {
    const int64_t left = std::max<int64_t>(0, (end - monotonic_ns() + 999'999) / 1'000'000);
    std::array<pollfd, 2> watched = {
        {{signal_pipe[0], POLLIN, 0}, {watch_stdin_ ? STDIN_FILENO : -1, POLLIN, 0}}};
    const int ready = ::poll(watched.data(), watched.size(), static_cast<int>(left));
    if (ready > 0 && watched[0].revents != 0) stopped_ = true;
    if (ready > 0 && watched[1].revents != 0 && has_ended(STDIN_FILENO)) stopped_ = true;
    if (monotonic_ns() >= end) break;
  }
  return stopped_;
}

}  // namespace aimlog::cli
