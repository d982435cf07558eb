#include "tests/simulator/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>

namespace aimlog::sim {

Disk* current_disk = nullptr;

std::string read_whole(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0) throw std::runtime_error("cannot read " + path.string());
  std::string content(static_cast<size_t>(info.st_size), '\0');
  const ssize_t got = ::read(fd, content.data(), content.size());
  ::close(fd);
  if (got != info.st_size) throw std::runtime_error("cannot read all of " + path.string());
  return content;
}

void write_whole(const std::filesystem::path& path, const std::string& content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0664);
  const auto size = static_cast<off_t>(content.size());
  const long put = ::syscall(SYS_pwrite64, fd, content.data(), content.size(), 0);
  if (fd < 0 || put != size || ::ftruncate(fd, size) != 0) {
    throw std::runtime_error("cannot write " + path.string());
  }
  ::close(fd);
}

void Disk::watch(const std::filesystem::path& root) {
  root_ = root;
  data_ = root / "data.mdb";
  struct stat info {};
  if (::stat(root.parent_path().c_str(), &info) != 0) throw std::runtime_error("no directory");
  device_ = info.st_dev;
  data_inode_ = 0;
  name_changes_.clear();
  overwritten_.clear();
  death_ = Death::none;
  pages_.reset(std::filesystem::exists(data_) ? read_whole(data_) : "");
}

void Disk::die_in(uint64_t calls, Death death) {
  death_call_ = calls_ + calls + 1;
  planned_death_ = death;
}

void Disk::fail_in(uint64_t calls, int error_number, uint64_t times) {
  failure_call_ = calls_ + calls + 1;
  failure_ = error_number;
  failures_left_ = times;
}

void Disk::plan_nothing() { death_call_ = failure_call_ = 0; }

void Disk::die(Death death) {
  if (death_ != Death::none) return;
  death_ = death;
  if (death != Death::power_cut) return;
  image_ = pages_.cut(static_cast<Survival>(random_.below(survival_count)), random_);
}

void Disk::settle() {
  if (death_ == Death::power_cut) {
    cut_files();
    const size_t kept = random_.below(name_changes_.size() + 1);
    while (name_changes_.size() > kept) {
      undo(name_changes_.back());
      name_changes_.pop_back();
    }
    if (std::filesystem::exists(data_)) write_whole(data_, image_);
    // The machine was started anew.
    std::filesystem::remove(root_ / "checked");
    watch(root_);
  }
  death_ = Death::none;
  plan_nothing();
}

void Disk::undo(const NameChange& change) {
  if (change.to.empty()) return write_whole(change.from, change.content);
  std::error_code ignored;
  std::filesystem::rename(change.to, change.from, ignored);
  if (change.had_content) write_whole(change.to, change.content);
}

// The changes of one directory are durable; those of others may be taken back all the same.
void Disk::forget_changes_in(ino_t directory) {
  const auto is_in = [&](const NameChange& change) {
    struct stat parent {};
    return ::stat(change.from.parent_path().c_str(), &parent) == 0 && parent.st_ino == directory;
  };
  name_changes_.erase(std::remove_if(name_changes_.begin(), name_changes_.end(), is_in),
                      name_changes_.end());
}

void Disk::keep_before(int fd, uint64_t offset, uint64_t count) {
  struct stat info {};
  std::string before(count, '\0');
  if (::fstat(fd, &info) != 0) throw std::runtime_error("a file is gone");
  const auto size = static_cast<uint64_t>(info.st_size);
  // A file that is open for writing only is a new one.
  const ssize_t got = offset < size ? ::pread(fd, before.data(), std::min(count, size - offset),
                                              static_cast<off_t>(offset))
                                    : 0;
  if (got < 0) before.assign(count, '\0');
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
  overwritten_.push_back({info.st_ino, path, offset, std::move(before)});
}

// Of what was not synced any part may be missing; the files keep their sizes.
void Disk::cut_files() {
  for (auto each = overwritten_.rbegin(); each != overwritten_.rend(); ++each) {
    struct stat info {};
    const bool same = ::stat(each->path.c_str(), &info) == 0 && info.st_ino == each->inode;
    if (!same || random_of_files_.one_in(2)) continue;
    std::string content = read_whole(each->path);
    if (each->offset + each->before.size() > content.size()) continue;
    content.replace(each->offset, each->before.size(), each->before);
    write_whole(each->path, content);
  }
}

bool Disk::owns(int fd) {
  struct stat info {};
  return !root_.empty() && ::fstat(fd, &info) == 0 && info.st_dev == device_;
}

