// A warm on_trial_result allocates nothing and makes no system call: both are counted, on the
// thread that calls.
//
// usage: quiet_call_test PLUGIN
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "abi/include/tuner_plugin.hpp"
#include "tests/support/temp_dir.h"

namespace {

thread_local bool counting = false;
std::atomic<uint64_t> allocations{0};
std::atomic<uint64_t> system_calls{0};

void note_allocation() {
  if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// The plugin finds these before the C library's, and so does the operator new that it uses.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);
void* malloc(size_t bytes) {
  note_allocation();
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  note_allocation();
  return __libc_calloc(count, bytes);
}
void* realloc(void* before, size_t bytes) {
  note_allocation();
  return __libc_realloc(before, bytes);
}
void free(void* memory) {
  if (memory != nullptr) note_allocation();
  __libc_free(memory);
}
}

namespace {

constexpr int skipped = 77;
constexpr int calls = 100000;

void on_system_call(int) { system_calls.fetch_add(1, std::memory_order_relaxed); }

// From now on no system call of this thread is carried out; each is counted. There is no way back.
bool trap_system_calls() {
  struct sigaction action = {};
  action.sa_handler = on_system_call;
  sigaction(SIGSYS, &action, nullptr);
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  const sock_fprog program = {sizeof filter / sizeof filter[0], filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

void build(tuner::ResultBuilder& tree, int step, bool with_more) {
  tree.clear();
  tree.add(tuner_string{"training_iteration", 18}, int64_t{step});
  tree.add(tuner_string{"note", 4}, tuner_string{"a text", 6});
  for (int map = 0; map < 2; ++map) {
    static constexpr tuner_string maps[] = {{"train", 5}, {"val", 3}};
    static constexpr tuner_string keys[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1},
                                            {"f", 1}, {"g", 1}, {"h", 1}, {"i", 1}};
    tree.begin_map(maps[map]);
    for (const tuner_string& key : keys) tree.add(key, 0.5 * step + map);
    tree.end();
  }
  tree.add(tuner_string{"done", 4}, false);
  if (with_more) tree.add(tuner_string{"more", 4}, 1.0);
}

struct Counts {
  uint64_t allocations = 0;
  uint64_t system_calls = 0;
  uint64_t refused = 0;
};

class Measurement {
 public:
  explicit Measurement(tuner::Plugin& plugin) : plugin_(plugin) {
    event_ = tuner::make<tuner_trial_result_event>();
    event_.trial_id = {"t", 1};
    event_.trial_key = 1;
  }

  // Never returns: after the trap is set, the thread cannot even end.
  void run() {
    for (int i = 0; i < 100; ++i) report(false);
    const bool trapped = trap_system_calls();
    warm = measure(calls, false);
    cold = measure(1, true);  // planted: a shape that was never seen
    system_calls = 0;
    syscall(__NR_getppid);  // planted: a system call
    planted_system_calls = system_calls;
    state.store(trapped ? 1 : 2);
    while (true) {
    }
  }

  Counts warm, cold;
  uint64_t planted_system_calls = 0;
  std::atomic<int> state{0};  // 1: measured, 2: system calls cannot be trapped here

 private:
  tuner_status report(bool with_more) {
    build(tree_, ++step_, with_more);
    event_.time_ns = 1000 + step_;
    event_.result = &tree_.root();
    return plugin_.on_trial_result(event_);
  }

  Counts measure(int count, bool with_more) {
    Counts counts;
    allocations = system_calls = 0;
    for (int i = 0; i < count; ++i) {
      counting = true;
      counts.refused += report(with_more) != TUNER_OK ? 1 : 0;
      counting = false;
    }
    counts.allocations = allocations;
    counts.system_calls = system_calls;
    return counts;
  }

  tuner::Plugin& plugin_;
  tuner::ResultBuilder tree_;
  tuner_trial_result_event event_;
  int step_ = 0;
};

bool expect(bool holds, const char* what, uint64_t count) {
  std::printf("%s: %s: %llu\n", holds ? "ok" : "FAILED", what,
              static_cast<unsigned long long>(count));
  return holds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const aimlog::test::TempDir directory;
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 2;
  }
  const auto entry =
      reinterpret_cast<tuner_plugin_entry_fn>(dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
  auto args = tuner::make<tuner_create_args>();
  // Room for all of it, so that no call has to wait for the committer.
  args.config_text = tuner::text("repo: .\njournal_bytes: 128 MiB\ncommit_interval_ms: 60000\n");
  args.base_dir = tuner::text(directory.path().native());
  tuner::Plugin plugin(entry, args, "quiet_call_test");
  Measurement measurement(plugin);
  std::thread thread([&] { measurement.run(); });
  thread.detach();
  while (measurement.state == 0) usleep(1000);
  const Counts& warm = measurement.warm;
  bool good = expect(warm.refused == 0, "warm calls that were refused", warm.refused);
  good &= expect(warm.allocations == 0, "allocations in warm calls", warm.allocations);
  good &= expect(measurement.cold.allocations > 0, "allocations in a call with a new shape",
                 measurement.cold.allocations);
  if (measurement.state == 2) {
    std::printf("system calls cannot be trapped here\n");
  } else {
    good &= expect(warm.system_calls == 0, "system calls in warm calls", warm.system_calls);
    good &= expect(measurement.planted_system_calls == 1, "planted system calls",
                   measurement.planted_system_calls);
  }
  std::fflush(stdout);
  // The measuring thread stands in the way of an exit in good order.
  std::error_code ignored;
  std::filesystem::remove_all(directory.path(), ignored);
  _exit(!good ? 1 : measurement.state == 2 ? skipped : 0);
}
