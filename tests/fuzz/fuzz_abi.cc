// Bytes as what a hostile host does through the plugin's one entry: several instances on two repos,
// every hook in any order, with structs, trees, sinks and streams of hostile_host.h. Whatever
// comes, each call answers with a status that the contract allows it, what is sound is taken, what
// is not is refused, and at the end all is stored.
//
// The repos live longer than an input, because making one takes longer than using it; an input
// rarely depends on what an earlier one left there. (Over the plugins with planted faults there are
// none: these take no configuration.)
#define TUNER_PLUGIN_IMPLEMENTATION
#include <optional>
#include <thread>

#include "tests/fuzz/contract.h"
#include "tests/fuzz/fuzz_store.h"

namespace {

using namespace aimlog::test;

// Services that see whether they are called from where they may be.
std::thread::id inside;

void TUNER_CALL take_log(void*, tuner_log_level, tuner_string message) noexcept {
  expect(inside == std::this_thread::get_id(), "a log line from outside of a call");
  expect(message.length > 0, "an empty log line");
}

tuner_host services() {
  auto host = tuner::make<tuner_host>();
  host.log = take_log;
  return host;
}

struct Slot {
  tuner_instance* instance = nullptr;
  bool set_up = false;
  bool begun = false;  // setup, or a hook that counts as one
  uint64_t events = 0;
};

class Session {
 public:
  Session(FuzzInput& input, const std::filesystem::path& repos)
      : input_(input), host_(input), repos_(repos) {}

  void run() {
    inside = std::this_thread::get_id();
    while (!input_.is_empty() && steps_++ < 400) {
      step();
      host_.forget();
    }
    for (Slot& slot : slots_) destroy(slot);
  }

 private:
  void step() {
    const uint8_t choice = input_.byte();
    Slot& slot = slots_[choice / 128];
    if (slot.instance == nullptr) create(slot);
    switch (choice % 32) {
      case 0:
        return destroy(slot);
      case 1:
        return setup(slot);
      case 2:
        return get_state(slot);
      case 3:
        return set_state(slot);
      case 4:
        return flush(slot);
      case 5:
        return get_stats(slot);
      case 6:
        return enter();
      case 7:
      case 8:
        return steps(slot);
      case 9:
      case 10:
      case 11:
        return start(slot);
      case 12:
      case 13:
        return end(slot);
      case 14:
      case 15:
        return checkpoint(slot);
      case 16:
      case 17:
        return fail(slot);
      case 18:
        return experiment_end(slot);
      default:
        return result(slot);
    }
  }

  void create(Slot& slot) {
    // Never a path of the input's: it would be made.
    static constexpr const char* texts[] = {
        "metrics: [loss, 'eval/*', '!eval/a']\n", "on_full: block\n",
        "context_and_epoch: false\ntags: [a, b]\nexperiment: e\n",
        "durability: always\nalways_wait_ms: 1\n"};
    static constexpr const char* keys[] = {"metrics",     "experiment",        "tags",
                                           "description", "context_and_epoch", "log.level"};
    const std::string repo = repos_ / (input_.flag() ? "one" : "two");
    const size_t choice = input_.below(16);
    std::string text = choice < std::size(texts) ? texts[choice] : "";
    text += "repo: '" + repo + "'\njournal_bytes: 64KiB\ncommit_interval_ms: 10\n";
    auto args = tuner::make<tuner_create_args>();
    if (!planted) args.config_text = host_.copy(text);
    const size_t count = input_.below(4) == 0 && !planted ? input_.below(4) : 0;
    auto* settings = static_cast<tuner_setting*>(host_.block(count * sizeof(tuner_setting)));
    for (size_t i = 0; i < count; ++i)
      settings[i] = {host_.copy(keys[input_.below(std::size(keys))]), host_.text()};
    args.settings = settings;
    args.setting_count = count;
    static const tuner_host host = services();
    if (input_.flag()) args.host = &host;
    bool is_good = true;
    const tuner_create_args* given = host_.growable(args, is_good);
    const Sink sink(input_, host_);
    const tuner_status status = plugin().create(given, &slot.instance, sink.get());
    sink.check();
    expect((status == TUNER_OK) == (slot.instance != nullptr), "create and its instance", status);
    if (!is_good) expect(status == TUNER_INVALID_ARGUMENT, "create takes bad arguments", status);
    if (is_good && count == 0) expect(status == TUNER_OK, "create refuses good ones", status);
    expect_one_of(status, {TUNER_OK, TUNER_INVALID_ARGUMENT, TUNER_INVALID_CONFIG}, "create");
    slot.set_up = slot.begun = false;
    slot.events = 0;
  }

