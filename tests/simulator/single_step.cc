#include "tests/simulator/single_step.h"

#include <csignal>

#if defined(__x86_64__)
#include <ucontext.h>

extern "C" {
extern const char __executable_start;
extern const char etext;
}

namespace aimlog::sim {
namespace {

constexpr greg_t trap_flag = 0x100;

uint64_t left = 0;
bool only_own_code = false;
bool armed = false;
const std::function<void()>* planned = nullptr;

void on_trap(int, siginfo_t*, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (!armed) {
    registers[REG_EFL] &= ~trap_flag;
    return;
  }
  if (left > 0) --left;
  if (left > 0) return;
  const auto* next = reinterpret_cast<const char*>(registers[REG_RIP]);
  if (only_own_code && (next < &__executable_start || next >= &etext)) return;
  armed = false;
  registers[REG_EFL] &= ~trap_flag;
  (*planned)();
}

void set_trap_flag() {
  asm volatile("subq $128, %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n addq $128, %%rsp" ::
                   : "memory", "cc");
}

}  // namespace

void run_interrupted(uint64_t instructions, bool in_own_code, const std::function<void()>& code,
                     const std::function<void()>& action) {
  static const bool ready = [] {
    struct sigaction handler {};
    handler.sa_sigaction = on_trap;
    handler.sa_flags = SA_SIGINFO;
    return ::sigaction(SIGTRAP, &handler, nullptr) == 0;
  }();
  if (!ready) return code();
  left = instructions;
  only_own_code = in_own_code;
  planned = &action;
  armed = true;
  set_trap_flag();
  code();
  armed = false;  // the next trap takes the flag away
}

}  // namespace aimlog::sim
#else
namespace aimlog::sim {

void run_interrupted(uint64_t, bool, const std::function<void()>& code,
                     const std::function<void()>&) {
  code();
}

}  // namespace aimlog::sim
#endif
