// The status of a run, and of each of its attempts.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace aimlog {

// Stored on disk: never renumber. 0 to 6 are the ABI's tuner_trial_status.
enum class TrialStatus : uint8_t {
  unknown = 0,
  pending = 1,
  running = 2,
  paused = 3,
  completed = 4,
  failed = 5,
  stopped = 6,
  crashed = 7,  // the writer died without a word
};

constexpr TrialStatus last_of(TrialStatus) { return TrialStatus::crashed; }

inline bool is_open(TrialStatus status) {
  return status == TrialStatus::pending || status == TrialStatus::running ||
         status == TrialStatus::paused;
}

inline const char* status_name(TrialStatus status) {
  constexpr const char* names[] = {"unknown",   "pending", "running", "paused",
                                   "completed", "failed",  "stopped", "crashed"};
  const auto index = static_cast<unsigned>(status);
  return index < 8 ? names[index] : "unknown";
}

inline std::optional<TrialStatus> status_from_name(std::string_view name) {
  for (uint8_t i = 0; i < 8; ++i) {
    if (name == status_name(static_cast<TrialStatus>(i))) return static_cast<TrialStatus>(i);
  }
  return std::nullopt;
}

}  // namespace aimlog
