#include "cli/aim/repo.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "cli/aim/aim_format.h"
#include "cli/aim/structured_db.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

fs::path user_directory(fs::path path) {
  path = fs::absolute(path).lexically_normal();
  if (!path.has_filename() && path.has_parent_path()) path = path.parent_path();
  return path.filename() == ".aim" ? path.parent_path() : path;
}

constexpr const char* folders[] = {"meta/chunks", "meta/progress", "meta/locks",
                                   "seqs/chunks", "seqs/progress", "seqs/locks",
                                   "locks",       "check_ins",     "progress"};

void make_folders(const fs::path& root) {
  for (const char* each : folders) fs::create_directories(root / each);
}

void write_version(const fs::path& path) {
  const UniqueFd file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  write_all_at(file.get(), std::string(repo_version) + "\n", 0, path);
  sync_file(file.get(), path);
}

std::string read_version(const fs::path& path) {
  std::ifstream file(path);
  std::string text;
  file >> text;
  return text;
}

[[noreturn]] void throw_version(const AimPaths& paths, const std::string& found) {
  throw Error(ErrorCode::unsupported, "the Aim repo '" + paths.root.string() +
                                          "' has format version " + found + ", and aimlog knows " +
                                          repo_version +
                                          " (Aim 3.29); 'aim storage upgrade' may help");
}

// Takes away what has not become the repo, however that failed.
struct Unfinished {
  fs::path path;
  ~Unfinished() {
    std::error_code error;
    fs::remove_all(path, error);
  }
};

void make_repo(const AimPaths& paths, const fs::path& made) {
  fs::permissions(made, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                            fs::perms::others_read | fs::perms::others_exec);
  make_folders(made);
  write_version(made / "VERSION");
  create_schema(made / "run_metadata.sqlite");
  std::error_code error;
  fs::rename(made, paths.root, error);
  if (error && !holds_aim_repo(paths))
    throw system_error("cannot create " + paths.root.string(), error.value());
}

}  // namespace

AimPaths::AimPaths(const fs::path& named)
    : directory(user_directory(named)),
      root(directory / ".aim"),
      version(root / "VERSION"),
      structured(root / "run_metadata.sqlite"),
      meta_chunks(root / "meta/chunks"),
      seqs_chunks(root / "seqs/chunks"),
      index(root / "meta/index"),
      ours(root / "aimlog"),
      staging(ours / "staging") {}

bool holds_aim_repo(const AimPaths& paths) { return fs::is_directory(paths.root); }

bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::status_known(status))
    throw system_error("cannot look at " + path.string(), error.value());
  return fs::exists(status);
}

void check_aim_version(const AimPaths& paths) {
  const std::string found = read_version(paths.version);
  if (!found.empty() && found != repo_version) throw_version(paths, found);
  if (is_there(paths.structured)) check_schema(paths.structured);
}

void check_aim_version_to_read(const AimPaths& paths) {
  const std::string found = read_version(paths.version);
  const bool is_known = std::any_of(std::begin(readable_versions), std::end(readable_versions),
                                    [&](const char* known) { return found == known; });
  if (!found.empty() && !is_known) throw_version(paths, found);
}

void prepare_aim_repo(const AimPaths& paths) {
  if (!holds_aim_repo(paths)) {
    fs::create_directories(paths.directory);
    std::string name = (paths.directory / ".aim.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw system_error("cannot create " + name, errno);
    const Unfinished unfinished{name};
    make_repo(paths, name);
  }
  check_aim_version(paths);
  make_folders(paths.root);
  if (!is_there(paths.version)) write_version(paths.version);
  if (!is_there(paths.structured)) create_schema(paths.structured);
  fs::create_directories(paths.staging);
}

UniqueFd lock_for_export(const AimPaths& paths) {
  const fs::path path = paths.ours / "lock";
  UniqueFd file = open_file(path, O_RDWR | O_CREAT);
  if (!try_lock_file(file.get(), LOCK_EX, path))
    throw Error(ErrorCode::busy,
                "another export into '" + paths.directory.string() + "' is under way");
  return file;
}

std::vector<std::string> list_chunks(const AimPaths& paths) {
  std::vector<std::string> names;
  std::error_code error;  // a link that leads nowhere is no run
  for (const auto& entry : fs::directory_iterator(paths.meta_chunks))
    if (entry.is_directory(error)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void exchange_directories(const fs::path& from, const fs::path& to) {
  constexpr unsigned rename_exchange = 2;
  if (!is_there(to)) {
    rename_file(from, to);
    return;
  }
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), rename_exchange) != 0)
    throw system_error("cannot exchange " + from.string() + " and " + to.string(), errno);
}

}  // namespace aimlog::aim
