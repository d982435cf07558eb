// What this process uses, and what it and others have made the disk do.
#pragma once

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace aimlog::bench {

// User and system time; `who` as in getrusage.
inline double cpu_seconds(int who) {
  rusage used;
  getrusage(who, &used);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline uint64_t proc_number(const char* file, const std::string& wanted) {
  std::ifstream lines(file);
  std::string line;
  while (std::getline(lines, line))
    if (line.rfind(wanted, 0) == 0) return std::stoull(line.substr(wanted.size()));
  return 0;
}

// Page faults of this thread that needed no disk.
inline uint64_t minor_faults() {
  rusage used;
  getrusage(RUSAGE_THREAD, &used);
  return static_cast<uint64_t>(used.ru_minflt);
}

// Memory of its own: mapped files, of which the kernel keeps as much as it has room for, left out.
inline uint64_t own_memory_bytes() { return proc_number("/proc/self/status", "RssAnon:") * 1024; }

// Made dirty for block devices to take, by calls and through maps.
inline uint64_t bytes_dirtied() { return proc_number("/proc/self/io", "write_bytes:"); }
// Given to write calls.
inline uint64_t bytes_written() { return proc_number("/proc/self/io", "wchar:"); }

// Written to the block device below `path` since the machine started, by whatever writes to it. 0
// where there is no such device, as on tmpfs and on file systems over several devices.
inline uint64_t device_bytes_written(const std::filesystem::path& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) != 0) return 0;
  std::ifstream file("/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
                     std::to_string(minor(status.st_dev)) + "/stat");
  uint64_t number = 0;
  for (int field = 0; field < 7; ++field) file >> number;  // the seventh: sectors written
  return file ? number * 512 : 0;
}

inline uint64_t open_files() {
  uint64_t count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

// Of all files below: blocks that are really used.
inline uint64_t size_on_disk(const std::filesystem::path& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat status;
    if (::stat(entry.path().c_str(), &status) == 0 && S_ISREG(status.st_mode))
      bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace aimlog::bench
