// What a result of twenty metrics costs its writer, and its points on disk, where it is kept in
// other ways: a key a point in RocksDB, a row a result in SQLite, JSON lines, and write(2) of the
// same numbers. All of them in one process, result by result in turns. Each is set up so that, as
// with us, a kill of the process loses nothing and a power cut may lose the last moments.
//
// usage: peers_bench AIMLOG_PLUGIN [--quick] [--json] [--results N]
#include <fcntl.h>
#include <rocksdb/db.h>
#include <sqlite3.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/latency.h"
#include "tests/bench/metric_host.h"
#include "tests/bench/options.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/report.h"
#include "tests/support/temp_dir.h"

namespace aimlog::bench {
namespace {

using Values = MixedReport::Values;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

double real(const tuner_value& value) {
  return value.tag == TUNER_TAG_DOUBLE ? value.as.float64 : static_cast<double>(value.as.int64);
}

using Path = std::filesystem::path;

// It keeps what it is given in a directory of its own, all of it when it is destroyed.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual const char* name() const = 0;
  virtual void put(int64_t step, const Values& values) = 0;
};

class Ours : public Sink {
 public:
  Ours(const std::string& plugin, const Path& directory)
      : host_(plugin, "repo: .\non_full: block\n", directory, mixed_metrics.size()) {
    host_.start("trial");
  }
  ~Ours() override { host_.complete("trial"); }
  const char* name() const override { return "aimlog"; }
  void put(int64_t step, const Values& values) override { host_.report("trial", step, values); }

 private:
  Host host_;
};

// As trackers lay their points out: a key of run, metric and step, and eight bytes of value.
class RocksDb : public Sink {
 public:
  explicit RocksDb(const Path& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    if (!rocksdb::DB::Open(options, directory.string(), &opened).ok()) fail("no RocksDB");
    database_.reset(opened);
  }
  ~RocksDb() override { database_->Flush({}); }
  const char* name() const override { return "RocksDB, a key a point"; }
  void put(int64_t step, const Values& values) override {
    for (size_t i = 0; i < values.size(); ++i) {
      std::string key = "run 00001 ";
      key += mixed_metrics[i].name;
      for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(step >> shift);
      const double value = real(values[i]);
      if (!database_->Put({}, key, {reinterpret_cast<const char*>(&value), sizeof value}).ok())
        fail("RocksDB's put");
    }
  }

