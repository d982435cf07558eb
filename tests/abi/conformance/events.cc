#include "events.h"

namespace conformance {
namespace {

template <class Slot, class Event>
Hook hook(const char* name, Slot tuner_plugin::*slot, const Event& event, bool is_of_a_trial) {
  return {name,
          &event,
          static_cast<uint32_t>(sizeof event),
          tuner::LeastSize<Event>::value,
          [slot](Instance& instance, const void* given, tuner_error* error) {
            return tuner::call(instance.table(), slot, instance.get(),
                               static_cast<const Event*>(given), error);
          },
          is_of_a_trial,
          [slot](const tuner_plugin& table) { return tuner::has(table, slot); }};
}

}  // namespace

Events::Events() {
  fill_in();
  setup_ = hook("setup", &tuner_plugin::setup, setup_event_, false);
  hooks_ = {
      hook("on_step_begin", &tuner_plugin::on_step_begin, step_, false),
      hook("on_step_end", &tuner_plugin::on_step_end, step_, false),
      hook("on_trial_start", &tuner_plugin::on_trial_start, start_, true),
      hook("on_trial_restore", &tuner_plugin::on_trial_restore, start_, true),
      hook("on_trial_save", &tuner_plugin::on_trial_save, checkpoint_, true),
      hook("on_trial_result", &tuner_plugin::on_trial_result, result_, true),
      hook("on_trial_complete", &tuner_plugin::on_trial_complete, end_, true),
      hook("on_trial_recover", &tuner_plugin::on_trial_recover, error_, true),
      hook("on_trial_error", &tuner_plugin::on_trial_error, error_, true),
      hook("on_trial_pause", &tuner_plugin::on_trial_pause, end_, true),
      hook("on_checkpoint", &tuner_plugin::on_checkpoint, checkpoint_, true),
      hook("on_experiment_end", &tuner_plugin::on_experiment_end, experiment_end_, false),
  };
}

void Events::fill_in() {
  static const tuner_string reserved[] = {tuner::text("pid"), tuner::text("timestamp")};
  params_.add("lr", 0.1);
  params_.add("layers", 3);
  builder_.add("loss", 0.5);
  builder_.begin_map("eval");
  builder_.add("accuracy", 0.25);
  builder_.end();

  setup_event_ = tuner::make<tuner_setup_event>();
  setup_event_.job_id = tuner::text("job-1");
  setup_event_.experiment_name = tuner::text("conformance");
  setup_event_.experiment_dir = tuner::text("/nowhere");
  setup_event_.host_name = tuner::text("abi_conformance");
  setup_event_.host_version = tuner::text("1");
  setup_event_.reserved_keys = reserved;
  setup_event_.reserved_key_count = 2;
  setup_event_.stop = &params_.root();
  setup_event_.num_samples = 4;
  setup_event_.time_budget_s = 1.5;
  step_ = tuner::make<tuner_step_event>();
  step_.iteration = 1;
  trial_ = tuner::make<tuner_trial>();
  trial_.id = tuner::text("trial-1");
  trial_.name = tuner::text("a trial");
  trial_.status = TUNER_TRIAL_RUNNING;
  trial_.pid = 4711;
  trial_.attempt = 1;
  trial_.params = trial_.config = &params_.root();
  start_ = tuner::make<tuner_trial_start_event>();
  start_.trial = &trial_;
  result_ = tuner::make<tuner_trial_result_event>();
  result_.trial_id = trial_.id;
  result_.result = &builder_.root();
  checkpoint_ = tuner::make<tuner_checkpoint_event>();
  checkpoint_.trial_id = trial_.id;
  checkpoint_.path = tuner::text("/nowhere/checkpoint-1");
  checkpoint_.has_step = 1;
  checkpoint_.step = 7;
  end_ = tuner::make<tuner_trial_end_event>();
  end_.trial_id = trial_.id;
  error_ = tuner::make<tuner_trial_error_event>();
  error_.trial_id = trial_.id;
  error_.failure_count = 1;
  error_.error_text = tuner::text("ValueError: \xC3\xA4\nline 2");
  experiment_end_ = tuner::make<tuner_experiment_end_event>();
}

const void* Events::with_trial(const Hook& hook, tuner_string id) {
  trial_.id = result_.trial_id = checkpoint_.trial_id = end_.trial_id = error_.trial_id = id;
  return hook.event;
}

}  // namespace conformance
