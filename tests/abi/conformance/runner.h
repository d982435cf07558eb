// Runs one check in a process of its own.
#pragma once

#include <string>
#include <vector>

#include "report.h"

namespace conformance {

struct Outcome {
  std::vector<std::string>
      failures;  // what the check found, and whether it crashed, hung or printed
  std::vector<std::string> notes;
};

// `config_text` may contain {dir}, which becomes a fresh directory that is removed afterwards.
Outcome run_apart(const Check& check, const std::string& plugin_path,
                  const std::string& config_text, unsigned timeout_s);

}  // namespace conformance