 private:
  std::unique_ptr<rocksdb::DB> database_;
};

// A transaction a result, as where each is safe when the call returns; synced at checkpoints.
class Sqlite : public Sink {
 public:
  explicit Sqlite(const Path& directory) {
    if (sqlite3_open((directory / "results.db").c_str(), &database_) != SQLITE_OK)
      fail("no SQLite");
    std::string columns, places;
    for (size_t i = 0; i < mixed_metrics.size(); ++i) {
      columns += ", m" + std::to_string(i) + " REAL";
      places += ", ?";
    }
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=NORMAL");
    run("CREATE TABLE result (run INTEGER, step INTEGER" + columns + ", PRIMARY KEY (run, step))");
    const std::string insert = "INSERT INTO result VALUES (1, ?" + places + ")";
    sqlite3_prepare_v2(database_, insert.c_str(), -1, &insert_, nullptr);
  }
  ~Sqlite() override {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;
  const char* name() const override { return "SQLite (WAL), a row a result"; }
  void put(int64_t step, const Values& values) override {
    sqlite3_bind_int64(insert_, 1, step);
    for (size_t i = 0; i < values.size(); ++i)
      sqlite3_bind_double(insert_, static_cast<int>(i) + 2, real(values[i]));
    if (sqlite3_step(insert_) != SQLITE_DONE) fail("SQLite's insert");
    sqlite3_reset(insert_);
  }

 private:
  void run(const std::string& sql) {
    if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

class JsonLines : public Sink {
 public:
  explicit JsonLines(const Path& directory) : file_(directory / "results.jsonl") {}
  const char* name() const override { return "JSON lines, flushed"; }
  void put(int64_t step, const Values& values) override {
    std::string line = "{\"step\":" + std::to_string(step);
    char digits[32];
    for (size_t i = 0; i < values.size(); ++i) {
      line += ",\"";
      line += mixed_metrics[i].name;
      line += "\":";
      line.append(digits, std::to_chars(digits, std::end(digits), real(values[i])).ptr);
    }
    line += "}\n";
    file_ << line << std::flush;
  }

 private:
  std::ofstream file_;
};

class PlainWrite : public Sink {
 public:
  explicit PlainWrite(const Path& directory)
      : fd_(::open((directory / "results").c_str(), O_WRONLY | O_CREAT, 0600)) {}
  ~PlainWrite() override { ::close(fd_); }
  PlainWrite(const PlainWrite&) = delete;
  PlainWrite& operator=(const PlainWrite&) = delete;
  const char* name() const override { return "write(2) of the numbers alone"; }
  void put(int64_t step, const Values& values) override {
    uint64_t record[1 + mixed_metrics.size()] = {static_cast<uint64_t>(step)};
    for (size_t i = 0; i < values.size(); ++i) record[i + 1] = values[i].as.uint64;
    if (::write(fd_, record, sizeof record) != sizeof record) fail("write");
  }

 private:
  int fd_;
};

// A sink, its directory and the time of each of its results.
struct Peer {
  Path directory;
  std::unique_ptr<Sink> sink;
  Latencies latencies;
  double p50_us = 0, p99_us = 0, bytes_per_point = 0;
};

std::vector<Peer> make_peers(const std::string& plugin, const Path& root) {
  std::vector<Peer> peers(5);
  for (size_t i = 0; i < peers.size(); ++i) {
    peers[i].directory = root / std::to_string(i);
    std::filesystem::create_directory(peers[i].directory);
  }
  peers[0].sink = std::make_unique<Ours>(plugin, peers[0].directory);
  peers[1].sink = std::make_unique<RocksDb>(peers[1].directory);
  peers[2].sink = std::make_unique<Sqlite>(peers[2].directory);
  peers[3].sink = std::make_unique<JsonLines>(peers[3].directory);
  peers[4].sink = std::make_unique<PlainWrite>(peers[4].directory);
  return peers;
}

void measure(const std::string& plugin, int64_t results, const Report& report) {
  const test::TempDir root;
  std::vector<Peer> peers = make_peers(plugin, root.path());
  MixedReport reports(1);
  for (int64_t step = 1; step <= results; ++step) {
    const Values& values = reports.next();
    for (Peer& peer : peers) peer.latencies.measure([&] { peer.sink->put(step, values); });
  }
  const double us_per_tick = nanoseconds_per_tick() / 1e3;
  const double points = static_cast<double>(results) * mixed_metrics.size();
  std::vector<std::string> names;
  for (Peer& peer : peers) {
    peer.p50_us = peer.latencies.percentile(0.5, us_per_tick);
    peer.p99_us = peer.latencies.percentile(0.99, us_per_tick);
    names.emplace_back(peer.sink->name());
    peer.sink.reset();
    peer.bytes_per_point = static_cast<double>(size_on_disk(peer.directory)) / points;
  }
  const Peer& ours = peers.front();
  for (size_t i = 1; i < peers.size(); ++i) {
    const Peer& other = peers[i];
    report.add("a result of 20, p50", ours.p50_us, "us", names[i], other.p50_us);
    report.add("a result of 20, p99", ours.p99_us, "us", names[i], other.p99_us);
    report.add("on disk, a point", ours.bytes_per_point, "bytes", names[i], other.bytes_per_point);
  }
}

int run(const Options& options) {
  const uint64_t results = options.number("--results", 50'000, 3'000);
  measure(options.given(0), static_cast<int64_t>(results), Report(options.json()));
  return 0;
}

}  // namespace
}  // namespace aimlog::bench

int main(int argc, char** argv) {
  using namespace aimlog::bench;
  return run_main(argc, argv, 1, "AIMLOG_PLUGIN [--quick] [--json] [--results N]", run);
}
