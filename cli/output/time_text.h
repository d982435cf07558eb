// Points in time and spans, for people and for programs.
#pragma once

#include <cstdint>
#include <string>

namespace aimlog::cli {

// Nanoseconds since the Unix epoch; 0 = none, an empty text.
std::string local_time(int64_t ns);  // "2026-11-24 07:10"
std::string iso_time(int64_t ns);    // "2026-11-24T07:10:00.25Z", exact to the nanosecond

// "850ms", "12s", "3m05s", "2h07m", "3d04h".
std::string span_text(int64_t ns);

}  // namespace aimlog::cli
