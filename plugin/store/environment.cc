#include "plugin/store/environment.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <set>
#include <utility>

#include "plugin/store/environment_state.h"
#include "plugin/store/repo_files.h"

namespace aimlog {
namespace {

// A file or a directory, by whatever path; zeros where there is none.
using FileId = std::pair<dev_t, ino_t>;

FileId file_id(const std::filesystem::path& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 ? FileId(info.st_dev, info.st_ino) : FileId();
}

// Every environment of the process. Its mutex is held for a look only, never over a call that may
// wait for a disk or a lock: one repo that is stuck is in no other's way.
struct Registry {
  struct Entry {
    std::weak_ptr<Environment> environment;  // without an owner: it is being closed
    const Environment* opened;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::map<FileId, Entry> entries;  // by data.mdb
  std::set<FileId> claims;          // see Claim
};

// Never destroyed, so that a host may end its last instance from the destructor of a static object.
// Empty it holds no memory.
alignas(Registry) char registry_place[sizeof(Registry)];
Registry& registry() { return *std::launder(reinterpret_cast<Registry*>(registry_place)); }
void make_registry() noexcept { new (registry_place) Registry; }

// Made when the library is loaded, and again in each forked child, whatever other threads of the
// parent were doing in it: what the parent has open is none of the child's.
const int fork_handler = (make_registry(), ::pthread_atfork(nullptr, nullptr, make_registry));

// One thread at a time opens a repo, so that a later one finds what an earlier one opened. A repo
// is known here by its directory, as data.mdb may not be there yet.
class Claim {
 public:
  explicit Claim(FileId repo) : repo_(repo) {
    Registry& all = registry();
    std::unique_lock lock(all.mutex);
    all.changed.wait(lock, [&] { return !all.claims.contains(repo_); });
    all.claims.insert(repo_);
  }
  ~Claim() {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    all.claims.erase(repo_);
    all.changed.notify_all();
  }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  const FileId repo_;
};

void close_environment(Environment* environment) noexcept {
  Environment::State& state = environment->state();
  // A forked child has a registry of its own, without the environments of its parent. One that
  // never came into the registry is of a call that ran out of memory.
  if (!state.abandoned && state.registered && state.pid == ::getpid()) {
    state.close_for_good();
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    // Once the file is closed and gone, another one can have its number.
    const auto entry = all.entries.find({state.device, state.inode});
    if (entry != all.entries.end() && entry->second.opened == environment) all.entries.erase(entry);
    all.changed.notify_all();
  }
  delete environment;
}

// Under a claim. Closing an environment of a file drops the locks of every other one of that file,
// so one that is being closed is waited for.
std::shared_ptr<Environment> find_open(const RepoPaths& paths) {
  const FileId id = file_id(paths.data);
  Registry& all = registry();
  std::unique_lock lock(all.mutex);
  for (;;) {
    const auto entry = all.entries.find(id);
    if (entry == all.entries.end()) return nullptr;
    if (auto environment = entry->second.environment.lock()) return environment;
    all.changed.wait(lock);
  }
}

void enter_into_registry(const std::shared_ptr<Environment>& environment) {
  Environment::State& state = environment->state();
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.entries[{state.device, state.inode}] = {environment, environment.get()};
  state.registered = true;
}

}  // namespace

Environment::Environment(std::unique_ptr<State> state) : state_(std::move(state)) {}

Environment::~Environment() = default;

std::shared_ptr<Environment> Environment::open(const std::filesystem::path& directory,
                                               OpenMode mode) {
  if (fork_handler != 0) throw system_error("cannot register a fork handler", fork_handler);
  const RepoPaths paths(std::filesystem::absolute(directory));
  if (mode == OpenMode::create && file_id(paths.root) == FileId()) {
    refuse_file_for_directory(paths);
    make_repo_directories(paths);
  }
  const Claim claim(file_id(paths.root));
  if (auto environment = find_open(paths)) {
    State& state = environment->state();
    state.expect_usable();
    if (mode != OpenMode::read_only) state.make_writable();
    return environment;
  }
  auto state = std::make_unique<State>(paths, mode);
  std::shared_ptr<Environment> environment(new Environment(std::move(state)), close_environment);
  enter_into_registry(environment);
  return environment;
}

const RepoPaths& Environment::paths() const { return state_->paths; }
const std::array<unsigned char, 16>& Environment::repo_id() const { return state_->repo_id; }
bool Environment::writable() const { return state_->writable; }

bool Environment::is_still_there() const {
  return file_id(state_->paths.data) == FileId(state_->device, state_->inode);
}

void Environment::reopen() {
  State& state = *state_;
  if (state.abandoned || state.leaked) state.expect_usable();
  const std::lock_guard writes(state.writer);
  state.while_idle([&] {
    state.close_files();
    state.open_files(State::Opening::after_failure);
    state.poisoned = false;
  });
}

void Environment::abandon_in_child() noexcept {
  State& state = *state_;
  // Once: later the descriptor's number may be that of a file of the child's own.
  if (state.abandoned.exchange(true)) return;
  state.write_lock.reset();
  int data = -1;
  if (state.env != nullptr && mdb_env_get_fd(state.env, &data) == 0 && data >= 0) ::close(data);
  // Else the child would take the repo for one that another copy of this library has open.
  if (state.lock_descriptor >= 0) ::close(state.lock_descriptor);
}

}  // namespace aimlog
