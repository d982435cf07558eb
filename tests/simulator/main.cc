// Runs histories, one seed after the other, until time or number is over or one is broken.
//
//   simulator [--seed N] [--histories N] [--seconds N] [--expect RULE] [--ledger FILE] [--keep yes]
//
// Without --seed it begins at a seed that no one foresaw, and prints it. The ledger has a line for
// each long run that was kept: its first seed and how many histories it had. With it the sum is
// printed; --keep adds a line for this run, if nothing was broken.
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "plugin/store/environment.h"
#include "tests/simulator/fault.h"
#include "tests/simulator/history.h"

namespace aimlog::sim {
namespace {

struct Options {
  std::optional<uint64_t> seed;
  uint64_t histories = UINT64_MAX;
  double seconds = 10;
  std::vector<std::string> expected;  // one of these rules must be broken
  std::string ledger;
  bool keep = false;
};

// The real one: the program's own clock is simulated.
double real_seconds() {
  timespec now{};
  ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

uint64_t unforeseen_seed() {
  uint32_t seed = 0;
  if (::syscall(SYS_getrandom, &seed, sizeof seed, 0) != sizeof seed) seed = 1;
  return uint64_t{seed} << 24;  // runs do not overlap
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string word = words[i];
    const char* value = words[i + 1];
    if (word == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
      if (options.histories == UINT64_MAX) options.histories = 1;
    } else if (word == "--histories") {
      options.histories = std::strtoull(value, nullptr, 10);
    } else if (word == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (word == "--expect") {
      options.expected.emplace_back(value);
    } else if (word == "--ledger") {
      options.ledger = value;
    } else if (word == "--keep") {
      options.keep = true;
    }
  }
  const char* is_long = std::getenv("AIMLOG_LONG");
  if (is_long != nullptr && std::strcmp(is_long, "1") == 0 && options.expected.empty()) {
    options.seconds *= 30;
  }
  return options;
}

// So many have every kind of end and of trouble.
constexpr uint64_t histories_that_meet_all = 1000;

// Memory is the best place: nothing outlives the program anyway.
std::filesystem::path scratch() {
  const std::filesystem::path memory = "/dev/shm";
  const bool usable = ::access(memory.c_str(), W_OK) == 0;
  const auto base = usable ? memory : std::filesystem::temp_directory_path();
  return base / ("aimlog-simulator-" + std::to_string(::getpid()));
}

void print(const Tally& tally, uint64_t first_seed, double seconds) {
  const auto n = [](uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "%llu histories in %.1f s (%.0f a minute), seeds %llu to %llu\n"
      "%llu lives, %llu records, %llu commits, %llu failed calls\n"
      "%llu kills, %llu of them inside a hook; %llu power cuts; %llu of both while recovering; "
      "%llu ends in order\n",
      n(tally.histories), seconds, static_cast<double>(tally.histories) / seconds * 60,
      n(first_seed), n(first_seed + tally.histories - 1), n(tally.lives), n(tally.events),
      n(tally.commits), n(tally.failed_calls), n(tally.kills), n(tally.kills_in_hooks),
      n(tally.power_cuts), n(tally.deaths_in_recovery), n(tally.closes));
}

void add_up(const Options& options, uint64_t first_seed, uint64_t histories) {
  if (options.keep) {
    std::ofstream(options.ledger, std::ios::app) << first_seed << ' ' << histories << '\n';
  }
  std::ifstream ledger(options.ledger);
  uint64_t sum = options.keep ? 0 : histories;
  for (uint64_t seed = 0, count = 0; ledger >> seed >> count;) sum += count;
  std::printf("%llu histories over all runs so far\n", static_cast<unsigned long long>(sum));
}

int run(const Options& options) {
  const std::filesystem::path directory = scratch();
  const std::filesystem::path blank = directory / "blank";
  std::filesystem::create_directories(blank);
  Environment::open(blank, OpenMode::create).reset();
  const uint64_t first = options.seed ? *options.seed : unforeseen_seed();
  const double begin = real_seconds();
  Tally tally;
  std::optional<Broken> broken;
  uint64_t seed = first;
  for (; !broken && seed - first < options.histories && real_seconds() - begin < options.seconds;
       ++seed) {
    try {
      History(seed, blank, directory / "repo", tally).run();
    } catch (const Broken& fault) {
      broken = fault;
      std::printf("--seed %llu: %s\n", static_cast<unsigned long long>(seed), fault.what());
    }
  }
  std::filesystem::remove_all(directory);
  const bool is_idle = tally.histories >= histories_that_meet_all &&
                       (tally.events == 0 || tally.commits == 0 || tally.closes == 0 ||
                        tally.kills == 0 || tally.kills_in_hooks == 0 || tally.power_cuts == 0 ||
                        tally.failed_calls == 0 || tally.deaths_in_recovery == 0);
  if (is_idle) std::printf("something that histories are made of never happened\n");
  print(tally, first, real_seconds() - begin);
  if (!broken && !options.ledger.empty()) add_up(options, first, tally.histories);
  if (options.expected.empty()) return broken || is_idle ? 1 : 0;
  for (const std::string& rule : options.expected) {
    if (broken && broken->rule == rule) return 0;
  }
  std::printf("the planted fault was not caught by its name\n");
  return 1;
}

}  // namespace
}  // namespace aimlog::sim

int main(int count, char** words) {
  try {
    return aimlog::sim::run(aimlog::sim::read_options(count, words));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "simulator: %s\n", error.what());
    return 2;
  }
}
