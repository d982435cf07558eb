/* What a later process needs to go on with a job: the last seq, with a magic and a checksum.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef JSONL_STATE_H
#define JSONL_STATE_H

#include "tuner_plugin.h"

tuner_status write_state(const tuner_output_stream* stream, uint64_t seq, tuner_error* error);

/* Leaves *seq alone unless it returns TUNER_OK. */
tuner_status read_state(const tuner_input_stream* stream, uint64_t* seq, tuner_error* error);

#endif
