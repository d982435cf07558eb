// Any bytes as a configuration: accepted, or refused with an Error; nothing else. What follows the
// first NUL is used as an override.
#include <cstdint>
#include <string>

#include "plugin/base/error.h"
#include "plugin/config/load_config.h"

namespace {

void load(const aimlog::ConfigSource& source) {
  try {
    aimlog::load_config(source);
  } catch (const aimlog::Error& error) {
    if (error.code() != aimlog::ErrorCode::invalid_config) throw;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\0');
  aimlog::ConfigSource source;
  source.has_text = true;
  source.base_dir = "/base";
  source.text = input.substr(0, end);
  load(source);
  if (end == std::string::npos) return 0;
  source.text.clear();
  source.overrides = {{"metrics", input.substr(end + 1)}, {"log", input.substr(end + 1)}};
  load(source);
  return 0;
}
