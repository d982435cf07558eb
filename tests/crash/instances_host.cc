// Several instances in one process, from one copy of the library or two. Prints what it sees, a
// line each; `instances_test.py` judges.
//
//   instances_host copies LIBRARY COPY REPO      one repo through two copies of the library; the
//   same
//                                                file again is loaded among libraries of its own
//   instances_host race LIBRARY COPY REPO        the two copies open it at the same time, often
//   instances_host together LIBRARY REPO REPO2   two instances, in two threads at once
#include <dlfcn.h>

#include <barrier>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "abi/include/tuner_plugin.hpp"

namespace crash {
namespace {

constexpr int results_each = 2000;

tuner_plugin_entry_fn load_entry(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<tuner_plugin_entry_fn>(::dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
}

tuner_plugin_entry_fn load_another(const std::string& path, const std::string& copy) {
  if (copy != path) return load_entry(copy);
  void* library = ::dlmopen(LM_ID_NEWLM, path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<tuner_plugin_entry_fn>(::dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
}

tuner::Plugin create(tuner_plugin_entry_fn entry, const std::string& repo) {
  const tuner_setting setting{tuner::text("repo"), tuner::text(repo)};
  auto args = tuner::make<tuner_create_args>();
  args.settings = &setting;
  args.setting_count = 1;
  return tuner::Plugin(entry, args, "instances-host");
}

// How many results were acknowledged.
int record(tuner::Plugin& plugin, const std::string& experiment) {
  auto setup = tuner::make<tuner_setup_event>();
  setup.experiment_name = tuner::text(experiment);
  plugin.setup(setup);
  tuner::ResultBuilder result;
  int acknowledged = 0;
  for (int i = 1; i <= results_each; ++i) {
    result.clear();
    result.add("training_iteration", i);
    result.add("value", i);
    auto event = tuner::make<tuner_trial_result_event>();
    event.trial_id = tuner::text("trial");
    event.result = &result.root();
    if (plugin.on_trial_result(event) == TUNER_OK) ++acknowledged;
  }
  plugin.on_experiment_end(tuner::make<tuner_experiment_end_event>());
  return acknowledged;
}

void say(const std::string& what, const std::string& text) {
  std::printf("%s: %s\n", what.c_str(), text.c_str());
}

std::string try_create(tuner_plugin_entry_fn entry, const std::string& repo) {
  try {
    create(entry, repo);
    return "created";
  } catch (const tuner::PluginError& error) {
    return error.what();
  }
}

int run_copies(const std::string& library, const std::string& copy, const std::string& repo) {
  const auto first = load_entry(library);
  const auto second = load_another(library, copy);
  if (first == second) throw std::runtime_error("that is the same library");
  std::optional<tuner::Plugin> plugin(create(first, repo));
  say("copy while the first is open", try_create(second, repo));
  say("same library again", try_create(first, repo));
  say("acknowledged", std::to_string(record(*plugin, "copies")));
  say("destroy", tuner::status_name(plugin->destroy()));
  say("copy after the first is closed", try_create(second, repo));
  return 0;
}

int run_race(const std::string& library, const std::string& copy, const std::string& repo) {
  const tuner_plugin_entry_fn entries[] = {load_entry(library), load_another(library, copy)};
  create(entries[0], repo).destroy();
  int rounds[3] = {};  // by how many were created
  for (int i = 0; i < 100; ++i) {
    std::optional<tuner::Plugin> plugins[2];
    std::barrier both(2);
    const auto open = [&](int which) {
      both.arrive_and_wait();
      try {
        plugins[which].emplace(create(entries[which], repo));
      } catch (const tuner::PluginError&) {
      }
    };
    std::thread one([&] { open(0); });
    std::thread two([&] { open(1); });
    one.join();
    two.join();
    ++rounds[int{plugins[0].has_value()} + int{plugins[1].has_value()}];
  }
  say("rounds in which none, one, both were created", std::to_string(rounds[0]) + " " +
                                                          std::to_string(rounds[1]) + " " +
                                                          std::to_string(rounds[2]));
  return 0;
}

int run_together(const std::string& library, const std::string& repo, const std::string& repo2) {
  const auto entry = load_entry(library);
  tuner::Plugin first = create(entry, repo);
  tuner::Plugin second = create(entry, repo2);
  int acknowledged[2] = {};
  std::thread one([&] { acknowledged[0] = record(first, "one"); });
  std::thread two([&] { acknowledged[1] = record(second, "two"); });
  one.join();
  two.join();
  say("acknowledged", std::to_string(acknowledged[0]) + " " + std::to_string(acknowledged[1]));
  say("destroy", tuner::status_name(first.destroy()));
  say("destroy", tuner::status_name(second.destroy()));
  return 0;
}

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  try {
    const std::string mode = count == 5 ? words[1] : "";
    if (mode == "copies") return crash::run_copies(words[2], words[3], words[4]);
    if (mode == "race") return crash::run_race(words[2], words[3], words[4]);
    if (mode == "together") return crash::run_together(words[2], words[3], words[4]);
    std::fprintf(stderr, "usage: instances_host copies|race|together LIBRARY X Y\n");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "instances_host: %s\n", error.what());
    return 1;
  }
}
