// Names of things: what identifies a run, a job, a trial, a shape of result.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/base/hash.h"

namespace aimlog {

// A run's public id, 24 hex digits as text (as Aim's run hashes).
struct RunId {
  std::array<unsigned char, 12> bytes{};

  auto operator<=>(const RunId&) const = default;
  std::string hex() const;
  static std::optional<RunId> from_hex(std::string_view text);
};

// Minted by the tracker for each new job, or taken over from a saved state; the store binds it to a
// job.
using JobToken = std::array<unsigned char, 16>;

// Identity of a ring file; random, never reused.
using RingId = std::array<unsigned char, 16>;

// Hash of the host's trial id: what records carry in its place.
using TrialKey = Hash128;
TrialKey trial_key(std::string_view trial_id);

// The same (job, trial) is the same run for ever. `job_token` is the token under which the job was
// first bound.
RunId make_run_id(const JobToken& job_token, std::string_view trial_id);

std::string to_hex(const unsigned char* bytes, size_t count);
template <size_t N>
std::string to_hex(const std::array<unsigned char, N>& bytes) {
  return to_hex(bytes.data(), N);
}

}  // namespace aimlog
