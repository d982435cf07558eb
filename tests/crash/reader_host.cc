// Reads a repo through the library for as long as it is asked to, as a dashboard would, also while
// the same process records. What it reads must never become less.
//
//   reader_host watch LIBRARY REPO           the newest runs, again and again, until SIGTERM
//   reader_host record LIBRARY REPO RESULTS  two threads read what a third records
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "abi/extensions/aimlog_read.h"
#include "abi/include/tuner_plugin.hpp"

namespace crash {
namespace {

constexpr int runs_watched = 6;
constexpr std::size_t text_bytes = 100000;  // of a recorded result, so that the repo grows quickly
constexpr auto pause = std::chrono::milliseconds(50);

std::atomic<bool> ended{false};

tuner_plugin_entry_fn load_entry(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  return reinterpret_cast<tuner_plugin_entry_fn>(::dlsym(library, TUNER_PLUGIN_ENTRY_NAME));
}

const aimlog_read& reading(tuner_plugin_entry_fn entry) {
  tuner::ErrorText error;
  const tuner_plugin* table = tuner::negotiate(entry, "reader-host", error);
  if (table == nullptr) throw std::runtime_error(error.str());
  const void* found = table->get_extension(tuner::text(AIMLOG_READ_EXTENSION));
  if (found == nullptr) throw std::runtime_error("the library has no " AIMLOG_READ_EXTENSION);
  return *static_cast<const aimlog_read*>(found);
}

void expect_integers(ArrowArrayStream& stream) {
  ArrowSchema schema{};
  if (stream.get_schema(&stream, &schema) != 0) {
    throw std::runtime_error(stream.get_last_error(&stream));
  }
  const std::string value = schema.n_children > 4 ? schema.children[4]->name : "";
  const std::string format = schema.n_children > 4 ? schema.children[4]->format : "";
  schema.release(&schema);
  if (value != "value" || format != "l") {
    throw std::runtime_error("the column of values is " + value + ", " + format);
  }
}

class Reader {
 public:
  Reader(tuner_plugin_entry_fn entry, const std::string& repo) : read_(reading(entry)) {
    auto args = tuner::make<aimlog_open_args>();
    args.path = tuner::text(repo);
    const tuner_status status = read_.open(&args, &repo_, error_);
    if (status != TUNER_OK) throw std::runtime_error("open: " + error_.str());
  }
  ~Reader() { read_.close(repo_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Looks at the newest runs once; returns how many points they have.
  std::size_t look() {
    std::map<std::string, std::size_t> counts;
    std::size_t points = 0;
    for (int i = 1; i <= runs_watched; ++i) {
      const std::string id = id_of("@" + std::to_string(i));
      if (id.empty()) break;
      counts[id] = count_points(id);
      points += counts[id];
      const auto earlier = counts_.find(id);
      if (earlier != counts_.end() && counts[id] < earlier->second) {
        throw std::runtime_error("run " + id + " had " + std::to_string(earlier->second) +
                                 " points and has " + std::to_string(counts[id]));
      }
    }
    counts_ = counts;
    return points;
  }

 private:
  // Empty: there is no such run yet.
  std::string id_of(const std::string& word) {
    auto query = tuner::make<aimlog_runs_query>();
    query.run = tuner::text(word);
    ArrowArrayStream stream{};
    const tuner_status status = read_.runs(repo_, &query, &stream, error_);
    if (status == AIMLOG_READ_NOT_FOUND) return {};
    if (status != TUNER_OK) throw std::runtime_error("runs: " + error_.str());
    std::string id;
    for_each_batch(stream, [&](const ArrowArray& batch) {
      const ArrowArray& ids = *batch.children[0];
      const auto* ends = static_cast<const std::int32_t*>(ids.buffers[1]);
      id.assign(static_cast<const char*>(ids.buffers[2]), static_cast<std::size_t>(ends[1]));
    });
    return id;
  }

  // Each value that a run has is larger than the one before, whatever attempts it had.
  std::size_t count_points(const std::string& id) {
    auto query = tuner::make<aimlog_series_query>();
    query.metric = tuner::text("value");
    query.run = tuner::text(id);
    query.all_attempts = 1;
    ArrowArrayStream stream{};
    const tuner_status status = read_.series(repo_, &query, &stream, error_);
    if (status == AIMLOG_READ_NOT_FOUND) return 0;
    if (status != TUNER_OK) throw std::runtime_error("series: " + error_.str());
    expect_integers(stream);
    std::size_t count = 0;
    std::int64_t last = 0;
    for_each_batch(stream, [&](const ArrowArray& batch) {
      const auto* values = static_cast<const std::int64_t*>(batch.children[4]->buffers[1]);
      for (std::int64_t i = 0; i < batch.length; ++i, ++count) {
        if (values[i] <= last) {
          throw std::runtime_error("run " + id + " has " + std::to_string(values[i]) + " behind " +
                                   std::to_string(last));
        }
        last = values[i];
      }
    });
    return count;
  }

  template <class Visit>
  void for_each_batch(ArrowArrayStream& stream, const Visit& visit) {
    while (true) {
      ArrowArray batch{};
      if (stream.get_next(&stream, &batch) != 0) {
        const std::string what = stream.get_last_error(&stream);
        stream.release(&stream);
        throw std::runtime_error("a batch: " + what);
      }
      if (batch.release == nullptr) break;
      visit(batch);
      batch.release(&batch);
    }
    stream.release(&stream);
  }

  const aimlog_read& read_;
  aimlog_repo* repo_ = nullptr;
  tuner::ErrorText error_;
  std::map<std::string, std::size_t> counts_;  // of the runs looked at last
};

void watch(const std::string& library, const std::string& repo) {
  std::signal(SIGTERM, [](int) { ended = true; });
  Reader reader(load_entry(library), repo);
  std::size_t looks = 0;
  for (; !ended; ++looks) {
    reader.look();
    std::this_thread::sleep_for(pause);
  }
  std::printf("%zu looks\n", looks);
}

void record_results(tuner::Plugin& plugin, int results) {
  auto setup = tuner::make<tuner_setup_event>();
  setup.experiment_name = tuner::text("reader");
  plugin.setup(setup);
  tuner::ResultBuilder result;
  for (int i = 1; i <= results; ++i) {
    const std::string filler(text_bytes, static_cast<char>('a' + i % 26));
    result.clear();
    result.add("training_iteration", std::int64_t{i});
    result.add("value", std::int64_t{i});
    result.add("text" + std::to_string(i), filler);
    auto event = tuner::make<tuner_trial_result_event>();
    event.trial_id = tuner::text("trial");
    event.result = &result.root();
    if (plugin.on_trial_result(event) != TUNER_OK) {
      throw std::runtime_error("a result was not recorded: " + std::string(plugin.error()));
    }
  }
}

void record(const std::string& library, const std::string& repo, int results) {
  const auto entry = load_entry(library);
  const tuner_setting settings[] = {{tuner::text("repo"), tuner::text(repo)},
                                    {tuner::text("commit_interval_ms"), tuner::text("10")},
                                    {tuner::text("on_full"), tuner::text("block")}};
  auto args = tuner::make<tuner_create_args>();
  args.settings = settings;
  args.setting_count = std::size(settings);
  tuner::Plugin plugin(entry, args, "reader-host");
  std::string wrong[2];
  std::size_t looks[2] = {};
  const auto read = [&](int number) {
    try {
      for (Reader reader(entry, repo); !ended; ++looks[number]) reader.look();
    } catch (const std::exception& error) {
      wrong[number] = error.what();
    }
  };
  std::thread one(read, 0);
  std::thread two(read, 1);
  record_results(plugin, results);
  const tuner_status status = plugin.destroy();
  ended = true;
  one.join();
  two.join();
  for (const std::string& text : wrong) {
    if (!text.empty()) throw std::runtime_error(text);
  }
  const std::size_t points = Reader(entry, repo).look();
  std::printf("%s, %zu points, %zu looks\n", tuner::status_name(status), points,
              looks[0] + looks[1]);
}

}  // namespace
}  // namespace crash

int main(int count, char** words) {
  try {
    const std::string mode = count > 3 ? words[1] : "";
    if (mode == "watch" && count == 4) return crash::watch(words[2], words[3]), 0;
    if (mode == "record" && count == 5) {
      return crash::record(words[2], words[3], std::stoi(words[4])), 0;
    }
    std::fprintf(stderr, "usage: reader_host watch|record LIBRARY REPO [RESULTS]\n");
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reader_host: %s\n", error.what());
    return 1;
  }
}
