// Asks the ring files of a repo whether their writers live.
#pragma once

#include "plugin/commit/bind_job.h"
#include "plugin/journal/dead_ring.h"
#include "plugin/store/environment.h"

namespace aimlog {

inline std::filesystem::path ring_path(const Environment& environment, const RingId& ring) {
  return environment.paths().journals / (to_hex(ring) + ".ring");
}

inline IsLive is_ring_live(const Environment& environment) {
  return [&environment](const RingId& ring) { return ring_is_live(ring_path(environment, ring)); };
}

}  // namespace aimlog
