#include "cli/output/new_directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "cli/failure.h"
#include "plugin/base/file.h"
#include "plugin/base/random.h"
#include "plugin/model/ids.h"

namespace aimlog::cli {
namespace {

namespace fs = std::filesystem;

Failure taken(const fs::path& target) {
  return usage_error("'" + target.string() +
                     "' exists already: name a directory that is to be made");
}

constexpr size_t random_digits = 8;
constexpr std::string_view ending = ".tmp";

fs::path temporary_name(const fs::path& target) {
  return target.string() + "." + to_hex(random_128()).substr(0, random_digits) + ending.data();
}

bool is_temporary_name(const fs::path& path, const fs::path& target) {
  const std::string name = path.filename().string();
  const std::string start = target.filename().string() + ".";
  if (!name.starts_with(start) || !name.ends_with(ending)) return false;
  if (name.size() != start.size() + random_digits + ending.size()) return false;
  const std::string_view digits = std::string_view(name).substr(start.size(), random_digits);
  return digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Not open where that may not be: then there is no lock, for others neither.
UniqueFd locked(const fs::path& directory, int operation) {
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (fd && ::flock(fd.get(), operation) != 0) fd.reset();
  return fd;
}

// A free lock says that whoever made it is dead. What cannot be removed stays.
void remove_leftovers(const fs::path& target) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(target.parent_path(), ignored)) {
    if (!is_temporary_name(entry.path(), target)) continue;
    const UniqueFd lock = locked(entry.path(), LOCK_EX | LOCK_NB);
    if (lock) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

NewDirectory::NewDirectory(const fs::path& target)
    : target_(target.empty() ? target : fs::absolute(target).lexically_normal()) {
  if (target_.empty()) throw usage_error("name the directory that is to be made");
  if (!target_.has_filename()) target_ = target_.parent_path();  // "x/y/"
  std::error_code error;
  remove_leftovers(target_);
  if (fs::exists(fs::symlink_status(target_, error))) throw taken(target);
  do {
    path_ = temporary_name(target_);
    if (!fs::create_directory(path_, error))
      throw Failure(exit_error,
                    "cannot make a directory beside '" + target.string() + "': " + error.message());
    lock_ = locked(path_, LOCK_EX);
    // Before it was locked, somebody may have taken it for a leftover.
  } while (!fs::exists(path_, error));
}

NewDirectory::~NewDirectory() {
  std::error_code ignored;
  if (!appeared_) fs::remove_all(path_, ignored);
}

void NewDirectory::appear() {
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (entry.is_directory()) sync_directory(entry.path());
    if (entry.is_regular_file()) sync_file(open_file(entry.path(), O_RDONLY).get(), entry.path());
  }
  sync_directory(path_);
  // RENAME_NOREPLACE is not known to every file system; an empty directory may be replaced.
  const int renamed =
      ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE);
  if (renamed != 0 && errno == EEXIST) throw taken(target_);
  if (renamed != 0) rename_file(path_, target_);
  appeared_ = true;
  sync_directory(target_.parent_path());
}

}  // namespace aimlog::cli
