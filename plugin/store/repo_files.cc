#include "plugin/store/repo_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "plugin/base/file.h"
#include "plugin/base/random.h"
#include "plugin/base/unique_fd.h"
#include "plugin/model/ids.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/store_format.h"

namespace aimlog {
namespace {

constexpr std::string_view format_prefix = "aimlog repo, format ";

// The directories that get a new entry when `directory` is made with all above it.
std::vector<std::filesystem::path> parents_of_missing(std::filesystem::path directory) {
  std::vector<std::filesystem::path> parents;
  std::error_code ignored;  // what cannot be looked at, making will say
  while (directory.has_relative_path() && !std::filesystem::exists(directory, ignored)) {
    directory = directory.parent_path();
    parents.push_back(directory);
  }
  return parents;
}

}  // namespace

RepoPaths::RepoPaths(const std::filesystem::path& user_directory)
    : directory(user_directory),
      root(directory / ".aimlog"),
      format(root / "FORMAT"),
      data(root / "data.mdb"),
      write_lock(root / "write.lock"),
      journals(root / "journals") {}

const char* refused_file_system(long magic) {
  switch (static_cast<unsigned long>(magic) & 0xffffffff) {
    case 0x6969:
      return "NFS";
    case 0x517b:
    case 0xff534d42:
    case 0xfe534d42:
      return "SMB/CIFS";
    case 0x01021997:
      return "9p";
    case 0x65735546:
      return "FUSE";
    case 0x0bd00bd0:
      return "Lustre";
    case 0x47504653:
      return "GPFS";
    case 0x5346414f:
    case 0x6b414653:
      return "AFS";
    case 0x00c36400:
      return "Ceph";
    case 0x73757245:
      return "Coda";
    case 0x19830326:
      return "BeeGFS";
    case 0x7461636f:
      return "OCFS2";
    case 0x01161970:
      return "GFS2";
    default:
      return nullptr;
  }
}

const char* network_disk(const std::filesystem::path& directory) {
  struct statfs info;
  if (::statfs(directory.c_str(), &info) != 0) return nullptr;  // opening will say what is wrong
  return refused_file_system(static_cast<long>(info.f_type));
}

void refuse_network_disk(const std::filesystem::path& directory) {
  const char* name = network_disk(directory);
  if (name == nullptr) return;
  throw Error(ErrorCode::unsupported,
              directory.string() + " is on a " + name +
                  " file system, where the repo's database (LMDB) would be damaged: put the repo "
                  "on a local disk and copy it when the job is over");
}

void refuse_file_for_directory(const RepoPaths& paths) {
  // From the innermost outwards, to whatever directory the user's file stands in.
  for (auto path = paths.journals; path.has_relative_path(); path = path.parent_path()) {
    std::error_code ignored;  // what cannot be looked at, opening will say
    const auto found = std::filesystem::status(path, ignored);
    if (!std::filesystem::exists(found) || std::filesystem::is_directory(found)) continue;
    throw Error(ErrorCode::unsupported,
                path.string() + " is a file where the repo needs a directory: " +
                    (path == paths.root || path == paths.journals
                         ? "move it away, or choose another directory for the repo"
                         : "choose another directory for the repo"));
  }
}

std::optional<std::string> read_small_file(const std::filesystem::path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT) return std::nullopt;
    throw system_error("cannot open " + file.string(), errno);
  }
  char text[4096];
  return std::string(text, read_all_at(fd.get(), text, sizeof text, 0, file));
}

void replace_file(const std::filesystem::path& file, const std::string& text) {
  // Under a name of its own, so that two writers never share one.
  const std::filesystem::path temporary = file.string() + "." + to_hex(random_128()) + ".tmp";
  const UniqueFd fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0664);
  try {
    write_all_at(fd.get(), text, 0, temporary);
    sync_file(fd.get(), temporary);
    rename_file(temporary, file);
  } catch (...) {
    remove_file(temporary);
    throw;
  }
  sync_directory(file.parent_path());
}

std::optional<uint32_t> read_format(const RepoPaths& paths) {
  const std::optional<std::string> text = read_small_file(paths.format);
  if (!text) return std::nullopt;
  char* end = nullptr;
  const unsigned long version = text->starts_with(format_prefix)
                                    ? std::strtoul(text->c_str() + format_prefix.size(), &end, 10)
                                    : 0;
  if (version == 0 || end == nullptr || *end != '\n') {
    throw Error(ErrorCode::corrupt,
                paths.format.string() +
                    " does not say which format the repo has; it should read \"" +
                    std::string(format_prefix) + std::to_string(repo_format_version) +
                    "\": " + damage_advice);
  }
  if (version > repo_format_version) {
    throw Error(ErrorCode::too_new,
                "the repo " + paths.directory.string() + " has format " + std::to_string(version) +
                    ", and this program reads up to format " + std::to_string(repo_format_version) +
                    ": use a newer aimlog");
  }
  return static_cast<uint32_t>(version);
}

void write_format(const RepoPaths& paths) {
  replace_file(paths.format, std::string(format_prefix) + std::to_string(repo_format_version) +
                                 "\nThe files in this directory belong together: move or copy them "
                                 "as one, while nothing writes.\n");
}

void make_repo_directories(const RepoPaths& paths) {
  for (const auto& directory : {paths.root, paths.journals}) {
    const std::vector<std::filesystem::path> changed = parents_of_missing(directory);
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!std::filesystem::is_directory(directory)) {
      throw system_error("cannot make the repo directory " + directory.string() +
                             " (choose a directory that you may write to)",
                         error ? error.value() : ENOTDIR);
    }
    for (const auto& parent : changed) sync_directory(parent);
  }
}

void refuse_unwritable(const RepoPaths& paths) {
  for (const auto& path : {paths.root, paths.journals, paths.data}) {
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) continue;
    throw system_error("cannot write to " + path.string() +
                           " (change its permissions, or choose another directory for the repo)",
                       errno);
  }
}

void refuse_lost_data(const RepoPaths& paths) {
  struct stat info;
  const bool there = ::stat(paths.data.c_str(), &info) == 0;
  if (!there && errno != ENOENT) throw system_error("cannot open " + paths.data.string(), errno);
  if (there && info.st_size > 0) return;
  throw Error(ErrorCode::corrupt, paths.data.string() + (there ? " is empty" : " is missing") +
                                      ", though " + paths.format.string() +
                                      " says that this is a repo: restore it from a backup; what "
                                      "its journals hold 'aimlog repair' saves; or move the "
                                      "directory away to begin a new one");
}

int descriptor_in_this_process(const std::filesystem::path& file) {
  struct stat wanted;
  if (::stat(file.c_str(), &wanted) != 0) return -1;
  DIR* descriptors = ::opendir("/proc/self/fd");
  if (descriptors == nullptr) return -1;
  int found = -1;
  while (const dirent* entry = ::readdir(descriptors)) {
    struct stat info;  // by name, as another thread may close it meanwhile
    if (::fstatat(::dirfd(descriptors), entry->d_name, &info, 0) != 0) continue;
    if (info.st_dev == wanted.st_dev && info.st_ino == wanted.st_ino) {
      found = std::atoi(entry->d_name);
    }
  }
  ::closedir(descriptors);
  return found;
}

std::string boot_id() { return read_small_file("/proc/sys/kernel/random/boot_id").value_or(""); }

}  // namespace aimlog
