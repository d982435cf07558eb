// Convention 1: structs that either side may know in a longer or a shorter form.
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "../tuner_plugin.h"

namespace tuner {

// The size that a GROWABLE struct had in ABI version 1; no smaller one is accepted.
template <class T>
struct LeastSize;

#define TUNER_LEAST_SIZE(TYPE, SIZE)        \
  template <>                               \
  struct LeastSize<TYPE> {                  \
    static constexpr uint32_t value = SIZE; \
  }
TUNER_LEAST_SIZE(tuner_error, TUNER_ERROR_SIZE_1);
TUNER_LEAST_SIZE(tuner_host, TUNER_HOST_SIZE_1);
TUNER_LEAST_SIZE(tuner_create_args, TUNER_CREATE_ARGS_SIZE_1);
TUNER_LEAST_SIZE(tuner_setup_event, TUNER_SETUP_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_step_event, TUNER_STEP_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_trial, TUNER_TRIAL_SIZE_1);
TUNER_LEAST_SIZE(tuner_trial_start_event, TUNER_TRIAL_START_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_trial_result_event, TUNER_TRIAL_RESULT_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_checkpoint_event, TUNER_CHECKPOINT_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_trial_end_event, TUNER_TRIAL_END_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_trial_error_event, TUNER_TRIAL_ERROR_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_experiment_end_event, TUNER_EXPERIMENT_END_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_flush_event, TUNER_FLUSH_EVENT_SIZE_1);
TUNER_LEAST_SIZE(tuner_output_stream, TUNER_OUTPUT_STREAM_SIZE_1);
TUNER_LEAST_SIZE(tuner_input_stream, TUNER_INPUT_STREAM_SIZE_1);
TUNER_LEAST_SIZE(tuner_stats, TUNER_STATS_SIZE_1);
TUNER_LEAST_SIZE(tuner_plugin, TUNER_PLUGIN_SIZE_1);
TUNER_LEAST_SIZE(tuner_entry_args, TUNER_ENTRY_ARGS_SIZE_1);
#undef TUNER_LEAST_SIZE

// A GROWABLE struct to fill in: all zeros but for its size.
template <class T>
T make() noexcept {
  T made;
  std::memset(static_cast<void*>(&made), 0, sizeof made);
  made.size = static_cast<uint32_t>(sizeof made);
  return made;
}

// Copies what both sides know of `given` over zeros; false, and `own` untouched, where `given` is
// to be refused: NULL, of size 0, or smaller than in ABI version 1. own.size says how much was
// given.
template <class T>
bool read_growable(T& own, const T* given) noexcept {
  if (given == nullptr) return false;
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  if (size < LeastSize<T>::value) return false;
  own = make<T>();
  std::memcpy(static_cast<void*>(&own), given, size < sizeof own ? size : sizeof own);
  return true;
}

// The other way round, for what the reader of a struct fills in (tuner_stats): never writes past
// the size that `given` says, and leaves that size alone.
template <class T>
void write_growable(T* given, const T& own) noexcept {
  uint32_t size;
  std::memcpy(&size, given, sizeof size);
  if (size < sizeof size) return;
  std::memcpy(static_cast<void*>(given), &own, size < sizeof own ? size : sizeof own);
  std::memcpy(static_cast<void*>(given), &size, sizeof size);
}

}  // namespace tuner
