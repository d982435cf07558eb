// One history: a repo, some lives of processes that record into it, and the ends they come to. All
// of it follows from the seed.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "plugin/store/environment.h"
#include "tests/simulator/disk.h"
#include "tests/simulator/random.h"
#include "tests/simulator/writer.h"

namespace aimlog::sim {

// What histories met, added up.
struct Tally {
  uint64_t histories = 0, lives = 0, events = 0, commits = 0, failed_calls = 0;
  uint64_t kills = 0, kills_in_hooks = 0, power_cuts = 0, deaths_in_recovery = 0, closes = 0;
};

class History {
 public:
  // `blank`: an empty repo to begin with, mostly. `directory`: of its own, emptied at the end.
  History(uint64_t seed, const std::filesystem::path& blank, const std::filesystem::path& directory,
          Tally& tally);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Throws Broken.
  void run();

 private:
  void live();
  void end_quietly();
  void plan_trouble(uint64_t calls);
  bool open();
  void look_at_journals();
  bool recover();
  void check_all();
  void check_model();
  uint64_t applied_of_live(const Journal& journal);
  void make_writers();
  void work();
  void step();
  void interrupt(Writer& writer);
  void commit(Writer& writer);
  void end_life();
  void close_in_order();
  void crash();
  void keep_areas();
  void cut_areas();
  Writer* random_writer();
  bool is_committing() const;

  Random random_;
  const bool heavy_;
  const std::filesystem::path directory_;
  Tally& tally_;
  Disk disk_;
  std::shared_ptr<Environment> environment_;
  std::vector<std::unique_ptr<Journal>> journals_;
  std::vector<Journal*> live_journals_;  // of writers_, in order
  std::vector<std::unique_ptr<Writer>> writers_;
  int64_t value_ = 0;
  uint64_t power_cuts_ = 0;
};

}  // namespace aimlog::sim
