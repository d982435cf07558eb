// How fast all points of a repo are read, steps and checksums included, when nothing of its file is
// in memory. Beside it, in turns: reading the same file from begin to end, as cold, and the same
// scan of a file that is in memory.
//
// usage: cold_scan_bench [--quick] [--json] [--points N]
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <numeric>
#include <string>
#include <vector>

#include "tests/bench/options.h"
#include "tests/bench/report.h"
#include "tests/bench/scan_repo.h"
#include "tests/bench/stopwatch.h"

namespace aimlog::bench {
namespace {

class File {
 public:
  explicit File(const std::filesystem::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), bytes_(std::filesystem::file_size(path)) {
    if (fd_ < 0) throw std::runtime_error("the data file cannot be opened");
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t bytes() const { return bytes_; }
  // Drops its pages from memory. No process may have them mapped.
  void drop() const {
    ::fdatasync(fd_);
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  }
  // The part of its pages that are in memory.
  double resident() const {
    void* mapped = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fd_, 0);
    if (mapped == MAP_FAILED) return 1;
    std::vector<unsigned char> pages((bytes_ + page_bytes - 1) / page_bytes, 1);
    ::mincore(mapped, bytes_, pages.data());
    ::munmap(mapped, bytes_);
    size_t count = 0;
    for (const unsigned char page : pages) count += page & 1;
    return static_cast<double>(count) / static_cast<double>(pages.size());
  }
  void read_all() const {
    std::vector<char> buffer(1 << 20);
    for (size_t at = 0; at < bytes_; at += buffer.size())
      if (::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at)) <= 0) break;
  }

 private:
  static constexpr size_t page_bytes = 4096;

  const int fd_;
  const size_t bytes_;
};

uint64_t read_points(const ScanRepo& repo) {
  uint64_t sum = 0;
  const Transaction txn(*repo.environment());
  for (RunNumber run = 1; run <= ScanRepo::runs; ++run)
    each_chunk(txn, run, [&](const ChunkKey&, ByteView encoded) {
      const RowGroupReader reader(encoded);
      sum += static_cast<uint64_t>(reader.steps().back());
      for (const SeriesKey key : reader.keys()) sum += reader.stored_column(key)->bits.back();
    });
  return sum;
}

void measure(ScanRepo& repo, const Report& report) {
  // The first to open a repo after the machine's start looks at all its pages, and notes that.
  repo.close();
  repo.open();
  const File file(repo.data());
  volatile uint64_t sink = 0;
  double left = 0;  // of the file, in memory, at worst
  const auto drop = [&] {
    repo.close();
    file.drop();
    left = std::max(left, file.resident());
  };
  double cold = 1e9, warm = 1e9, sequential = 1e9;
  for (int turn = 0; turn < 3; ++turn) {
    sequential = std::min(sequential, best_seconds(1, drop, [&] { file.read_all(); }));
    cold = std::min(cold, best_seconds(1, drop, [&] {
                      repo.open();
                      sink = read_points(repo);
                    }));
    warm = std::min(warm, best_seconds(1, [&] { sink = read_points(repo); }));
  }
  report.say("a data file of " + std::to_string(file.bytes() >> 20) + " MiB, of which " +
             std::to_string(left * 100) + "% stayed in memory; " +
             std::to_string(repo.points_per_metric() * mixed_metrics.size()) + " points");
  const double megabytes = static_cast<double>(file.bytes()) * 1e-6;
  const std::string name = "scan of all points, cold";
  report.add(name, megabytes / cold, "MB/s", "reading the file from begin to end, cold",
             megabytes / sequential);
  report.add(name, megabytes / cold, "MB/s", "the slower of that and the scan when warm",
             megabytes / std::max(sequential, warm));
  report.add(name, megabytes / cold, "MB/s", "one after the other",
             megabytes / (sequential + warm));
}

int run(const Options& options) {
  ScanRepo repo(options.number("--points", 100'000'000, 10'000'000));
  measure(repo, Report(options.json()));
  return 0;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 0, "[--quick] [--json] [--points N]", run);
}
