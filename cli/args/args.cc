#include "cli/args/args.h"

#include <charconv>

#include "cli/failure.h"

namespace aimlog::cli {

std::optional<std::string> Args::text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Args::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

std::optional<uint64_t> Args::count(const std::string& name, uint64_t min) const {
  const auto given = text(name);
  if (!given) return std::nullopt;
  uint64_t number = 0;
  const char* end = given->data() + given->size();
  const auto parsed = std::from_chars(given->data(), end, number);
  if (given->empty() || parsed.ec != std::errc{} || parsed.ptr != end || number < min)
    throw usage_error(name + " wants a whole number of at least " + std::to_string(min) +
                      ", not '" + *given + "'");
  return number;
}

}  // namespace aimlog::cli