  void destroy(Slot& slot) {
    if (slot.instance == nullptr) return;
    const Sink sink(input_, host_);
    const tuner_status status = plugin().destroy(slot.instance, sink.get());
    sink.check();
    expect(status == TUNER_OK, "destroy stores all that waits", status);
    slot.instance = nullptr;
  }

  // Calls one function with a struct. `must`: whether it is sound if the struct's size is.
  template <typename Event>
  tuner_status call(Slot& slot, const Event& event,
                    tuner_status (*function)(tuner_instance*, const Event*, tuner_error*) noexcept,
                    std::optional<bool> must, const char* what) {
    bool is_good = true;
    const Event* given = host_.growable(event, is_good);
    const Sink sink(input_, host_);
    const tuner_status status = function(slot.instance, given, sink.get());
    sink.check();
    if (slot.instance == nullptr || !is_good || must == false)
      expect(status == TUNER_INVALID_ARGUMENT, what, status);
    else if (must == true)
      expect_one_of(status, {TUNER_OK, TUNER_DROPPED, TUNER_NOT_DURABLE}, what);
    return status;
  }

  void note_begun(Slot& slot, tuner_status status) { slot.begun = slot.begun || status >= 0; }
  static bool is_named(const tuner_string& id) { return id.data != nullptr && id.length != 0; }

  void setup(Slot& slot) {
    auto event = tuner::make<tuner_setup_event>();
    event.resumed = input_.byte() % 4;
    event.job_id = host_.text();
    event.experiment_name = host_.text();
    event.experiment_dir = event.host_name = event.host_version = host_.text();
    event.metric_namespace = event.metric = event.mode = host_.text();
    const size_t count = input_.below(4);
    auto* keys = static_cast<tuner_string*>(host_.block(count * sizeof(tuner_string)));
    for (size_t i = 0; i < count; ++i) keys[i] = host_.text();
    event.reserved_keys = keys;
    event.reserved_key_count = count;
    bool is_map = false;
    if (input_.flag()) event.stop = host_.tree(is_map);
    event.num_samples = event.total_num_samples = input_.number<int64_t>();
    event.time_budget_s = input_.number<double>();
    const tuner_status status = call(slot, event, plugin().setup, std::nullopt, "setup");
    expect_one_of(status, {TUNER_OK, TUNER_DROPPED, TUNER_INVALID_ARGUMENT, TUNER_WRONG_STATE},
                  "setup");
    if (slot.set_up) expect(status < 0, "setup comes once", status);
    slot.set_up = slot.set_up || status >= 0;
    note_begun(slot, status);
  }

  void get_state(Slot& slot) {
    Stream stream{"", size_t{1} + input_.byte(), input_.below(8) == 0 ? -1 : 0};
    auto out = tuner::make<tuner_output_stream>();
    out.stream_data = &stream;
    out.write = Stream::write;
    const tuner_status status = call(slot, out, plugin().get_state, std::nullopt, "get_state");
    expect_one_of(status, {TUNER_OK, TUNER_INVALID_ARGUMENT, TUNER_IO_ERROR}, "get_state");
    if (status == TUNER_OK) state_ = stream.bytes;
  }

