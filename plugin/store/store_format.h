// Numbers of the repo's format. Stored on disk: never renumber.
#pragma once

#include <cstdint>

namespace aimlog {

// Of the repo as a whole, in the file FORMAT. A newer one is refused.
inline constexpr uint32_t repo_format_version = 1;

// First byte of every row. Fields appended to a row need no new version; a changed meaning does.
inline constexpr uint8_t row_version = 1;
// Summaries: 1 as fields like other rows, 2 as summary_codec.h says.
inline constexpr uint8_t summaries_version = 2;
// Tails: 1 as rows, 2 as tail_codec.h says.
inline constexpr uint8_t tail_version = 2;
inline constexpr uint8_t tail_version_plain = 1;

// Second level of the tables that hold rows and indexes of them: the first byte of a key.
enum class NameKind : uint8_t { name = 1, name_hash = 2, context = 3, context_hash = 4 };
enum class ShapeKind : uint8_t { shape = 1, hash = 2 };
enum class ExperimentKind : uint8_t { experiment = 1, name_hash = 2 };
enum class JobKind : uint8_t { job = 1, token = 2, of_experiment = 3 };
enum class RunKind : uint8_t { run = 1, trial = 2, id = 3, trial_id = 4 };
enum class TailKind : uint8_t { tail = 1, seal = 2 };
enum class JournalKind : uint8_t { journal = 1, open_run = 2 };
enum class MetaKind : uint8_t { row_counts = 1, repo_id = 2, next_number = 3 };

// Which sequence of numbers; see next_number.
enum class Counter : uint8_t {
  name = 1,
  context = 2,
  shape = 3,
  experiment = 4,
  job = 5,
  run = 6,
  journal = 7,
  loss = 8,
};

}  // namespace aimlog
