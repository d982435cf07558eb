// The pieces of the data path one by one, each beside a floor that does nothing but move the bytes.
//
// usage: pieces_bench [--quick] [--json] [--benchmark_...]
#include <benchmark/benchmark.h>

#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "plugin/base/crc32c.h"
#include "plugin/journal/ring.h"
#include "plugin/model/result_codec.h"
#include "plugin/store/bit_packing.h"
#include "plugin/store/series_table.h"
#include "plugin/store/zstd_frame.h"
#include "tests/bench/mixed_report.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

constexpr size_t block_rows = 1024;
constexpr size_t record_bytes = 264;  // twenty numbers in the journal

void copy(benchmark::State& state) {
  const std::vector<char> from(static_cast<size_t>(state.range(0)), 'x');
  std::vector<char> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(copy)->Arg(record_bytes)->Arg(4096)->Arg(8 * block_rows);

void checksum(benchmark::State& state) {
  const std::vector<char> bytes(4096, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc32c(0, bytes.data(), bytes.size()));
}
BENCHMARK(checksum);

// Numbers of 12 bits: what decimals and float32 come to.
std::vector<uint64_t> small_words() {
  std::vector<uint64_t> words(block_rows);
  for (size_t i = 0; i < words.size(); ++i) words[i] = i * 2654435761 % 4096;
  return words;
}

void pack(benchmark::State& state) {
  const std::vector<uint64_t> words = small_words();
  Bytes out;
  for (auto _ : state) {
    out.clear();
    append_packed(out, words);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(pack);

void unpack(benchmark::State& state) {
  Bytes packed;
  append_packed(packed, small_words());
  std::vector<uint64_t> words(block_rows);
  for (auto _ : state) {
    ByteReader in(packed, "block");
    read_packed(in, words);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(unpack);

void journal_record(benchmark::State& state) {
  const test::TempDir directory;
  const auto ring = Ring::create(directory.path(), ring_bytes_default);
  const std::vector<char> record(record_bytes, 'x');
  RingPosition position;
  RingRecord read;
  for (auto _ : state) {
    char* place = ring->writer().reserve(record_bytes, RingRoom::results);
    std::memcpy(place, record.data(), record.size());
    ring->writer().publish(1, record_bytes);
    // The reader's part: found, checked, freed.
    if (!ring->read(position, read)) state.SkipWithError("a record is missing");
    position = read.end;
    ring->release(position);
  }
}
BENCHMARK(journal_record);

void summary(benchmark::State& state) {
  MixedReport report(1);
  std::vector<Number> values;
  std::vector<int64_t> steps(block_rows);
  std::iota(steps.begin(), steps.end(), 1);
  for (size_t i = 0; i < block_rows; ++i)
    values.push_back({NumberType::float64, report.next()[0].as.uint64});
  for (auto _ : state) {
    SeriesSummary sums;
    sums.add(steps, values);
    benchmark::DoNotOptimize(sums);
  }
}
BENCHMARK(summary);

void result_parts(benchmark::State& state) {
  ResultView view;
  MixedReport report(1);
  for (const tuner_value& value : report.next())
    view.numbers.push_back({static_cast<NumberType>(value.tag), value.as.uint64});
  view.objects.resize(view.numbers.size());
  const Bytes result = encode_result(view);
  for (auto _ : state) {
    uint64_t sum = 0;
    ResultParts(result).visit([&](uint32_t, Number number) { sum += number.bits; },
                              [](uint32_t, ByteView) {});
    benchmark::DoNotOptimize(sum);
  }
}
BENCHMARK(result_parts);

struct Piece {
  const char* name;
  const char* benchmark;
  double count;  // of what its time is divided by
  const char* unit;
  const char* floor_name;
  const char* floor;
};
constexpr Piece pieces[] = {
    {"crc32c of 4 KiB", "checksum", 4.096, "ns/KB", "copying as much", "copy/4096"},
    {"packing 12-bit integers", "pack", block_rows, "ns/value", "copying them", "copy/8192"},
    {"unpacking 12-bit integers", "unpack", block_rows, "ns/value", "copying them", "copy/8192"},
    {"a record into the journal and out", "journal_record", 1, "ns", "copying it", "copy/264"},
    {"summary of a column", "summary", block_rows, "ns/value", "copying it", "copy/8192"},
    {"taking a result apart", "result_parts", 1, "ns", "copying it", "copy/264"},
};

// Keeps the times, to print them in pairs.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) times_[run.benchmark_name()] = run.GetAdjustedRealTime();
  }
  void print(const Report& report) const {
    for (const Piece& piece : pieces)
      report.add(piece.name, times_.at(piece.benchmark) / piece.count, piece.unit, piece.floor_name,
                 times_.at(piece.floor) / piece.count);
  }

 private:
  std::map<std::string, double> times_;
};

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  bool json = false;
  std::vector<char*> words = {argv[0]};
  std::string quick = "--benchmark_min_time=0.05";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json")
      json = true;
    else
      words.push_back(word == "--quick" ? quick.data() : argv[i]);
  }
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  collector.print(Report(json));
  return 0;
}
