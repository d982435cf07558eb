// Ctrl-C and its like.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace example {

// From here on SIGINT and SIGTERM ask the tuner to end its job in order; a second one ends the
// process at once.
void watch_interrupts();

// The signal that came, 0 = none.
int interrupt_signal();

}  // namespace example
