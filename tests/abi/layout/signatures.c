/* The signatures of all functions of ABI version 1. */
#include "tuner_plugin.h"

/* An expression of another type finds no match and does not compile. */
#define SIGNATURE(type, slot, ...) \
  _Static_assert(_Generic(((type*)0)->slot, __VA_ARGS__ : 1, default : 0), #slot " has changed")
#define HOOK(slot, event) \
  SIGNATURE(tuner_plugin, slot, int32_t (*)(tuner_instance*, event*, tuner_error*))

SIGNATURE(tuner_plugin, create,
          int32_t (*)(const tuner_create_args*, tuner_instance**, tuner_error*));
SIGNATURE(tuner_plugin, destroy, int32_t (*)(tuner_instance*, tuner_error*));
HOOK(setup, const tuner_setup_event);
HOOK(on_step_begin, const tuner_step_event);
HOOK(on_step_end, const tuner_step_event);
HOOK(on_trial_start, const tuner_trial_start_event);
HOOK(on_trial_restore, const tuner_trial_start_event);
HOOK(on_trial_save, const tuner_checkpoint_event);
HOOK(on_trial_result, const tuner_trial_result_event);
HOOK(on_trial_complete, const tuner_trial_end_event);
HOOK(on_trial_recover, const tuner_trial_error_event);
HOOK(on_trial_error, const tuner_trial_error_event);
HOOK(on_trial_pause, const tuner_trial_end_event);
HOOK(on_checkpoint, const tuner_checkpoint_event);
HOOK(on_experiment_end, const tuner_experiment_end_event);
HOOK(get_state, const tuner_output_stream);
HOOK(set_state, const tuner_input_stream);
HOOK(flush, const tuner_flush_event);
HOOK(get_stats, tuner_stats);
SIGNATURE(tuner_plugin, get_extension, const void* (*)(tuner_string));
SIGNATURE(tuner_host, log, void (*)(void*, int32_t, tuner_string));
SIGNATURE(tuner_host, log_enabled, int32_t (*)(void*, int32_t));
SIGNATURE(tuner_host, get_extension, const void* (*)(void*, tuner_string));
SIGNATURE(tuner_output_stream, write, int64_t (*)(void*, const void*, uint64_t));
SIGNATURE(tuner_input_stream, read, int64_t (*)(void*, void*, uint64_t));
_Static_assert(_Generic((tuner_plugin_entry_fn)0, const tuner_plugin* (*)(tuner_entry_args*) : 1,
                        default : 0),
               "the entry has changed");
