// Points in time as people write them in queries. Without a zone they are local, as in tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace aimlog::cli {

// Year, month, day, then hour, minute, second, microsecond as far as they are given; seconds since
// the Unix epoch.
std::optional<double> time_of_parts(const std::vector<int64_t>& parts);

// "2026-11-24", "2026-11-24 13:30", "2026-11-24T13:30:05.25Z", "...+02:00", "7 days ago".
std::optional<double> time_of_text(std::string_view text);

}  // namespace aimlog::cli
