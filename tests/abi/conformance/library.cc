#include "library.h"

#include <dlfcn.h>

#include <filesystem>
#include <stdexcept>

namespace conformance {

Library::Library(const std::string& path) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) throw std::runtime_error(dlerror());
  entry_ = reinterpret_cast<tuner_plugin_entry_fn>(dlsym(handle_, TUNER_PLUGIN_ENTRY_NAME));
  if (entry_ == nullptr) throw std::runtime_error("no " TUNER_PLUGIN_ENTRY_NAME " in " + path);
  tuner::ErrorText error;
  table_ = tuner::negotiate(entry_, "abi_conformance", error);
  if (table_ == nullptr) throw std::runtime_error("the entry refused us: " + error.str());
}

Library::~Library() {
  if (handle_ != nullptr) dlclose(handle_);
}

Instance::Instance(const Library& library, const Subject& subject) : table_(library.table()) {
  auto args = tuner::make<tuner_create_args>();
  args.config_text = tuner::text(subject.config_text);
  args.base_dir = tuner::text(subject.dir);
  const tuner_status status = table_.create(&args, &instance_, error_);
  if (status != TUNER_OK || instance_ == nullptr) {
    throw std::runtime_error(said("create", status, error_.str()));
  }
}

Instance::~Instance() { destroy(); }

tuner_status Instance::destroy() {
  if (instance_ == nullptr) return TUNER_OK;
  tuner_instance* dying = instance_;
  instance_ = nullptr;
  return table_.destroy(dying, error_);
}

tuner_status Instance::result(const char* trial, const tuner_value& value) {
  auto event = tuner::make<tuner_trial_result_event>();
  event.trial_id = tuner::text(trial);
  event.result = &value;
  return call(&tuner_plugin::on_trial_result, &event);
}

tuner_status Instance::start(const char* trial_id) {
  auto trial = tuner::make<tuner_trial>();
  trial.id = tuner::text(trial_id);
  auto event = tuner::make<tuner_trial_start_event>();
  event.trial = &trial;
  return call(&tuner_plugin::on_trial_start, &event);
}

tuner_status Instance::setup() {
  auto event = tuner::make<tuner_setup_event>();
  event.host_name = tuner::text("abi_conformance");
  event.experiment_name = tuner::text("conformance");
  return call(&tuner_plugin::setup, &event);
}

tuner_stats Instance::stats() {
  auto stats = tuner::make<tuner_stats>();
  call(&tuner_plugin::get_stats, &stats);
  return stats;
}

tuner_status Instance::get_state(std::string& state) {
  tuner::StringWriter writer(state);
  return call(&tuner_plugin::get_state, &writer.stream());
}

tuner_status Instance::set_state(const std::string& state) {
  tuner::StringReader reader(state);
  return call(&tuner_plugin::set_state, &reader.stream());
}

Subject in_subdirectory(const Subject& subject, const std::string& name) {
  Subject other = subject;
  other.dir = subject.dir + "/" + name;
  std::filesystem::create_directory(other.dir);
  for (size_t at = 0; (at = other.config_text.find(subject.dir, at)) != std::string::npos;) {
    other.config_text.replace(at, subject.dir.size(), other.dir);
    at += other.dir.size();
  }
  return other;
}

void run_small_job(Instance& instance, Report& report) {
  const auto expect_ok = [&](const char* what, tuner_status status) {
    report.check(status == TUNER_OK, said(what, status, instance.error()));
  };
  expect_ok("setup", instance.setup());
  expect_ok("on_trial_start", instance.start("t1"));
  tuner::ResultBuilder builder;
  for (int64_t step = 1; step <= 3; ++step) {
    builder.clear();
    builder.add("training_iteration", step);
    builder.add("loss", 1.0 / static_cast<double>(step));
    expect_ok("on_trial_result", instance.result("t1", builder.root()));
  }
  auto end = tuner::make<tuner_trial_end_event>();
  end.trial_id = tuner::text("t1");
  expect_ok("on_trial_complete", instance.call(&tuner_plugin::on_trial_complete, &end));
  auto over = tuner::make<tuner_experiment_end_event>();
  expect_ok("on_experiment_end", instance.call(&tuner_plugin::on_experiment_end, &over));
}

bool is_refused(tuner_status status) { return status == TUNER_INVALID_ARGUMENT; }

std::string said(const std::string& what, tuner_status status, const std::string& text) {
  return what + " returned " + std::to_string(status) + " (" + tuner::status_name(status) +
         "): " + (text.empty() ? "no text" : text);
}

}  // namespace conformance
