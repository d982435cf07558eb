// What a value takes in a chunk, by kind of metric, and what it costs to write and to read it.
// Beside it: zstd over the raw doubles, and the size that Gorilla's XOR coding would have.
//
// usage: codec_bench [--quick] [--json] [--rows N] [--blocks N] [--repo DIR]
//   --repo: metrics that somebody recorded, instead of the mixed report
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "plugin/store/name_table.h"
#include "plugin/store/number_column.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "tests/bench/codec_words.h"
#include "tests/bench/mixed_report.h"
#include "tests/bench/options.h"
#include "tests/bench/report.h"

namespace aimlog::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Column = std::vector<Number>;

double nanoseconds(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

// blocks[metric][block]
std::vector<std::vector<Column>> make_columns(size_t blocks, size_t rows) {
  std::vector<std::vector<Column>> columns(mixed_metrics.size(), std::vector<Column>(blocks));
  MixedReport report(7);
  for (size_t block = 0; block < blocks; ++block) {
    for (size_t row = 0; row < rows; ++row) {
      const auto& values = report.next();
      for (size_t i = 0; i < values.size(); ++i)
        columns[i][block].push_back({static_cast<NumberType>(values[i].tag), values[i].as.uint64});
    }
  }
  return columns;
}

// The columns of all chunks of a repo, by metric.
std::map<std::string, std::vector<Column>> recorded_columns(const std::string& directory) {
  const auto environment = Environment::open(directory, OpenMode::read_only);
  const Transaction txn(*environment);
  std::map<std::string, std::vector<Column>> columns;
  each_run(txn, [&](RunNumber run, const RunRow&) {
    each_chunk(txn, run, [&](const ChunkKey&, ByteView encoded) {
      const RowGroupReader reader(encoded);
      for (const SeriesKey key : reader.keys()) {
        Column column = *reader.column(key);
        std::erase_if(column, [](Number number) { return !number.exists(); });
        if (!column.empty()) columns[get_name(txn, key.name)].push_back(std::move(column));
      }
    });
  });
  return columns;
}

// Bits of Gorilla's coding (Pelkonen et al. 2015, section 4.1.2), values only.
size_t gorilla_bits(const Column& column) {
  size_t bits = 64;
  int leading = -1, trailing = 0;
  for (size_t i = 1; i < column.size(); ++i) {
    const uint64_t x = column[i].bits ^ column[i - 1].bits;
    if (x == 0) {
      bits += 1;
      continue;
    }
    const int lead = std::min(31, std::countl_zero(x)), trail = std::countr_zero(x);
    if (leading >= 0 && lead >= leading && trail >= trailing) {
      bits += 2 + static_cast<size_t>(64 - leading - trailing);
    } else {
      leading = lead;
      trailing = trail;
      bits += 2 + 5 + 6 + static_cast<size_t>(64 - lead - trail);
    }
  }
  return bits;
}

size_t zstd_bytes(const Column& column) {
  std::vector<uint64_t> words;
  for (const Number& number : column) words.push_back(number.bits);
  std::vector<char> out(ZSTD_compressBound(words.size() * 8));
  return ZSTD_compress(out.data(), out.size(), words.data(), words.size() * 8, 3);
}

struct Cost {
  double bytes = 0, zstd = 0, gorilla = 0, encode_ns = 0, decode_ns = 0;
  std::map<int, size_t> codecs;
  size_t values = 0;

  void add(const Cost& other) {
    bytes += other.bytes;
    zstd += other.zstd;
    gorilla += other.gorilla;
    encode_ns += other.encode_ns;
    decode_ns += other.decode_ns;
    values += other.values;
  }
};

Cost measure(const std::vector<Column>& blocks) {
  Cost cost;
  BlockEncoder encoder;
  std::vector<Bytes> encoded(blocks.size());
  auto begin = Clock::now();
  for (size_t i = 0; i < blocks.size(); ++i) append_number_column(encoded[i], blocks[i], encoder);
  cost.encode_ns = nanoseconds(begin);
  uint64_t sum = 0;
  begin = Clock::now();
  for (size_t i = 0; i < blocks.size(); ++i) {
    ByteReader in(encoded[i], "column");
    sum += read_whole_number_column(in, static_cast<uint32_t>(blocks[i].size())).bits.back();
  }
  cost.decode_ns = nanoseconds(begin);
  uint64_t expected = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    expected += blocks[i].back().bits;
    cost.values += blocks[i].size();
    cost.bytes += static_cast<double>(encoded[i].size());
    cost.zstd += static_cast<double>(zstd_bytes(blocks[i]));
    cost.gorilla += static_cast<double>(gorilla_bits(blocks[i])) / 8;
    ++cost.codecs[encoded[i].size() > 2 ? encoded[i][2] : 0];
  }
  if (sum != expected) std::abort();
  return cost;
}

// "epoch counter (packed deltas)"; for recorded metrics, whose words nobody knows, their names.
std::string words_of(const std::string& name, const Cost& cost) {
  std::string words = name;
  for (const MixedMetric& metric : mixed_metrics)
    if (metric.name == name) words = metric.words;
  const auto usual = std::max_element(
      cost.codecs.begin(), cost.codecs.end(),
      [](const auto& one, const auto& other) { return one.second < other.second; });
  return words + " (" + codec_words(static_cast<BlockCodec>(usual->first)) + ")";
}

void print(const Report& report, const std::string& words, const Cost& cost) {
  const auto values = static_cast<double>(cost.values);
  const std::string size = "size of a value: " + words, time = "time to encode a value: " + words;
  report.add(size, cost.bytes / values, "bytes", "zstd -3 of the doubles", cost.zstd / values);
  report.add(size, cost.bytes / values, "bytes", "Gorilla", cost.gorilla / values);
  report.add(time, cost.encode_ns / values, "ns", "to decode it", cost.decode_ns / values);
}

int run(const Options& options) {
  const size_t rows = options.number("--rows", 1024, 1024);
  const size_t blocks = options.number("--blocks", 64, 16);
  const std::string repo = options.text("--repo");
  const Report report(options.json());
  std::map<std::string, std::vector<Column>> columns;
  if (repo.empty()) {
    const auto made = make_columns(blocks, rows);
    for (size_t i = 0; i < made.size(); ++i) columns[std::string(mixed_metrics[i].name)] = made[i];
  } else {
    columns = recorded_columns(repo);
  }
  Cost all;
  for (const auto& [name, blocks_of_metric] : columns) {
    const Cost cost = measure(blocks_of_metric);
    all.add(cost);
    print(report, words_of(name, cost), cost);
  }
  print(report, "all of them", all);
  return 0;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 0, "[--quick] [--json] [--rows N] [--blocks N] [--repo DIR]", run);
}