  void set_state(Slot& slot) {
    Stream stream{state_, size_t{1} + input_.byte()};
    const uint8_t choice = input_.byte();
    const bool is_whole = choice >= 16 && !state_.empty();
    if (choice < 4) stream.failure = choice < 2 ? -1 : INT64_MAX;
    if (choice >= 4 && choice < 8) stream.bytes.resize(state_.size() * (choice - 4) / 4);
    if (choice >= 8 && choice < 12) stream.bytes = input_.text();
    if (choice >= 12 && choice < 16 && !state_.empty())
      stream.bytes[input_.byte() % state_.size()] ^= static_cast<char>(1 + input_.byte() % 255);
    auto in = tuner::make<tuner_input_stream>();
    in.stream_data = &stream;
    in.read = Stream::read;
    const tuner_status status = call(slot, in, plugin().set_state, std::nullopt, "set_state");
    expect_one_of(
        status,
        {TUNER_OK, TUNER_INVALID_ARGUMENT, TUNER_IO_ERROR, TUNER_WRONG_STATE, TUNER_INVALID_STATE},
        "set_state");
    if (!is_whole || slot.begun) expect(status != TUNER_OK, "set_state takes what is none", status);
  }

  void flush(Slot& slot) {
    auto event = tuner::make<tuner_flush_event>();
    event.timeout_ms = input_.below(8) == 0 ? 0 : 1;
    call(slot, event, plugin().flush, true, "flush");
  }

  void get_stats(Slot& slot) {
    auto empty = tuner::make<tuner_stats>();
    const Sink text(input_, host_);
    empty.message = text.get();
    bool is_good = true;
    tuner_stats* given = host_.growable(empty, is_good);
    const Sink sink(input_, host_);
    const tuner_status status = plugin().get_stats(slot.instance, given, sink.get());
    text.check();
    sink.check();
    if (slot.instance == nullptr || !is_good) {
      expect(status == TUNER_INVALID_ARGUMENT, "get_stats takes what is too small", status);
      return;
    }
    expect(status == TUNER_OK, "get_stats", status);
    expect(given->health == TUNER_HEALTH_OK || given->events_dropped > 0, "health");
    expect(given->events >= slot.events && given->results <= given->events, "counts fall");
    slot.events = given->events;
  }

  void steps(Slot& slot) {
    auto event = tuner::make<tuner_step_event>();
    event.iteration = input_.number<int64_t>();
    call(slot, event, input_.flag() ? plugin().on_step_begin : plugin().on_step_end, true, "step");
  }

  void start(Slot& slot) {
    auto trial = tuner::make<tuner_trial>();
    trial.id = host_.text();
    trial.name = trial.trainable_name = host_.text();
    trial.experiment_tag = trial.local_dir = trial.remote_dir = trial.node_ip = host_.text();
    trial.status = input_.byte() % 9 - 1;
    trial.failure_count = trial.attempt = input_.byte();
    bool is_map = false;
    if (input_.flag()) trial.params = host_.tree(is_map);
    if (input_.flag()) trial.config = host_.tree(is_map);
    bool is_good = is_named(trial.id);
    auto event = tuner::make<tuner_trial_start_event>();
    event.trial_key = input_.below(4);
    event.time_ns = input_.number<int64_t>();
    event.trial = host_.growable(trial, is_good);
    event.checkpoint_path = host_.text();
    const bool restores = input_.below(3) == 0;
    note_begun(slot,
               call(slot, event, restores ? plugin().on_trial_restore : plugin().on_trial_start,
                    is_good, "start"));
  }

  void result(Slot& slot) {
    auto event = tuner::make<tuner_trial_result_event>();
    event.trial_key = input_.below(4);
    event.time_ns = input_.number<int32_t>();
    event.trial_id = host_.text();
    bool is_map = false;
    event.result = host_.tree(is_map);
    const bool is_good = is_map && is_named(event.trial_id);
    // The second time the shape is known.
    for (size_t times = input_.below(3) + 1; times > 0; --times)
      note_begun(slot, call(slot, event, plugin().on_trial_result, is_good, "result"));
  }

