// The one symbol that leaves the library, and the note that says who we are without running code.
#define TUNER_PLUGIN_IMPLEMENTATION
#include "abi/include/tuner_plugin.h"

#include <algorithm>
#include <string>

#include "plugin/adapter/guard.h"
#include "plugin/adapter/plugin_table.h"
#include "plugin/adapter/version.h"

TUNER_PLUGIN_NOTE("aimlog", AIMLOG_VERSION);

namespace aimlog {
namespace {

std::string range(uint32_t low, uint32_t high) {
  return low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
}

const tuner_plugin* negotiate(tuner_entry_args& args) {
  args.plugin_abi_min = TUNER_ABI_VERSION_MIN;
  args.plugin_abi_max = TUNER_ABI_VERSION_MAX;
  args.abi_chosen = 0;
  clear_error(args.error);
  const uint32_t highest = std::min(args.host_abi_max, TUNER_ABI_VERSION_MAX);
  const uint32_t lowest = std::max(args.host_abi_min, TUNER_ABI_VERSION_MIN);
  if (args.host_abi_min > args.host_abi_max || highest < lowest) {
    const bool host_is_older = args.host_abi_max < TUNER_ABI_VERSION_MIN;
    write_error(args.error,
                "aimlog " AIMLOG_VERSION " speaks tuner ABI " +
                    range(TUNER_ABI_VERSION_MIN, TUNER_ABI_VERSION_MAX) + ", this host speaks " +
                    range(args.host_abi_min, args.host_abi_max) + ": take a newer " +
                    (host_is_older ? "host, or an older aimlog" : "aimlog, or an older host"));
    return nullptr;
  }
  args.abi_chosen = highest;
  return &plugin_table;
}

}  // namespace
}  // namespace aimlog

extern "C" const tuner_plugin* tuner_plugin_entry(tuner_entry_args* args) noexcept {
  if (args == nullptr) return nullptr;
  const tuner_plugin* table = nullptr;
  if (args->size < sizeof(tuner_entry_args)) {
    // The outputs lie in what the caller may not have: only a whole struct can be answered.
    return nullptr;
  }
  const tuner_status status = aimlog::guard(nullptr, [&]() -> tuner_status {
    table = aimlog::negotiate(*args);
    return TUNER_OK;
  });
  return status == TUNER_OK ? table : nullptr;
}
