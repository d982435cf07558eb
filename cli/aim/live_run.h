// A run of ours that goes on: its two databases stay open, as Aim's own writer has them, and points
// are added as they come. What is written this way is what Aim's tracker would have; the export at
// the run's end replaces it by what the run has come to.
#pragma once

#include <memory>
#include <string>

#include "cli/aim/database.h"
#include "cli/aim/publisher.h"

namespace aimlog::aim {

class LiveRun {
 public:
  // The run has appeared with what the seed says.
  LiveRun(const AimPaths& paths, std::string hash, LiveSeed seed);

  const std::string& hash() const { return hash_; }
  // `news` has the run's params as they are, and of its series the points that are new. Opens the
  // databases where they are not. True if there is a series that was not there before.
  bool write(AimRun news);
  bool is_open() const { return seqs_ != nullptr; }
  void close();    // throws Error where what is in memory cannot be written
  void abandon();  // without a word: somebody deleted them

 private:
  void open();
  void write_points(const PlacedSeries& placed);
  void write_difference(Tree& written, Tree now);

  const AimPaths& paths_;
  std::string hash_;
  Tree params_;  // keys of meta that do not speak of series, as they stand there
  struct Series {
    LiveSeed::Series state;
    Tree keys;  // those of meta that speak of it, as they stand there
  };
  std::map<Bytes, Series> series_;
  std::unique_ptr<DatabaseWriter> meta_, seqs_;
};

}  // namespace aimlog::aim
