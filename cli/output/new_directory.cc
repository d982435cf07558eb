#include "cli/output/new_directory.h"

#include <fcntl.h>
#include <stdio.h>

#include <cerrno>

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

}  // namespace

NewDirectory::NewDirectory(const fs::path& target)
    : target_(fs::absolute(target).lexically_normal()) {
  if (!target_.has_filename()) target_ = target_.parent_path();  // "x/y/"
  std::error_code error;
  if (fs::exists(fs::symlink_status(target_, error))) throw taken(target);
  path_ = target_.string() + "." + to_hex(random_128()).substr(0, 8) + ".tmp";
  if (!fs::create_directory(path_, error))
    throw Failure(exit_error,
                  "cannot make a directory beside '" + target.string() + "': " + error.message());
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

void copy_notes(const fs::path& repo, const fs::path& target) {
  const fs::path notes = repo / ".aimlog" / "optuna";
  if (!fs::is_directory(notes)) return;
  fs::create_directories(target / ".aimlog");
  fs::copy(notes, target / ".aimlog" / "optuna", fs::copy_options::recursive);
}

}  // namespace aimlog::cli
