// The files of a repo beside LMDB's: what they say, and whether the place can carry a repo.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "plugin/store/environment.h"

namespace aimlog {

// The name of a file system that LMDB must not be used on (network and user-space ones), or null;
// `magic` is statfs's f_type.
const char* refused_file_system(long magic);

// Throws Error(unsupported) if a file is in the way of one of the repo's directories.
void refuse_file_for_directory(const RepoPaths& paths);

// The name of such a file system if `directory` lies on one, else null.
const char* network_disk(const std::filesystem::path& directory);
// Throws Error(unsupported) if `directory` lies on one.
void refuse_network_disk(const std::filesystem::path& directory);

// The version in the file FORMAT; nullopt where there is none. Throws Error(too_new) for a later
// version, Error(corrupt) for what is no FORMAT file.
std::optional<uint32_t> read_format(const RepoPaths& paths);
void write_format(const RepoPaths& paths);

// Makes the directories of a repo, durably. Throws Error(io) with the path and what to do.
void make_repo_directories(const RepoPaths& paths);

// Refuses a repo whose files or directories the user may not change. Throws Error(io).
void refuse_unwritable(const RepoPaths& paths);

// Refuses a repo that says it exists but whose data is gone: LMDB would start an empty one in its
// place. Throws Error(corrupt).
void refuse_lost_data(const RepoPaths& paths);

// A descriptor by which this process has `file` open; -1 if there is none, or /proc cannot tell.
int descriptor_in_this_process(const std::filesystem::path& file);

// Which start of the machine this is; empty where the system does not say.
std::string boot_id();

// The whole file; nullopt if there is none.
std::optional<std::string> read_small_file(const std::filesystem::path& file);
// All or nothing, also over a power cut, and readers never see a part.
void replace_file(const std::filesystem::path& file, const std::string& text);

}  // namespace aimlog
