#include "plugin/journal/dead_ring.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"

namespace aimlog {
namespace {

// Memory for a copy of the data area. A copy, not a map of the file: a bad sector or a file cut
// short must not be a SIGBUS in the host. Pages that are never filled cost nothing.
class AreaCopy {
 public:
  explicit AreaCopy(uint64_t bytes) : bytes_(bytes) {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* address = file_calls().mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (address == MAP_FAILED) throw system_error("cannot get memory for a journal", errno);
    data_ = static_cast<char*>(address);
  }
  ~AreaCopy() { munmap(data_, bytes_); }
  AreaCopy(const AreaCopy&) = delete;
  AreaCopy& operator=(const AreaCopy&) = delete;

  char* data() const { return data_; }
  RingArea area() const { return {data_, bytes_}; }

  // Page by page where not all can be read; what cannot be is noted.
  void fill(int fd, const std::filesystem::path& path) {
    constexpr uint64_t piece = uint64_t{1} << 20;
    for (uint64_t at = 0; at < bytes_; at += piece) {
      const uint64_t end = std::min(at + piece, bytes_);
      if (fill_part(fd, at, end - at, path)) continue;
      for (uint64_t page = at; page < end; page += ring_header_bytes) {
        if (!fill_part(fd, page, ring_header_bytes, path)) unreadable_pages_.push_back(page);
      }
    }
  }

  uint64_t unreadable_bytes() const { return unreadable_pages_.size() * ring_header_bytes; }
  // Why: what the last of them said.
  const std::string& problem() const { return problem_; }

  // How many bytes from `place` on, round the area's end, stand before a page that cannot be read.
  uint64_t readable_from(uint64_t place) const {
    uint64_t readable = bytes_;
    for (const uint64_t page : unreadable_pages_) {
      if (page <= place && place < page + ring_header_bytes) return 0;
      readable = std::min(readable, page > place ? page - place : page + bytes_ - place);
    }
    return readable;
  }

 private:
  bool fill_part(int fd, uint64_t at, uint64_t count, const std::filesystem::path& path) {
    try {
      read_all_at(fd, data_ + at, count, ring_header_bytes + at, path);
      return true;
    } catch (const Error& error) {
      problem_ = error.what();
      return false;
    }
  }

  char* data_;
  uint64_t bytes_;
  std::vector<uint64_t> unreadable_pages_;
  std::string problem_;
};

// Whether the file that was opened still goes by that name: a recovery that waited for the lock
// behind another would else replay a ring that the other one has just removed.
bool is_still_at(int fd, const std::filesystem::path& path) {
  struct stat opened;
  struct stat named;
  if (file_calls().fstat(fd, &opened) != 0 || ::stat(path.c_str(), &named) != 0) return false;
  return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Empty if there is no such file.
LockFd open_if_there(const std::filesystem::path& path) {
  try {
    return LockFd([&] { return open_file(path, O_RDONLY); });
  } catch (const Error&) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored) && !ignored) return LockFd();
    throw;
  }
}

// False if the writer or another recovery has it. Somebody who only looks holds LOCK_SH for a
// moment: whoever took that for life would leave out a journal, and a resumed job would go on
// before what it did last.
bool lock_for_replay(int fd, const std::filesystem::path& path) {
  constexpr std::chrono::milliseconds pause{1};
  constexpr std::chrono::seconds looking_max{5};  // whoever looks longer was stopped in the middle
  const auto deadline = std::chrono::steady_clock::now() + looking_max;
  while (!try_lock_file(fd, LOCK_EX, path)) {
    if (!try_lock_file(fd, LOCK_SH, path)) return false;
    flock(fd, LOCK_UN);
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace

struct DeadRing::State {
  State(LockFd lock_fd, std::filesystem::path file_path, const RingHeader& header)
      : lock(std::move(lock_fd)),
        path(std::move(file_path)),
        id(header.ring_id),
        checksum(id),
        cut_short(file_size(lock.get(), path) < ring_header_bytes + header.data_bytes),
        copy(header.data_bytes) {
    copy.fill(lock.get(), path);
  }
  ~State() {
    if (lock) flock(lock.get(), LOCK_UN);
  }

  LockFd lock;
  std::filesystem::path path;
  std::array<unsigned char, 16> id;
  RingChecksum checksum;
  bool cut_short;
  AreaCopy copy;
};

DeadRing::DeadRing(std::unique_ptr<State> state) : state_(std::move(state)) {}
DeadRing::DeadRing(DeadRing&&) noexcept = default;
DeadRing& DeadRing::operator=(DeadRing&&) noexcept = default;
DeadRing::~DeadRing() = default;

std::optional<DeadRing> DeadRing::open(const std::filesystem::path& path, bool read_only) {
  LockFd fd = open_if_there(path);
  if (!fd) return std::nullopt;
  const bool locked =
      read_only ? try_lock_file(fd.get(), LOCK_SH, path) : lock_for_replay(fd.get(), path);
  if (!locked) return std::nullopt;
  if (!is_still_at(fd.get(), path)) return std::nullopt;
  Bytes page(sizeof(RingHeader), '\0');
  page.resize(read_all_at(fd.get(), page.data(), page.size(), 0, path));
  const RingHeader header = check_ring_header(page, path);
  return DeadRing(std::make_unique<State>(std::move(fd), path, header));
}

const std::array<unsigned char, 16>& DeadRing::id() const { return state_->id; }
const std::filesystem::path& DeadRing::path() const { return state_->path; }

bool DeadRing::is_cut_short() const { return state_->cut_short; }
uint64_t DeadRing::unreadable_bytes() const { return state_->copy.unreadable_bytes(); }
const std::string& DeadRing::problem() const { return state_->copy.problem(); }

bool DeadRing::read(RingPosition& position, RingRecord& out, RingDamage& damage) const {
  const RingArea area = state_->copy.area();
  // The writer never went a whole data area beyond what was committed.
  const uint64_t end = position.offset + state_->copy.readable_from(position.offset % area.bytes);
  if (end < position.offset) return false;
  return find_record(area, state_->checksum, position, end, out, damage);
}

void DeadRing::remove() {
  remove_file(state_->path);
  sync_directory(state_->path.parent_path());
}

bool ring_is_live(const std::filesystem::path& path) {
  try {
    const LockFd fd = open_if_there(path);
    if (!fd) return false;
    if (!try_lock_file(fd.get(), LOCK_SH, path)) return true;
    flock(fd.get(), LOCK_UN);
    return false;
  } catch (const Error&) {
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0 || errno != EACCES) throw;
    return true;
  }
}

}  // namespace aimlog