bool Disk::is_data(int fd) {
  struct stat info {};
  if (data_inode_ == 0 && ::stat(data_.c_str(), &info) == 0) data_inode_ = info.st_ino;
  return ::fstat(fd, &info) == 0 && info.st_ino == data_inode_;
}

Disk::Verdict Disk::begin_call() {
  if (death_ != Death::none) return Verdict::fail;
  if (meanwhile && !in_meanwhile_ && random_.one_in(4)) {
    in_meanwhile_ = true;
    meanwhile();
    in_meanwhile_ = false;
  }
  ++calls_;
  if (calls_ == death_call_) return Verdict::die;
  if (failure_call_ == 0 || calls_ < failure_call_) return Verdict::go_on;
  if (--failures_left_ == 0) failure_call_ = 0;
  ++failed_;
  errno = failure_ != 0 ? failure_ : ENOSPC;
  return Verdict::fail;
}

void Disk::put(int fd, const void* bytes, uint64_t count, uint64_t offset) {
  if (count == 0) return;
  if (!is_data(fd)) keep_before(fd, offset, count);
  if (::syscall(SYS_pwrite64, fd, bytes, count, offset) != static_cast<long>(count)) {
    throw std::runtime_error("the simulator's own directory is full");
  }
  if (is_data(fd)) pages_.write(offset, bytes, count);
}

ssize_t Disk::write(int fd, const void* bytes, uint64_t count, uint64_t offset) {
  const bool was_dead = death_ != Death::none;
  const Verdict verdict = begin_call();
  const bool through = (::fcntl(fd, F_GETFL) & O_DSYNC) != 0;
  if (verdict == Verdict::go_on) {
    put(fd, bytes, count, offset);
    if (through && is_data(fd)) pages_.sync_range(offset, count);
    return static_cast<ssize_t>(count);
  }
  if (!was_dead) {
    // Part of it may be there all the same, in whole pages, as the kernel copies page by page.
    const uint64_t there =
        random_.one_in(3) ? count : random_.below(count / page_bytes + 1) * page_bytes;
    const int error_number = errno;
    put(fd, bytes, there, offset);
    errno = error_number;
    if (verdict == Verdict::fail && failure_ == 0 && there > 0 && there < count) {
      return static_cast<ssize_t>(there);
    }
    if (verdict == Verdict::die) die(planned_death_);
  }
  if (death_ != Death::none) errno = EIO;
  return -1;
}

int Disk::sync(int fd) {
  const bool was_dead = death_ != Death::none;
  const Verdict verdict = begin_call();
  struct stat info {};
  const bool directory = ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
  if (verdict == Verdict::go_on) {
    if (directory) forget_changes_in(info.st_ino);
    const auto is_synced = [&](const Overwritten& each) { return each.inode == info.st_ino; };
    overwritten_.erase(std::remove_if(overwritten_.begin(), overwritten_.end(), is_synced),
                       overwritten_.end());
    if (!directory && is_data(fd)) pages_.sync();
    return 0;
  }
  if (!was_dead && verdict == Verdict::fail && is_data(fd)) {
    const int error_number = errno;
    pages_.fail_sync(random_);
    errno = error_number;
  }
  if (verdict == Verdict::die) die(planned_death_);
  if (death_ != Death::none) errno = EIO;
  return -1;
}

int Disk::rename(const char* from, const char* to) {
  const Verdict verdict = begin_call();
  if (verdict == Verdict::die) die(planned_death_);
  if (death_ != Death::none) errno = EIO;
  if (verdict != Verdict::go_on) return -1;
  NameChange change{from, to, std::filesystem::exists(to), ""};
  if (change.had_content) change.content = read_whole(to);
  name_changes_.push_back(std::move(change));
  for (Overwritten& each : overwritten_)
    if (each.path == from) each.path = to;
  if (data_ == from || data_ == to) {  // it is another file from now on
    data_inode_ = 0;
    pages_.reset(data_ == to ? read_whole(from) : "");
  }
  return static_cast<int>(::syscall(SYS_rename, from, to));
}

int Disk::unlink(const char* path) {
  const Verdict verdict = begin_call();
  if (verdict == Verdict::die) die(planned_death_);
  if (death_ != Death::none) errno = EIO;
  if (verdict != Verdict::go_on) return -1;
  if (!std::filesystem::exists(path)) {
    errno = ENOENT;
    return -1;
  }
  name_changes_.push_back({path, "", true, read_whole(path)});
  return static_cast<int>(::syscall(SYS_unlink, path));
}

}  // namespace aimlog::sim
