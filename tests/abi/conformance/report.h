// What a check has found out, and the list of all checks.
#pragma once

#include <string>
#include <vector>

namespace conformance {

// Collects what is wrong; a check goes on after a failure where that makes sense.
class Report {
 public:
  // Returns `condition`, so that a check can stop: if (!report.check(...)) return;
  bool check(bool condition, const std::string& promise) {
    if (!condition) failures_.push_back(promise);
    return condition;
  }
  void note(const std::string& text) { notes_.push_back(text); }

  const std::vector<std::string>& failures() const { return failures_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  std::vector<std::string> failures_;
  std::vector<std::string> notes_;
};

// What the checks are run against.
struct Subject {
  std::string plugin_path;
  std::string config_text;  // {dir} already replaced
  std::string dir;          // an empty directory for this check alone, also base_dir
};

// A check runs in a process of its own, so that a plugin that crashes or hangs fails only this
// check. What the plugin prints meanwhile is a failure too.
struct Check {
  const char* name;
  void (*run)(const Subject& subject, Report& report);
};

std::vector<Check> entry_checks();
std::vector<Check> create_checks();
std::vector<Check> event_checks();
std::vector<Check> value_checks();
std::vector<Check> state_checks();
std::vector<Check> life_checks();

}  // namespace conformance
