#include "cli/output/time_text.h"

#include <time.h>

#include <cstdio>

namespace aimlog::cli {
namespace {

constexpr int64_t second_ns = 1'000'000'000;

// Seconds before the time, and the nanoseconds that are left: never negative.
time_t split(int64_t ns, int64_t& rest) {
  rest = ns % second_ns;
  if (rest < 0) rest += second_ns;
  return static_cast<time_t>((ns - rest) / second_ns);
}

}  // namespace

std::string local_time(int64_t ns) {
  if (ns == 0) return "";
  int64_t rest = 0;
  const time_t seconds = split(ns, rest);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

std::string iso_time(int64_t ns) {
  if (ns == 0) return "";
  int64_t rest = 0;
  const time_t seconds = split(ns, rest);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::string result = text;
  if (rest != 0) {
    snprintf(text, sizeof text, ".%09lld", static_cast<long long>(rest));
    result += text;
    while (result.back() == '0') result.pop_back();
  }
  return result + "Z";
}

std::string span_text(int64_t ns) {
  const long long seconds = ns / second_ns;
  char text[64];
  if (ns < 0) return "";
  if (seconds < 1)
    snprintf(text, sizeof text, "%lldms", static_cast<long long>(ns / 1'000'000));
  else if (seconds < 60)
    snprintf(text, sizeof text, "%llds", seconds);
  else if (seconds < 3600)
    snprintf(text, sizeof text, "%lldm%02llds", seconds / 60, seconds % 60);
  else if (seconds < 86400)
    snprintf(text, sizeof text, "%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
  else
    snprintf(text, sizeof text, "%lldd%02lldh", seconds / 86400, seconds / 3600 % 24);
  return text;
}

}  // namespace aimlog::cli
