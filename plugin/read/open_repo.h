// Opening a repo to read it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "plugin/store/environment.h"

namespace aimlog {

struct OpenedRepo {
  std::shared_ptr<Environment> environment;
  std::string remark;  // what was replayed or could not be; for people, mostly empty
};

// Where the repo can be written, journals of dead writers are replayed first. `path` is the user's
// directory or the .aimlog in it. Throws LookupError where there is no repo, and what
// Environment::open throws.
OpenedRepo open_to_read(std::filesystem::path path);

}  // namespace aimlog