  void end(Slot& slot) {
    auto event = tuner::make<tuner_trial_end_event>();
    event.status = input_.byte() % 9 - 1;
    event.trial_key = input_.below(4);
    event.time_ns = input_.number<int64_t>();
    event.trial_id = host_.text();
    note_begun(slot, call(slot, event,
                          input_.flag() ? plugin().on_trial_complete : plugin().on_trial_pause,
                          is_named(event.trial_id), "end"));
  }

  void checkpoint(Slot& slot) {
    auto event = tuner::make<tuner_checkpoint_event>();
    event.has_step = input_.byte();
    event.step = event.time_ns = input_.number<int64_t>();
    event.trial_key = input_.below(4);
    event.trial_id = host_.text();
    event.path = host_.text();
    note_begun(slot,
               call(slot, event, input_.flag() ? plugin().on_checkpoint : plugin().on_trial_save,
                    is_named(event.trial_id), "checkpoint"));
  }

  void fail(Slot& slot) {
    auto event = tuner::make<tuner_trial_error_event>();
    event.failure_count = input_.number<uint32_t>();
    event.trial_key = input_.below(4);
    event.trial_id = host_.text();
    event.error_text = host_.text();
    note_begun(
        slot, call(slot, event, input_.flag() ? plugin().on_trial_error : plugin().on_trial_recover,
                   is_named(event.trial_id), "failure"));
  }

  void experiment_end(Slot& slot) {
    auto event = tuner::make<tuner_experiment_end_event>();
    event.interrupted = input_.byte();
    event.time_ns = input_.number<int64_t>();
    note_begun(slot, call(slot, event, plugin().on_experiment_end, true, "experiment_end"));
  }

  // Whatever its own range is, a host is told ours.
  void enter() {
    auto args = tuner::make<tuner_entry_args>();
    args.host_abi_min = input_.byte() % 3;
    args.host_abi_max = input_.byte() % 3;
    args.host_name = host_.text();
    const Sink sink(input_, host_);
    args.error = sink.get();
    bool is_good = true;
    tuner_entry_args* given = host_.growable(args, is_good);
    const tuner_plugin* table = tuner_plugin_entry(given);
    sink.check();
    const bool fits = is_good && args.host_abi_min <= 1 && args.host_abi_max >= 1;
    expect((table != nullptr) == fits, "the entry answers to whom it should not, or not at all");
    expect(!is_good || given->abi_chosen == (fits ? 1 : 0), "the version that was chosen");
  }

  FuzzInput& input_;
  HostileHost host_;
  const std::filesystem::path& repos_;
  Slot slots_[2];
  std::string state_;
  unsigned steps_ = 0;
};

// Two repos, held open by an instance each; replaced by new ones before they grow large.
class Repos {
 public:
  const std::filesystem::path& path() const { return directory_->path(); }
  void renew() {
    if (inputs_++ % 2000 != 0) return;
    close();
    directory_.emplace();
    for (size_t i = 0; i < std::size(keepers_); ++i) {
      const std::string text = "repo: '" + (path() / names[i]).string() + "'\n";
      auto args = tuner::make<tuner_create_args>();
      if (!planted) args.config_text = tuner::text(text);
      expect(plugin().create(&args, &keepers_[i], nullptr) == TUNER_OK, "create a keeper");
    }
  }
  ~Repos() { close(); }

 private:
  static constexpr const char* names[] = {"one", "two"};

  void close() {
    for (tuner_instance*& keeper : keepers_) {
      plugin().destroy(keeper, nullptr);
      keeper = nullptr;
    }
  }

  std::optional<TempDir> directory_;
  tuner_instance* keepers_[2] = {};
  unsigned inputs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  prefer_memory();
  static Repos repos;
  repos.renew();
  FuzzInput input(data, size);
  Session(input, repos.path()).run();
  return 0;
}
