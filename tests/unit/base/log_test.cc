#include "plugin/base/log.h"

#include <fstream>
#include <iterator>
#include <thread>

#include "plugin/base/error.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace aimlog;
using namespace aimlog::test;

namespace {

// A host's log service that keeps what it hears.
struct Host {
  std::vector<std::pair<Severity, std::string>> lines;
  Severity level = Severity::trace;

  Log::HostSink sink() {
    return [this](Severity severity, std::string_view text) { lines.emplace_back(severity, text); };
  }
  Log::HostFilter filter() {
    return [this](Severity severity) { return severity >= level; };
  }
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

constexpr int64_t second = 1000000000;

}  // namespace

TEST_CASE("LinesWaitForTheHostsThread") {
  Host host;
  Log log(host.sink(), host.filter(), Severity::info);
  CHECK_FALSE(log.has_pending());
  std::thread([&] {
    log.write(Severity::warning, "from the committer");
    log.write(Severity::debug, "below the level");
    log.write(Severity::off, "never");
  }).join();
  CHECK(host.lines.empty());
  CHECK(log.has_pending());
  log.drain();
  REQUIRE(host.lines.size() == 1);
  CHECK(host.lines[0].first == Severity::warning);
  CHECK(host.lines[0].second == "from the committer");
  CHECK_FALSE(log.has_pending());
  log.drain();
  CHECK(host.lines.size() == 1);
}

TEST_CASE("TheHostsFilterIsAsked") {
  Host host;
  host.level = Severity::error;
  Log log(host.sink(), host.filter(), Severity::trace);
  log.write(Severity::warning, "quiet");
  log.write(Severity::error, "loud");
  log.drain();
  REQUIRE(host.lines.size() == 1);
  CHECK(host.lines[0].second == "loud");
}

TEST_CASE("TheQueueIsBoundedAndTheRestIsCounted") {
  Host host;
  Log log(host.sink(), {}, Severity::info);
  for (size_t i = 0; i < Log::queue_lines_max + 7; ++i)
    log.write(Severity::info, std::to_string(i));
  log.drain();
  REQUIRE(host.lines.size() == Log::queue_lines_max + 1);
  CHECK(host.lines.back().second == "7 more lines were left out");
  log.write(Severity::info, "again");
  log.drain();
  CHECK(host.lines.back().second == "again");
}

TEST_CASE("WhatTheHostThrowsIsSwallowed") {
  int calls = 0;
  Log log(
      [&](Severity, std::string_view) {
        ++calls;
        throw calls;
      },
      [](Severity) { return true; }, Severity::info);
  log.write(Severity::info, "one");
  log.write(Severity::info, "two");
  log.drain();
  CHECK(calls == 2);
  Log silent({}, {}, Severity::info);
  silent.write(Severity::info, "nobody listens");
  silent.drain();
  CHECK_FALSE(silent.has_pending());
}

TEST_CASE("ALimitedLineComesOnceAMinuteWithACount") {
  Host host;
  Log log(host.sink(), {}, Severity::info);
  for (int i = 0; i < 10; ++i)
    log.write_limited("disk", Severity::error, "disk full", {}, i * second);
  log.write_limited("other", Severity::error, "other", {}, 5 * second);
  log.write_limited("disk", Severity::error, "disk full", {}, 61 * second);
  log.write_limited("disk", Severity::error, "disk full", {}, 62 * second);
  log.write_limited("other", Severity::error, "other", {}, 70 * second);
  log.drain();
  std::vector<std::string> texts;
  for (const auto& [severity, text] : host.lines) texts.push_back(text);
  CHECK(texts == std::vector<std::string>{"disk full", "other",
                                          "disk full (9 more since the last such line)", "other"});
}

TEST_CASE("AFileGetsTheLinesAndTheHostNone") {
  TempDir dir;
  Host host;
  Log log(host.sink(), {}, Severity::info);
  const std::filesystem::path path = dir / "logs/aimlog.log";
  log.to_file(path);
  log.write(Severity::warning, "a line with {} in it");
  log.write(Severity::debug, "hidden");
  CHECK(read_text(path).empty());  // no hook waits for the disk of a log
  log.write_file();
  const std::string text = read_text(path);
  CHECK(text.find(" warning a line with {} in it\n") != std::string::npos);
  CHECK(text.find("hidden") == std::string::npos);
  CHECK_FALSE(log.has_pending());
}

TEST_CASE("WhatTheFileHasNotGotIsWrittenAtTheEnd") {
  TempDir dir;
  {
    Log log({}, {}, Severity::info);
    log.to_file(dir / "aimlog.log");
    for (size_t i = 0; i < Log::queue_lines_max + 3; ++i) log.write(Severity::info, "one");
  }
  const std::string text = read_text(dir / "aimlog.log");
  CHECK(text.find(" info one\n") != std::string::npos);
  CHECK(text.find(" warning 3 more lines were left out\n") != std::string::npos);
}

TEST_CASE("WhenNobodyWritesTheFileAnyMoreTheHostGetsTheLines") {
  TempDir dir;
  Host host;
  {
    Log log(host.sink(), {}, Severity::info);
    log.to_file(dir / "aimlog.log");
    log.write(Severity::info, "the last one");
    log.close_file();
    log.write(Severity::info, "one more");
    log.drain();
  }
  const std::string text = read_text(dir / "aimlog.log");
  CHECK(text.find("the last one") != std::string::npos);
  CHECK(text.find("one more") == std::string::npos);
  REQUIRE(host.lines.size() == 1);
  CHECK(host.lines[0].second == "one more");
}

TEST_CASE("TheLogFileDoesNotGrowForEver") {
  TempDir dir;
  Log log({}, {}, Severity::info);
  log.to_file(dir / "aimlog.log");
  const std::string line(64 * 1024, 'x');
  for (int i = 0; i < 200; ++i) {
    log.write(Severity::info, line);
    log.write_file();
  }
  uint64_t bytes = 0;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    bytes += entry.file_size();
    ++files;
  }
  CHECK(files == 2);
  CHECK(bytes <= 2 * Log::file_bytes_max);
}

TEST_CASE("AFileThatCannotBeWrittenIsAnError") {
  TempDir dir;
  Log log({}, {}, Severity::info);
  std::ofstream(dir / "file") << "x";
  try {
    log.to_file(dir / "file/aimlog.log");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::io);
    CHECK(std::string(error.what()).find("file/aimlog.log") != std::string::npos);
  }
}

TEST_CASE("AFullLogFileHandsTheLineToTheHost") {
  Host host;
  Log log(host.sink(), {}, Severity::info);
  log.to_file("/dev/full");
  log.write(Severity::error, "lost?");
  log.write_file();
  log.drain();
  REQUIRE(host.lines.size() == 1);
  CHECK(host.lines[0].second == "lost?");
}

TEST_CASE("ManyThreadsMayWrite") {
  Host host;
  Log log(host.sink(), host.filter(), Severity::info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        log.write(Severity::info, "line");
        log.write_limited("key", Severity::error, "often");
      }
    });
  }
  for (int i = 0; i < 50; ++i) log.drain();
  for (std::thread& thread : threads) thread.join();
  log.drain();
  CHECK(host.lines.size() == 201);
}

TEST_CASE("SeveritiesHaveNames") {
  CHECK(severity_name(Severity::trace) == std::string("trace"));
  CHECK(severity_name(Severity::warning) == std::string("warning"));
  CHECK(severity_name(static_cast<Severity>(99)) == std::string("off"));
}
