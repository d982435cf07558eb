// Coming and going: several instances, unloading, fork, exit.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "events.h"

namespace conformance {
namespace {

size_t entries_of(const char* directory) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) ++count;
  return count;
}

bool is_mapped(const std::string& path) {
  std::ifstream maps("/proc/self/maps");
  const std::string real = std::filesystem::canonical(path).string();
  for (std::string line; std::getline(maps, line);) {
    if (line.find(real) != std::string::npos) return true;
  }
  return false;
}

void reloads_leave_nothing(const Subject& subject, Report& report) {
  {
    Library library(subject.plugin_path);  // what the C library sets up once is set up now
    Instance instance(library, subject);
    run_small_job(instance, report);
  }
  const size_t threads = entries_of("/proc/self/task");
  const size_t descriptors = entries_of("/proc/self/fd");
  for (int i = 0; i < 100 && report.failures().empty(); ++i) {
    bool is_unload_safe;
    {
      Library library(subject.plugin_path);
      is_unload_safe = (library.table().flags & TUNER_FLAG_UNLOAD_SAFE) != 0;
      Instance instance(library, subject);
      run_small_job(instance, report);
      const tuner_status status = instance.destroy();
      report.check(status == TUNER_OK, said("destroy", status, instance.error()));
    }
    if (!is_unload_safe) {
      report.note("the plugin does not claim to be safe to unload");
      return;
    }
    void* left = dlopen(subject.plugin_path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    report.check(left == nullptr, "dlclose unloads the library");
    report.check(!is_mapped(subject.plugin_path), "nothing of the library stays mapped");
    // A thread that was joined may be in the system's list for a moment longer.
    for (int wait = 0; wait < 2000 && entries_of("/proc/self/task") > threads; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    report.check(entries_of("/proc/self/task") <= threads, "no thread is left behind");
    report.check(entries_of("/proc/self/fd") == descriptors, "no descriptor is left behind");
  }
}

void serves_two_at_once(const Subject& subject, Report& report) {
  Library library(subject.plugin_path);
  Report first_report, second_report;
  Instance first(library, in_subdirectory(subject, "first"));
  Instance second(library, in_subdirectory(subject, "second"));
  const auto work = [](Instance& instance, Report& own) {
    run_small_job(instance, own);
    for (int i = 0; i < 200; ++i) {
      tuner::ResultBuilder builder;
      builder.add("loss", i * 0.5);
      own.check(instance.result("t2", builder.root()) == TUNER_OK, "a result of many");
    }
  };
  std::thread one([&] { work(first, first_report); });
  std::thread two([&] { work(second, second_report); });
  one.join();
  two.join();
  for (const Report& own : {first_report, second_report}) {
    for (const std::string& failure : own.failures()) report.check(false, failure);
  }
  report.check(!first.counts() || first.stats().results == 203, "the first counts its own results");
  report.check(first.destroy() == TUNER_OK, "the first can go while the second is there");
  report.check(second.start("t3") == TUNER_OK, "the second goes on without the first");
  report.check(!second.counts() || second.stats().results == 203, "the second counts its own");
}

// Names and sizes of all files below a directory.
std::map<std::string, uintmax_t> files_below(const std::string& directory) {
  std::map<std::string, uintmax_t> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files[entry.path()] = entry.file_size();
  }
  return files;
}

// Whether a child of this process finds files open that this one opened itself.
bool own_files_stay_open_in_children() {
  std::vector<int> own;
  for (int i = 0; i < 20; ++i) own.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const pid_t child = fork();
  if (child == 0) {
    const auto is_closed = [](int fd) { return fcntl(fd, F_GETFD) < 0; };
    _exit(std::any_of(own.begin(), own.end(), is_closed) ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  for (const int fd : own) close(fd);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// What a forked child sees, as the number of the first promise broken; 0 if all are kept.
int look_from_child(Instance& instance, const Library& library, const Subject& own) {
  Events events;
  for (const Hook& hook : events.hooks()) {
    if (!hook.exists(library.table())) continue;
    if (hook.call(instance, hook.event, nullptr) != TUNER_INERT) return 1;
  }
  const tuner_plugin& table = library.table();
  std::string state;
  if (tuner::has(table, &tuner_plugin::get_state) && instance.get_state(state) != TUNER_INERT) {
    return 2;
  }
  if (!state.empty()) return 3;
  auto flush = tuner::make<tuner_flush_event>();
  if (tuner::has(table, &tuner_plugin::flush) &&
      instance.call(&tuner_plugin::flush, &flush) != TUNER_INERT) {
    return 4;
  }
  auto stats = tuner::make<tuner_stats>();
  if (instance.counts() && instance.call(&tuner_plugin::get_stats, &stats) != TUNER_INERT) return 5;
  Report report;
  try {
    Instance of_its_own(library, own);
    run_small_job(of_its_own, report);
    if (of_its_own.destroy() < 0) return 6;
  } catch (const std::exception&) {
    return 7;
  }
  if (!report.failures().empty()) return 8;
  if (!own_files_stay_open_in_children()) return 10;
  return instance.destroy() == TUNER_INERT ? 0 : 9;
}

void forked_child_is_inert(const Subject& subject, Report& report) {
  static const char* const promises[] = {
      "kept",
      "every hook is inert",
      "get_state is inert",
      "get_state writes nothing",
      "flush is inert",
      "get_stats is inert",
      "the child destroys an instance of its own",
      "the child makes an instance of its own",
      "the child's own instance works",
      "destroy is inert",
      "a child of the child has the child's files",
  };
  Library library(subject.plugin_path);
  const Subject mine = in_subdirectory(subject, "parent");
  const Subject childs = in_subdirectory(subject, "child");
  Instance instance(library, mine);
  run_small_job(instance, report);
  auto flush = tuner::make<tuner_flush_event>();
  instance.call(&tuner_plugin::flush, &flush);
  const auto before = files_below(mine.dir);
  const pid_t child = fork();
  if (child == 0) _exit(look_from_child(instance, library, childs));
  int status = 0;
  waitpid(child, &status, 0);
  const int broken = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  report.check(broken >= 0 && broken <= 10, "the child comes to its end");
  if (broken > 0 && broken <= 10)
    report.check(false, std::string("in a child: ") + promises[broken]);
  report.check(files_below(mine.dir) == before, "the child leaves the parent's files alone");
  report.check(instance.start("t9") == TUNER_OK, "the parent goes on");
  const tuner_status destroyed = instance.destroy();
  report.check(destroyed == TUNER_OK, said("destroy", destroyed, instance.error()));
}

void exit_without_destroy_is_harmless(const Subject& subject, Report& report) {
  const pid_t child = fork();
  if (child == 0) {
    Report own;
    auto* library = new Library(subject.plugin_path);
    auto* instance = new Instance(*library, subject);
    instance->setup();
    instance->start("t1");
    std::exit(own.failures().empty() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  report.check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "exit without destroy ends well");
  Library library(subject.plugin_path);
  Instance instance(library, subject);
  run_small_job(instance, report);
}

struct Log {
  pthread_t thread;
  bool is_inside = true;
  int calls = 0, strays = 0;

  static void TUNER_CALL write(void* data, tuner_log_level level, tuner_string message) noexcept {
    auto& self = *static_cast<Log*>(data);
    ++self.calls;
    const bool is_sound =
        level >= TUNER_LOG_TRACE && level <= TUNER_LOG_ERROR && message.length > 0;
    if (!is_sound || !self.is_inside || !pthread_equal(pthread_self(), self.thread)) ++self.strays;
  }
};

void calls_the_host_only_inside(const Subject& subject, Report& report) {
  Log log{pthread_self()};
  auto host = tuner::make<tuner_host>();
  host.host_data = &log;
  host.log = Log::write;
  Library library(subject.plugin_path);
  auto args = tuner::make<tuner_create_args>();
  args.config_text = tuner::text(subject.config_text);
  args.base_dir = tuner::text(subject.dir);
  args.host = &host;
  tuner_instance* instance = nullptr;
  tuner::ErrorText error;
  const tuner_status status = library.table().create(&args, &instance, error);
  if (!report.check(status == TUNER_OK, said("create", status, error.str()))) return;
  tuner::ResultBuilder builder;
  builder.add("loss", 0.5);
  auto event = tuner::make<tuner_trial_result_event>();
  event.trial_id = tuner::text("t1");
  event.result = &builder.root();
  for (int i = 0; i < 50; ++i) {
    log.is_inside = true;
    tuner::call(library.table(), &tuner_plugin::on_trial_result, instance, &event, nullptr);
    log.is_inside = false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  log.is_inside = true;
  library.table().destroy(instance, error);
  report.check(log.strays == 0, "the host is called only from inside a call, on its thread");
  report.note(std::to_string(log.calls) + " messages were logged");
}

}  // namespace

std::vector<Check> life_checks() {
  return {
      {"ReloadsLeaveNothingBehind", reloads_leave_nothing},
      {"TwoInstancesWorkAtOnce", serves_two_at_once},
      {"ForkedChildIsInert", forked_child_is_inert},
      {"ExitWithoutDestroyIsHarmless", exit_without_destroy_is_harmless},
      {"HostIsCalledOnlyFromInside", calls_the_host_only_inside},
  };
}

}  // namespace conformance
