// Bytes as what a hostile program asks of a repo through the plugin's read extension: every answer
// is a status that the contract allows, and a stream that can be read to its end.
#define TUNER_PLUGIN_IMPLEMENTATION
#include "abi/extensions/aimlog_read.h"
#include "tests/fuzz/contract.h"
#include "tests/fuzz/fuzz_store.h"

namespace {

using namespace aimlog::test;

const aimlog_read& table() {
  static const auto* const read =
      static_cast<const aimlog_read*>(plugin().get_extension(tuner::text(AIMLOG_READ_EXTENSION)));
  return *read;
}

// A repo with runs of all kinds of values, attempts and contexts.
class ReadRepo {
 public:
  ReadRepo() {
    record();
    auto args = tuner::make<aimlog_open_args>();
    const std::string path = directory_.path();
    args.path = tuner::text(path);
    expect(table().open(&args, &repo_, nullptr) == TUNER_OK, "open the repo");
  }
  ~ReadRepo() { table().close(repo_); }
  aimlog_repo* get() const { return repo_; }
  const std::filesystem::path& path() const { return directory_.path(); }

 private:
  void record() {
    const std::string text = "repo: '" + directory_.path().string() + "'\njournal_bytes: 64KiB\n";
    auto args = tuner::make<tuner_create_args>();
    args.config_text = tuner::text(text);
    tuner_instance* instance = nullptr;
    expect(plugin().create(&args, &instance, nullptr) == TUNER_OK, "create");
    for (const char* id : {"t1", "last", "@1"}) record_trial(instance, id);
    expect(plugin().destroy(instance, nullptr) == TUNER_OK, "destroy");
  }
  static void record_trial(tuner_instance* instance, const char* id) {
    tuner::ResultBuilder params;
    params.add("lr", 0.25);
    params.add("name", "adam");
    auto trial = tuner::make<tuner_trial>();
    trial.id = tuner::text(id);
    trial.params = trial.config = &params.root();
    auto start = tuner::make<tuner_trial_start_event>();
    start.trial = &trial;
    tuner::ResultBuilder builder;
    for (int i = 0; i < 12; ++i) {
      if (i % 5 == 0) plugin().on_trial_start(instance, &start, nullptr);
      builder.clear();
      builder.add("training_iteration", i % 8);
      if (i % 3 != 0) builder.add("loss", 1.0 / (i + 1));
      if (i % 3 == 0) builder.add("loss", i);
      builder.add("text", "a");
      builder.begin_map("context");
      if (i % 2 == 0) builder.add("subset", "val");
      builder.end();
      auto event = tuner::make<tuner_trial_result_event>();
      event.trial_id = trial.id;
      event.result = &builder.root();
      plugin().on_trial_result(instance, &event, nullptr);
    }
  }

  TempDir directory_;
  aimlog_repo* repo_ = nullptr;
};

template <typename Release>
void release(Release& held) {
  if (held.release != nullptr) held.release(&held);
}

// As a receiver does who trusts what it is told.
void read_to_its_end(ArrowArrayStream& stream) {
  ArrowSchema schema{};
  expect(stream.get_schema(&stream, &schema) == 0, "a stream has a schema");
  while (true) {
    ArrowArray array{};
    expect(stream.get_next(&stream, &array) == 0, "a stream goes on to its end");
    if (array.release == nullptr) break;
    expect(array.n_children == schema.n_children, "an array is as its schema says");
    for (int64_t i = 0; i < array.n_children; ++i)
      expect(array.children[i]->length == array.length, "columns are of one length");
    release(array);
  }
  release(schema);
}

class Asking {
 public:
  Asking(FuzzInput& input, const ReadRepo& repo) : input_(input), host_(input), repo_(repo) {}

  void run() {
    while (!input_.is_empty() && steps_++ < 100) {
      switch (input_.below(4)) {
        case 0:
          runs();
          break;
        case 1:
          describe();
          break;
        case 2:
          open();
          break;
        default:
          series();
      }
      host_.forget();
    }
  }

