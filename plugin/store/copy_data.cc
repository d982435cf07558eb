#include "plugin/store/copy_data.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "plugin/base/file.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/repo_files.h"

namespace aimlog {
namespace {

// Keeps the map where it is meanwhile.
class LiveCopy {
 public:
  explicit LiveCopy(Environment::State& state) : state_(state) { state.enter(); }
  ~LiveCopy() { state_.leave(); }
  LiveCopy(const LiveCopy&) = delete;
  LiveCopy& operator=(const LiveCopy&) = delete;

 private:
  Environment::State& state_;
};

// Into an empty file; LMDB's code. `flags` are those of mdb_env_copyfd2.
int copy_to(Environment::State& state, const UniqueFd& file, const std::filesystem::path& name,
            unsigned flags) {
  for (int left = resize_tries;; --left) {
    resize_file(file.get(), 0, name);
    int code = ::lseek(file.get(), 0, SEEK_SET) == 0 ? 0 : errno;
    if (code == 0) {
      const LiveCopy live(state);
      code = mdb_env_copyfd2(state.env, file.get(), flags);
    }
    if (code != MDB_MAP_RESIZED || left == 0) return code;
    state.resize_map(0);  // to where another process has grown it
  }
}

}  // namespace

void copy_data(Environment& environment, const std::filesystem::path& directory) {
  Environment::State& state = environment.state();
  state.expect_usable();
  const RepoPaths target(directory);
  make_repo_directories(target);
  const UniqueFd file = open_file(target.data, O_RDWR | O_CREAT | O_EXCL, 0664);
  int code = copy_to(state, file, target.data, MDB_CP_COMPACT);
  // Without compacting where LMDB thinks that pages are missing, which a crash may leave behind.
  if (code == MDB_INCOMPATIBLE) code = copy_to(state, file, target.data, 0);
  if (code != 0) throw lmdb_error(code, "cannot copy into " + target.data.string());
  sync_file(file.get(), target.data);
  write_format(target);
}

}  // namespace aimlog
