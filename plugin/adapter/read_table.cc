#include "plugin/adapter/read_table.h"

#include <memory>
#include <optional>
#include <string_view>

#include "plugin/adapter/fork_guard.h"
#include "plugin/adapter/growable.h"
#include "plugin/adapter/guard.h"
#include "plugin/adapter/streams.h"
#include "plugin/base/default_floats.h"
#include "plugin/base/prepare_exceptions.h"
#include "plugin/base/signals.h"
#include "plugin/read/names.h"
#include "plugin/read/open_repo.h"
#include "plugin/read/run_json.h"
#include "plugin/read/runs_table.h"
#include "plugin/read/series_source.h"
#include "plugin/tracker/encode_value.h"

namespace aimlog {
namespace {

// No padding at an end, where a later version would append.
static_assert(AIMLOG_OPEN_ARGS_SIZE_1 == sizeof(aimlog_open_args));
static_assert(AIMLOG_RUNS_QUERY_SIZE_1 == sizeof(aimlog_runs_query));
static_assert(AIMLOG_SERIES_QUERY_SIZE_1 == sizeof(aimlog_series_query));
static_assert(AIMLOG_READ_SIZE_1 == sizeof(aimlog_read));

// What a handle stands for.
struct OpenRepo {
  explicit OpenRepo(std::shared_ptr<Environment> opened)
      : environment(std::move(opened)),
        fork_guard([shared = environment.get()] { shared->abandon_in_child(); }) {}

  std::shared_ptr<Environment> environment;
  ForkGuard fork_guard;
};

// What all functions have in common. `work` returns a status.
template <typename Work>
tuner_status reading(tuner_error* error, const Work& work) noexcept {
  return guard(error, [&]() -> tuner_status {
    prepare_exceptions();
    const DefaultFloats floats;
    return work();
  });
}

// The same for those of an open repo. `work` takes the environment.
template <typename Work>
tuner_status with_repo(aimlog_repo* handle, tuner_error* error, const Work& work) noexcept {
  return reading(error, [&]() -> tuner_status {
    if (handle == nullptr) throw Error(ErrorCode::invalid_argument, "the repo is NULL");
    const auto& repo = *reinterpret_cast<const OpenRepo*>(handle);
    if (repo.fork_guard.is_child()) {
      write_error(error, "this is a forked child; a repo that its parent opened is not read here");
      return TUNER_INERT;
    }
    try {
      work(repo.environment);
      return TUNER_OK;
    } catch (const LookupError& failed) {
      write_error(error, failed.what());
      return failed.ambiguous() ? AIMLOG_READ_AMBIGUOUS : AIMLOG_READ_NOT_FOUND;
    }
  });
}

ArrowArrayStream& writable(ArrowArrayStream* out) {
  if (out == nullptr) throw Error(ErrorCode::invalid_argument, "out is NULL");
  *out = {};  // released, should anything fail
  return *out;
}

tuner_status open(const aimlog_open_args* args, aimlog_repo** repo, tuner_error* error) noexcept {
  return reading(error, [&]() -> tuner_status {
    if (repo == nullptr) throw Error(ErrorCode::invalid_argument, "open: repo is NULL");
    *repo = nullptr;
    const std::string_view path = view(read_growable(args, "open: args").path);
    if (path.empty()) throw Error(ErrorCode::invalid_argument, "open: no path is given");
    const FileSizeSignalBlocked blocked;  // what a dead writer left is replayed
    try {
      OpenedRepo opened = open_to_read(path);
      auto handle = std::make_unique<OpenRepo>(std::move(opened.environment));
      if (!opened.remark.empty()) write_error(error, opened.remark);
      *repo = reinterpret_cast<aimlog_repo*>(handle.release());
      return TUNER_OK;
    } catch (const Error& failed) {
      if (failed.code() != ErrorCode::not_found) throw;
      write_error(error, failed.what());
      return AIMLOG_READ_NOT_FOUND;
    }
  });
}

void close(aimlog_repo* handle) noexcept {
  guard(nullptr, [&]() -> tuner_status {
    auto* repo = reinterpret_cast<OpenRepo*>(handle);
    // A child leaves alone what is its parent's.
    if (repo != nullptr && !repo->fork_guard.is_child()) delete repo;
    return TUNER_OK;
  });
}

tuner_status runs(aimlog_repo* repo, const aimlog_runs_query* query, ArrowArrayStream* out,
                  tuner_error* error) noexcept {
  return with_repo(repo, error, [&](const std::shared_ptr<Environment>& environment) {
    ArrowArrayStream& stream = writable(out);
    const aimlog_runs_query asked = read_growable(query, "runs: query");
    export_stream(
        single_batch(runs_table(*environment, view(asked.run), asked.without_metrics == 0)),
        stream);
  });
}

SeriesRequest request_of(const aimlog_series_query& query) {
  SeriesRequest request;
  request.metric = view(query.metric);
  request.run_word = view(query.run);
  request.all_attempts = query.all_attempts != 0;
  request.exact_context = query.exact_context != 0;
  for (uint64_t i = 0; query.context != nullptr && i < query.context_count; ++i)
    request.context.emplace_back(view(query.context[i].key), view(query.context[i].value));
  return request;
}

tuner_status series(aimlog_repo* repo, const aimlog_series_query* query, ArrowArrayStream* out,
                    tuner_error* error) noexcept {
  return with_repo(repo, error, [&](const std::shared_ptr<Environment>& environment) {
    ArrowArrayStream& stream = writable(out);
    export_stream(series_source(environment, request_of(read_growable(query, "series: query"))),
                  stream);
  });
}

tuner_status describe(aimlog_repo* repo, tuner_string run, const tuner_output_stream* out,
                      tuner_error* error) noexcept {
  return with_repo(repo, error, [&](const std::shared_ptr<Environment>& environment) {
    const tuner_output_stream stream = read_growable(out, "describe: out");
    write_stream(stream, run_json(*environment, view(run)), "describe");
  });
}

}  // namespace

const aimlog_read read_table = {sizeof(aimlog_read), 0, open, close, runs, series, describe};

}  // namespace aimlog
