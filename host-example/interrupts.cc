// SPDX-License-Identifier: Apache-2.0
#include "host-example/interrupts.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace example {
namespace {

std::atomic<int> signal_seen{0};

void on_signal(int signal) {
  int none = 0;
  if (!signal_seen.compare_exchange_strong(none, signal)) ::_exit(128 + signal);
}

}  // namespace

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int interrupt_signal() { return signal_seen.load(); }

}  // namespace example
