#include "plugin/store/environment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <utility>

#include "plugin/store/environment_state.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/write_lock.h"

namespace aimlog {
namespace {

// Every environment of the process. Opening and closing are done under its mutex: closing one
// environment of a file would drop the locks of another that is just being opened.
struct Registry {
  std::mutex mutex;
  std::condition_variable closed;
  std::map<std::pair<dev_t, ino_t>, std::weak_ptr<Environment>> entries;
};

// Never destroyed, so that a host may end its last instance from the destructor of a static object:
// that runs after those of objects made later, as this one is. Empty it holds no memory.
Registry& registry() {
  alignas(Registry) static char place[sizeof(Registry)];
  static Registry& registry = *new (place) Registry;
  return registry;
}

void close_environment(Environment* environment) {
  Registry& all = registry();
  const Environment::State& state = environment->state();
  // A forked child must not touch locks that threads of its parent may have held.
  // One that never came into the registry is of a call that holds the mutex, and ran out of memory.
  if (state.abandoned || !state.registered || state.pid != ::getpid()) {
    delete environment;
    return;
  }
  std::lock_guard lock(all.mutex);
  all.entries.erase({state.device, state.inode});
  delete environment;
  all.closed.notify_all();
}

std::shared_ptr<Environment> find_open(std::unique_lock<std::mutex>& lock, const RepoPaths& paths) {
  Registry& all = registry();
  for (;;) {
    struct stat info;
    if (::stat(paths.data.c_str(), &info) != 0) return nullptr;
    const auto entry = all.entries.find({info.st_dev, info.st_ino});
    if (entry == all.entries.end()) return nullptr;
    if (auto environment = entry->second.lock()) return environment;
    all.closed.wait(lock);  // its last owner is about to close it
  }
}

}  // namespace

Environment::Environment(std::unique_ptr<State> state) : state_(std::move(state)) {}

Environment::~Environment() = default;

std::shared_ptr<Environment> Environment::open(const std::filesystem::path& directory,
                                               OpenMode mode) {
  const RepoPaths paths(std::filesystem::absolute(directory));
  std::unique_lock lock(registry().mutex);
  if (auto environment = find_open(lock, paths)) {
    State& state = environment->state();
    state.expect_usable();
    if (mode != OpenMode::read_only) state.make_writable();
    return environment;
  }
  auto state = std::make_unique<State>(paths, mode);
  const auto id = std::pair(state->device, state->inode);
  std::shared_ptr<Environment> environment(new Environment(std::move(state)), close_environment);
  registry().entries[id] = environment;
  environment->state().registered = true;
  return environment;
}

const RepoPaths& Environment::paths() const { return state_->paths; }
const std::array<unsigned char, 16>& Environment::repo_id() const { return state_->repo_id; }
bool Environment::writable() const { return state_->writable; }

void Environment::reopen() {
  State& state = *state_;
  if (state.abandoned || state.leaked) state.expect_usable();
  std::lock_guard lock(registry().mutex);
  const std::lock_guard writes(state.writer);
  state.while_idle([&] {
    state.close_files();
    state.open_files(State::Opening::after_failure);
    state.poisoned = false;
  });
}

void Environment::abandon_in_child() noexcept {
  State& state = *state_;
  state.abandoned = true;
  state.write_lock.reset();
  int data = -1;
  if (state.env != nullptr && mdb_env_get_fd(state.env, &data) == 0 && data >= 0) ::close(data);
}

}  // namespace aimlog
