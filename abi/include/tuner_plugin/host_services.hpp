// For plugins: what the host offers, safe to call whatever is missing.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "text.hpp"

namespace tuner {

// A copy of the host's table over zeros. Call it only on the thread that is inside a call of the
// instance.
class HostServices {
 public:
  HostServices() noexcept : host_(make<tuner_host>()) {}

  // False where the host's table is to be refused; NULL is a host without services.
  bool assign(const tuner_host* host) noexcept {
    return host == nullptr || read_growable(host_, host);
  }

  bool logs(tuner_log_level level) const noexcept {
    if (host_.log == nullptr) return false;
    return host_.log_enabled == nullptr || host_.log_enabled(host_.host_data, level) != 0;
  }
  void log(tuner_log_level level, std::string_view message) const noexcept {
    if (logs(level)) host_.log(host_.host_data, level, text(message));
  }
  const void* extension(std::string_view id) const noexcept {
    if (host_.get_extension == nullptr) return nullptr;
    return host_.get_extension(host_.host_data, text(id));
  }

 private:
  tuner_host host_;
};

}  // namespace tuner