 private:
  void check(tuner_status status, bool is_good, const char* what) const {
    if (!is_good) return expect(status == TUNER_INVALID_ARGUMENT, what, status);
    expect_one_of(status, {TUNER_OK, AIMLOG_READ_NOT_FOUND, AIMLOG_READ_AMBIGUOUS}, what);
  }
  void read(tuner_status status, ArrowArrayStream& stream) {
    expect((status == TUNER_OK) == (stream.release != nullptr), "a stream, or an error", status);
    if (status == TUNER_OK && input_.byte() % 8 != 0) read_to_its_end(stream);
    release(stream);
  }

  void runs() {
    auto query = tuner::make<aimlog_runs_query>();
    query.without_metrics = input_.byte() % 3;
    query.run = host_.text();
    bool is_good = true;
    const auto* given = host_.growable(query, is_good);
    const Sink sink(input_, host_);
    ArrowArrayStream stream;
    const tuner_status status = table().runs(repo_.get(), given, &stream, sink.get());
    sink.check();
    check(status, is_good, "runs");
    read(status, stream);
  }

  void series() {
    auto query = tuner::make<aimlog_series_query>();
    query.all_attempts = input_.byte() % 2;
    query.metric = input_.flag() ? host_.copy("loss") : host_.text();
    if (input_.byte() % 3 == 0) query.run = host_.text();
    const size_t count = input_.byte() % 3;
    auto* context = static_cast<tuner_setting*>(host_.block(count * sizeof(tuner_setting)));
    for (size_t i = 0; i < count; ++i) context[i] = {host_.text(), host_.text()};
    query.context = context;
    query.context_count = count;
    if (count == 1 && input_.flag()) context[0] = {host_.copy("subset"), host_.copy("val")};
    query.exact_context = input_.byte() % 2;
    bool is_good = true;
    const auto* given = host_.growable(query, is_good);
    const Sink sink(input_, host_);
    ArrowArrayStream stream;
    const tuner_status status = table().series(repo_.get(), given, &stream, sink.get());
    sink.check();
    check(status, is_good, "series");
    read(status, stream);
  }

  void describe() {
    Stream stream{"", size_t{1} + input_.byte(), input_.below(8) == 0 ? -1 : 0};
    auto out = tuner::make<tuner_output_stream>();
    out.stream_data = &stream;
    out.write = Stream::write;
    const tuner_string run = host_.text();
    bool is_good = run.data != nullptr && run.length != 0;
    const auto* given = host_.growable(out, is_good);
    const Sink sink(input_, host_);
    const tuner_status status = table().describe(repo_.get(), run, given, sink.get());
    sink.check();
    if (stream.failure != 0 && status == TUNER_IO_ERROR) return;
    check(status, is_good, "describe");
    if (status == TUNER_OK) expect(stream.bytes.starts_with('{'), "describe gives an object");
  }

  // Only below the repo: anything else might lead to a repo of somebody's.
  void open() {
    auto args = tuner::make<aimlog_open_args>();
    const std::string inside = input_.byte() % 2 == 0 ? "" : "/.aimlog/no/" + name();
    args.path = host_.copy(repo_.path().string() + inside);
    bool is_good = true;
    const auto* given = host_.growable(args, is_good);
    const Sink sink(input_, host_);
    aimlog_repo* repo = nullptr;
    const tuner_status status = table().open(given, &repo, sink.get());
    sink.check();
    expect((status == TUNER_OK) == (repo != nullptr), "open and its handle", status);
    check(status, is_good, "open");
    table().close(repo);
  }
  std::string name() {
    std::string text(input_.text());
    std::erase_if(text, [](char c) { return c == '.' || c == '\0'; });
    return text;
  }

  FuzzInput& input_;
  HostileHost host_;
  const ReadRepo& repo_;
  unsigned steps_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  prefer_memory();
  static const ReadRepo repo;
  FuzzInput input(data, size);
  Asking(input, repo).run();
  return 0;
}
