// What a repair saved and what was lost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/store/numbers.h"

namespace aimlog::cli {

struct RunReport {
  std::string id, trial;
  uint64_t results = 0, points = 0;  // saved
  uint64_t results_lost = 0, points_lost = 0;
  uint32_t chunks_lost = 0;       // not a value of them could be read
  uint32_t columns_lost = 0;      // metrics of chunks whose other metrics could be read
  bool count_unknown = false;     // more may be lost: the rows that would say so are gone
  std::vector<std::string> lost;  // other things: "params", ...

  bool whole() const {
    return results_lost + points_lost + chunks_lost + columns_lost == 0 && !count_unknown &&
           lost.empty();
  }
};

struct RepairReport {
  std::vector<RunReport> runs;
  uint64_t rows = 0, rows_searched = 0, rows_stale = 0, rows_damaged = 0, rows_undecodable = 0;
  std::vector<std::string> damage;  // places in the file
  std::vector<std::string> notes;   // journals, and what was given another name
  uint64_t events_replayed = 0;

  uint64_t whole_runs() const;
  std::string as_text(const std::string& target) const;
  std::string as_json(const std::string& target) const;
};

}  // namespace aimlog::cli
