#include "tests/simulator/writer.h"

#include <cstring>

#include "plugin/model/event_codec.h"
#include "tests/simulator/fault.h"
#include "tests/simulator/single_step.h"
#include "tests/simulator/system_calls.h"

namespace aimlog::sim {
namespace {

Config make_config(Random& random) {
  Config config;
  config.full_wait_ms = static_cast<uint32_t>(random.below(3) * 20);
  return config;
}

// The ring itself says how far it is published, without a look at it that could change anything.
uint64_t published_offset(const Ring& ring) { return const_cast<Ring&>(ring).writer().published(); }

}  // namespace

Writer::Writer(std::shared_ptr<Environment> environment, Journal& journal, uint64_t ring_bytes,
               Random& random, int64_t& value, bool heavy)
    : random_(random), value_(value), journal_(journal), heavy_(heavy) {
  ring_ = Ring::create(environment->paths().journals, ring_bytes);
  journal_.id = ring_->id();
  journal_.path = ring_->path();
  journal_.log = std::make_unique<RingLog>(ring_->path(), ring_->data_bytes());
  tracker_.emplace(*ring_, handover_, make_config(random));
  batches_.emplace(std::move(environment), *ring_, handover_, log_);
  const uint64_t trials = random.between(1, 4);
  for (uint64_t i = 0; i < trials; ++i)
    trials_.push_back({journal.job + "-trial-" + std::to_string(random.below(5)), 0});
  begin_session();
}

Writer::~Writer() = default;

template <class Hook>
void Writer::call(const Hook& hook) {
  const auto answered = [&] { answer_ = hook(); };
  if (interruption_) {
    const Interruption how = std::move(*interruption_);
    interruption_.reset();
    run_interrupted(how.instructions, how.in_own_code, answered, how.action);
  } else {
    answered();
  }
  if (answer_ == WriteOutcome::dropped) ++dropped_;
}

void Writer::note() {
  if (!journal_.log) return;
  journal_.log->follow(published_offset(*ring_));
}

// Read without the plugin's decoders: a result's own number stands in its record as it is.
void Writer::expect_answer(size_t before) const {
  const auto& records = journal_.log->records;
  expect(tracker_->counters().events_dropped == dropped_, "LossesAreCounted",
         std::to_string(tracker_->counters().events_dropped) + " dropped, and " +
             std::to_string(dropped_) + " hooks said so");
  if (answer_ != WriteOutcome::ok) return;
  expect(records.size() > before, "AnswersAreTrue", "a hook said ok and published nothing");
  if (!told_value_) return;
  char value[sizeof *told_value_];
  std::memcpy(value, &*told_value_, sizeof value);
  const bool there = records.back().type == EventType::result &&
                     records.back().payload().find(ByteView(value, sizeof value)) != ByteView::npos;
  expect(there, "AnswersAreTrue",
         "the record of value " + std::to_string(*told_value_) + " lacks it");
}

// Once the journal is closed, all that hooks said they dropped stands in its gaps.
void Writer::expect_drops_recorded() const {
  const auto& records = journal_.log->records;
  if (records.back().type != EventType::close) return;
  uint64_t recorded = 0;
  for (const Record& record : records) {
    if (record.type != EventType::gap) continue;
    const auto gap = std::get<GapEvent>(decode_event(EventType::gap, record.payload()));
    recorded += gap.results + gap.others;
  }
  expect(recorded == dropped_, "LossesAreCounted",
         std::to_string(recorded) + " in gaps of " + std::to_string(dropped_));
}

void Writer::begin_session() {
  const tuner_string reserved = tuner::text("training_iteration");
  auto event = tuner::make<tuner_setup_event>();
  event.resumed = TUNER_RESUMED_YES;
  event.job_id = tuner::text(journal_.job);
  event.experiment_name = tuner::text("simulated");
  event.reserved_keys = &reserved;
  event.reserved_key_count = 1;
  tracker_->setup(event);
  note();
  journal_.log->acknowledge();
}

void Writer::tell() {
  const size_t before = journal_.log->records.size();
  telling_ = true;
  tell_one();
  telling_ = false;
  note();
  expect_answer(before);
  journal_.log->acknowledge();
}

void Writer::tell_interrupted(uint64_t instructions, bool in_own_code,
                              const std::function<void()>& action) {
  const size_t before = journal_.log->records.size();
  telling_ = true;
  bool acted = false;
  interruption_ = Interruption{instructions, in_own_code, [&] {
                                 acted = true;
                                 action();
                               }};
  tell_one();
  telling_ = false;
  note();
  if (acted && !in_own_code) return;  // killed
  expect_answer(before);
  journal_.log->acknowledge();
}

void Writer::tell_one() {
  told_value_.reset();
  Trial& trial = trials_[random_.below(trials_.size())];
  const uint64_t kind = random_.below(40);
  if (kind < 28) return report(trial);
  if (kind < 33) return start(trial);
  if (kind < 35) return end(trial, false);
  if (kind < 37) return end(trial, true);
  if (kind < 38) return fail(trial);
  checkpoint(trial);
}

std::string Writer::filler() {
  const uint64_t light[] = {0, 20, 20, 300, 300, 2000, 9000};
  const uint64_t most = heavy_ ? 12000 : light[random_.below(7)];
  return std::string(random_.below(most + 1), static_cast<char>('a' + value_ % 26));
}

void Writer::report(Trial& trial) {
  tree_.clear();
  told_value_ = ++value_;
  const uint64_t kind = random_.below(4);
  if (kind != 3)
    tree_.add("training_iteration", trial.step += static_cast<int64_t>(random_.below(3)));
  tree_.add("v", value_);
  if (kind != 1) tree_.add("loss", 1.0 / static_cast<double>(value_));
  if (kind == 2) tree_.add("note", filler());
  auto event = tuner::make<tuner_trial_result_event>();
  event.trial_id = tuner::text(trial.id);
  event.time_ns = clock_ns += 1000;
  event.result = &tree_.root();
  call([&] { return tracker_->result(event); });
}

void Writer::start(Trial& trial) {
  if (random_.one_in(2)) trial.step = static_cast<int64_t>(random_.below(5));
  tree_.clear();
  tree_.add("lr", static_cast<double>(random_.below(4)));
  if (random_.one_in(4)) tree_.add("text", filler());
  auto told = tuner::make<tuner_trial>();
  told.id = tuner::text(trial.id);
  told.params = &tree_.root();
  auto event = tuner::make<tuner_trial_start_event>();
  event.trial = &told;
  event.time_ns = clock_ns += 1000;
  call([&] { return tracker_->start(event, told, random_.one_in(5)); });
}

void Writer::end(Trial& trial, bool pause) {
  auto event = tuner::make<tuner_trial_end_event>();
  event.trial_id = tuner::text(trial.id);
  event.time_ns = clock_ns += 1000;
  event.status = random_.one_in(3) ? TUNER_TRIAL_STOPPED : TUNER_TRIAL_COMPLETED;
  if (pause)
    call([&] { return tracker_->pause(event); });
  else
    call([&] { return tracker_->complete(event); });
}

void Writer::fail(Trial& trial) {
  const std::string text = "error " + filler();
  auto event = tuner::make<tuner_trial_error_event>();
  event.trial_id = tuner::text(trial.id);
  event.time_ns = clock_ns += 1000;
  event.error_text = tuner::text(text);
  call([&] { return tracker_->failure(event, random_.one_in(2)); });
}

void Writer::checkpoint(Trial& trial) {
  auto event = tuner::make<tuner_checkpoint_event>();
  event.trial_id = tuner::text(trial.id);
  event.time_ns = clock_ns += 1000;
  event.path = tuner::text("checkpoint");
  call([&] { return tracker_->checkpoint(event, random_.one_in(2)); });
}

void Writer::end_experiment() {
  auto event = tuner::make<tuner_experiment_end_event>();
  event.time_ns = clock_ns += 1000;
  if (tracker_->experiment_end(event) == WriteOutcome::dropped) ++dropped_;
  note();
  journal_.log->acknowledge();
}

BatchCommitter::Step Writer::commit(bool last) {
  committing_ = true;
  const auto step = batches_->commit_batch(last);
  committing_ = false;
  failed_ = step == BatchCommitter::Step::failed;
  if (step != BatchCommitter::Step::failed) {
    journal_.durable = std::max(journal_.durable, handover_.durable_sequence());
  }
  return step;
}

bool Writer::close() {
  closing_ = true;
  tracker_->close();
  note();
  expect_drops_recorded();
  journal_.log->acknowledge();
  for (int tries = 0; tries < 8; ++tries) {
    if (published() != 0 && commit(true) != BatchCommitter::Step::idle) continue;
    committed_last_ = true;
    try {
      batches_->remove_ring();
      return true;
    } catch (const Error&) {
      return false;  // the next opener finds the rest
    }
  }
  return false;
}

}  // namespace aimlog::sim
