#include "cli/query/expression/time_words.h"

#include <time.h>

#include <charconv>
#include <cmath>

#include "plugin/base/clock.h"

namespace aimlog::cli {
namespace {

// Takes a number of at most `digits` digits off the front.
bool take_number(std::string_view& text, size_t digits, int64_t& number) {
  const auto parsed =
      std::from_chars(text.data(), text.data() + std::min(digits, text.size()), number);
  if (parsed.ec != std::errc{} || number < 0) return false;
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  return true;
}

bool take_sign(std::string_view& text, std::string_view signs) {
  if (text.empty() || signs.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool is_date(const std::vector<int64_t>& parts) {
  static constexpr int64_t least[] = {1970, 1, 1, 0, 0, 0, 0};
  static constexpr int64_t most[] = {9999, 12, 31, 23, 59, 59, 999'999};
  if (parts.size() < 3 || parts.size() > std::size(least)) return false;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i] < least[i] || parts[i] > most[i]) return false;
  return true;
}

std::optional<double> seconds_of(const std::vector<int64_t>& parts, bool is_utc) {
  if (!is_date(parts)) return std::nullopt;
  const auto part = [&](size_t i) { return i < parts.size() ? static_cast<int>(parts[i]) : 0; };
  tm time{};
  time.tm_year = part(0) - 1900;
  time.tm_mon = part(1) - 1;
  time.tm_mday = part(2);
  time.tm_hour = part(3);
  time.tm_min = part(4);
  time.tm_sec = part(5);
  time.tm_isdst = -1;
  const time_t seconds = is_utc ? timegm(&time) : mktime(&time);
  if (time.tm_mday != part(2)) return std::nullopt;  // such as 30 February
  return static_cast<double>(seconds) + part(6) * 1e-6;
}

// "7 days ago", "last 7 days", "90 min ago".
std::optional<double> time_before_now(std::string_view text) {
  constexpr std::string_view before = "last ", behind = " ago";
  if (text.starts_with(before))
    text.remove_prefix(before.size());
  else if (text.ends_with(behind))
    text.remove_suffix(behind.size());
  else
    return std::nullopt;
  int64_t count = 0;
  if (!take_number(text, 9, count) || !take_sign(text, " ")) return std::nullopt;
  if (text.size() > 3 && text.ends_with('s')) text.remove_suffix(1);
  static constexpr struct {
    std::string_view name, short_name;
    int64_t seconds;
  } units[] = {{"second", "sec", 1},
               {"minute", "min", 60},
               {"hour", "h", 3600},
               {"day", "d", 86'400},
               {"week", "w", 604'800}};
  for (const auto& unit : units)
    if (text == unit.name || text == unit.short_name)
      return static_cast<double>(wall_clock_ns()) * 1e-9 -
             static_cast<double>(count * unit.seconds);
  return std::nullopt;
}

// What is behind the seconds: a fraction, then a zone. Adds to `seconds`.
bool take_end(std::string_view text, bool& is_utc, double& more) {
  if (take_sign(text, ".,")) {
    double scale = 0.1;
    if (text.empty() || text[0] < '0' || text[0] > '9') return false;
    for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), scale /= 10)
      more += (text[0] - '0') * scale;
  }
  if (text.empty()) return true;
  is_utc = true;
  if (take_sign(text, "Zz")) return text.empty();
  const bool is_behind = text[0] == '-';
  int64_t hours = 0, minutes = 0;
  if (!take_sign(text, "+-") || !take_number(text, 2, hours)) return false;
  take_sign(text, ":");
  if (!text.empty() && !take_number(text, 2, minutes)) return false;
  const auto offset = static_cast<double>(hours * 3600 + minutes * 60);
  more += is_behind ? offset : -offset;
  return text.empty();
}

}  // namespace

std::optional<double> time_of_parts(const std::vector<int64_t>& parts) {
  return seconds_of(parts, false);
}

std::optional<double> time_of_text(std::string_view text) {
  if (const auto before = time_before_now(text)) return before;
  std::vector<int64_t> parts;
  static constexpr const char* separators[] = {"", "-", "-", "Tt ", ":", ":"};
  bool is_utc = false;
  double more = 0;
  for (size_t i = 0; i < std::size(separators) && !(text.empty() && i >= 3); ++i) {
    if (i > 0 && !take_sign(text, separators[i])) break;
    if (!take_number(text, i == 0 ? 4 : 2, parts.emplace_back())) return std::nullopt;
  }
  if (!take_end(text, is_utc, more)) return std::nullopt;
  const auto seconds = seconds_of(parts, is_utc);
  return seconds ? std::optional(*seconds + more) : std::nullopt;
}

}  // namespace aimlog::cli
