/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonl_state.h"

#include <string.h>

#include "plugin_basics.h"

#define STATE_SIZE 24
static const char magic[8] = {'t', 'u', 'n', 'j', 's', 'o', 'n', '1'};

static void put_word(unsigned char* at, uint64_t word) {
  for (int i = 0; i < 8; ++i) at[i] = (unsigned char)(word >> (8 * i));
}

static void make_state(unsigned char state[STATE_SIZE], uint64_t seq) {
  uint64_t sum = 0xCBF29CE484222325u; /* FNV-1a */
  memcpy(state, magic, sizeof magic);
  put_word(state + 8, seq);
  for (int i = 0; i < 16; ++i) sum = (sum ^ state[i]) * 0x100000001B3u;
  put_word(state + 16, sum);
}

tuner_status write_state(const tuner_output_stream* stream, uint64_t seq, tuner_error* error) {
  unsigned char state[STATE_SIZE];
  if (stream->write == NULL) return fail(error, TUNER_INVALID_ARGUMENT, "no function to write to");
  make_state(state, seq);
  for (uint64_t done = 0; done < STATE_SIZE;) {
    int64_t taken = stream->write(stream->stream_data, state + done, STATE_SIZE - done);
    if (taken <= 0 || (uint64_t)taken > STATE_SIZE - done) {
      return fail(error, TUNER_IO_ERROR, "jsonl: the host could not take the state");
    }
    done += (uint64_t)taken;
  }
  return TUNER_OK;
}

tuner_status read_state(const tuner_input_stream* stream, uint64_t* seq, tuner_error* error) {
  unsigned char state[STATE_SIZE + 1], expected[STATE_SIZE]; /* one more, to see the end */
  uint64_t length = 0, found = 0;
  if (stream->read == NULL) return fail(error, TUNER_INVALID_ARGUMENT, "no function to read from");
  while (length < sizeof state) {
    int64_t got = stream->read(stream->stream_data, state + length, sizeof state - length);
    if (got < 0 || (uint64_t)got > sizeof state - length) {
      return fail(error, TUNER_IO_ERROR, "jsonl: the host could not read the state");
    }
    if (got == 0) break;
    length += (uint64_t)got;
  }
  if (length == STATE_SIZE) {
    for (int i = 15; i >= 8; --i) found = found << 8 | state[i];
    make_state(expected, found);
  }
  if (length != STATE_SIZE || memcmp(state, expected, STATE_SIZE) != 0) {
    return fail(error, TUNER_INVALID_STATE,
                "jsonl: not a state of this plugin, or damaged; going on without it");
  }
  *seq = found;
  return TUNER_OK;
}
