#include "plugin/journal/ring_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

#include <cerrno>

#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/base/signals.h"
#include "plugin/journal/ring_format.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace aimlog {
namespace {

// Until the ring is finished, an error takes its file away again under whichever name it has by
// then.
class UnlinkOnError {
 public:
  explicit UnlinkOnError(std::filesystem::path path) : path_(std::move(path)) {}
  ~UnlinkOnError() {
    if (!path_.empty()) file_calls().unlink(path_.c_str());
  }
  void renamed_to(const std::filesystem::path& path) { path_ = path; }
  void dismiss() { path_.clear(); }

 private:
  std::filesystem::path path_;
};

std::string file_name(const std::array<unsigned char, 16>& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string name;
  for (const unsigned char byte : id) {
    name.push_back(digits[byte >> 4]);
    name.push_back(digits[byte & 15]);
  }
  return name + ".ring";
}

}  // namespace

RingFile::RingFile(const std::filesystem::path& directory, const std::array<unsigned char, 16>& id,
                   uint64_t data_bytes)
    : data_bytes_(data_bytes) {
  try {
    make(directory, id);
  } catch (...) {
    close();
    throw;
  }
}

RingFile::~RingFile() { close(); }

void RingFile::make(const std::filesystem::path& directory,
                    const std::array<unsigned char, 16>& id) {
  path_ = directory / file_name(id);
  const std::filesystem::path unfinished = path_.string() + ".tmp";
  file_ = open_file(unfinished, O_RDWR | O_CREAT | O_EXCL);
  UnlinkOnError unlink(unfinished);
  lock_ = LockFd([&] { return open_file(unfinished, O_RDWR); });
  if (!try_lock_file(lock_.get(), LOCK_EX, unfinished)) {
    throw Error(ErrorCode::busy, "another process holds the new journal " + unfinished.string());
  }
  const uint64_t size = ring_header_bytes + data_bytes_;
  uses_write_calls_ = is_copy_on_write(file_.get(), unfinished);
  if (!uses_write_calls_) {
    // Of some kernels tmpfs begins anew at each signal: where a profiler's come often, for ever.
    const SignalsBlocked blocked;
    uses_write_calls_ = !allocate_file(file_.get(), size, unfinished);
  }
  if (uses_write_calls_) resize_file(file_.get(), size, unfinished);
  write_all_at(file_.get(), make_ring_header(id, data_bytes_), 0, unfinished);
  sync_file(file_.get(), unfinished);
  map();
  rename_file(unfinished, path_);
  unlink.renamed_to(path_);
  sync_directory(directory);
  unlink.dismiss();
}

void RingFile::map() {
  constexpr int access = PROT_READ | PROT_WRITE;
  void* address = MAP_FAILED;
  if (!uses_write_calls_) {
    address =
        file_calls().mmap(nullptr, data_bytes_, access, MAP_SHARED, file_.get(), ring_header_bytes);
    if (address == MAP_FAILED && errno == ENODEV) uses_write_calls_ = true;
  }
  if (uses_write_calls_) {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    address = file_calls().mmap(nullptr, data_bytes_, access, flags, -1, 0);
  }
  if (address == MAP_FAILED) throw system_error("cannot map the journal " + path_.string(), errno);
  data_ = static_cast<char*>(address);
  // Without it a child would only hold pages that its inert calls never touch, so a refusal is no
  // error.
  madvise(data_, data_bytes_, MADV_DONTFORK);
  // Else the first touch of the new file reads ahead, which makes pages of all of it at once: 4 ms
  // in `create` where the disk is set to 8 MB. The committer makes them ready bit by bit.
  madvise(data_, data_bytes_, MADV_RANDOM);
  if (!uses_write_calls_) file_.reset();
}

bool RingFile::write_back(uint64_t place, uint64_t count) noexcept {
  const char* bytes = data_ + place;
  uint64_t offset = ring_header_bytes + place;
  while (count > 0) {
    const ssize_t written =
        file_calls().pwrite(file_.get(), bytes, count, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    offset += static_cast<uint64_t>(written);
    count -= static_cast<uint64_t>(written);
  }
  return true;
}

bool RingFile::populate(uint64_t place, uint64_t count) noexcept {
  const uint64_t begin = place & ~uint64_t{ring_header_bytes - 1};
  if (madvise(data_ + begin, place + count - begin, MADV_POPULATE_WRITE) == 0) return true;
  return errno != EINVAL;
}

void RingFile::remove() {
  const std::filesystem::path path = path_;
  try {
    remove_file(path);
    sync_directory(path.parent_path());
  } catch (...) {
    close();
    throw;
  }
  close();
}

void RingFile::close() noexcept {
  if (data_ != nullptr) munmap(data_, data_bytes_);
  data_ = nullptr;
  // A child that was made without the fork handlers may hold a copy of the descriptor, so closing
  // ours alone would not end the lock.
  if (lock_) flock(lock_.get(), LOCK_UN);
  lock_.reset();
  file_.reset();
}

void RingFile::abandon_in_child() noexcept {
  // The pages were never copied into the child; at their address there may be something of its own
  // by now.
  data_ = nullptr;
  lock_.reset();
  file_.reset();
}

}  // namespace aimlog
