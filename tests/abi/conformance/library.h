// Loading a plugin with dlopen, and one instance of it. Nothing here is kinder to a plugin than a
// plain C host would be: raw tables, raw statuses.
#pragma once

#include <string>
#include <vector>

#include "report.h"
#include "tuner_plugin.hpp"

namespace conformance {

class Library {
 public:
  explicit Library(const std::string& path);  // throws std::runtime_error with dlerror's text
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  tuner_plugin_entry_fn entry() const { return entry_; }
  const tuner_plugin& table() const { return *table_; }  // throws where the entry refuses

 private:
  void* handle_ = nullptr;
  tuner_plugin_entry_fn entry_ = nullptr;
  const tuner_plugin* table_ = nullptr;
};

// An instance made from the subject's configuration, or from another directory. Destroyed at the
// end.
class Instance {
 public:
  Instance(const Library& library, const Subject& subject);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  tuner_instance* get() const { return instance_; }
  const tuner_plugin& table() const { return table_; }
  std::string error() const { return error_.str(); }

  template <class Slot, class Event>
  tuner_status call(Slot tuner_plugin::*slot, Event* event) {
    return tuner::call(table_, slot, instance_, event, static_cast<tuner_error*>(error_));
  }
  tuner_status result(const char* trial, const tuner_value& value);
  tuner_status start(const char* trial);
  tuner_status setup();
  // Whether the plugin keeps statistics. stats() is all zeros if not.
  bool counts() const { return tuner::has(table_, &tuner_plugin::get_stats); }
  tuner_stats stats();
  tuner_status get_state(std::string& state);
  tuner_status set_state(const std::string& state);
  tuner_status destroy();

 private:
  const tuner_plugin& table_;
  tuner::ErrorText error_;
  tuner_instance* instance_ = nullptr;
};

// The same configuration in a sub-directory of its own, for a second instance.
Subject in_subdirectory(const Subject& subject, const std::string& name);

// A small job, from setup to the end of the experiment; every status is looked at.
void run_small_job(Instance& instance, Report& report);

// Whether a call was refused as a mistake of the caller. Slots that the plugin lacks are let pass.
bool is_refused(tuner_status status);

// "on_trial_result returned -2 (invalid argument): the text"
std::string said(const std::string& what, tuner_status status, const std::string& text);

}  // namespace conformance
