#include "plugin/model/ids.h"

#include <algorithm>

#include "plugin/base/bytes.h"

namespace aimlog {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(const unsigned char* bytes, size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (size_t i = 0; i < count; ++i) {
    text.push_back(digits[bytes[i] >> 4]);
    text.push_back(digits[bytes[i] & 15]);
  }
  return text;
}

std::string RunId::hex() const { return to_hex(bytes); }

std::optional<RunId> RunId::from_hex(std::string_view text) {
  RunId id;
  if (text.size() != 2 * id.bytes.size()) return std::nullopt;
  for (size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return id;
}

TrialKey trial_key(std::string_view trial_id) { return hash128(trial_id); }

RunId make_run_id(const JobToken& job_token, std::string_view trial_id) {
  Bytes text(reinterpret_cast<const char*>(job_token.data()), job_token.size());
  text.append(trial_id);
  const Hash128 hash = hash128(text);
  RunId id;
  std::copy_n(hash.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

}  // namespace aimlog
