// What an instance counts; get_stats shows it. Written by the host's thread only.
#pragma once

#include <cstdint>

namespace aimlog {

struct Counters {
  uint64_t events = 0;
  uint64_t results = 0;
  uint64_t points = 0;
  uint64_t events_dropped = 0;
  uint64_t values_skipped =
      0;  // of an unknown tag, too deep, too many, or no text where a text must be
  uint64_t values_cut = 0;       // cut to a size limit
  uint64_t texts_repaired = 0;   // were not UTF-8
  uint64_t keys_duplicated = 0;  // names that came twice in one map or result
  uint64_t shapes_built = 0;     // results whose shape was not in the cache
  uint64_t waits = 0;
  uint64_t wait_ns_max = 0;
};

}  // namespace aimlog
