/* aimlog_read.h: reading an aimlog repo through the loaded plugin library.
 *
 * SPDX-License-Identifier: Apache-2.0
 * Extension "aimlog.read/1" of tuner ABI 1: `plugin->get_extension("aimlog.read/1")` gives a
 * `const aimlog_read*`. No instance is needed. Needs only tuner_plugin.h, whose conventions
 * (GROWABLE structs, strings, errors, memory) hold here too.
 *
 * A process that records into a repo reads it through the same library: a repo is open once in a
 * process, whoever asks, and a second copy of the library is refused (TUNER_WRONG_STATE). Reading
 * never blocks or slows a writer. What is read is what is committed: by default the writer's last
 * second is not yet in it; flush() of the writer's instance brings it in.
 *
 * Answers come as streams of the Arrow C data interface. A stream, and each array taken from it,
 * is owned by the receiver until it calls `release`, holds its own memory, and may outlive the repo
 * handle, but not the library: keep that loaded. A stream is used by one thread at a time, an array
 * by any. No transaction stays open between calls. A stream shows the repo as it was when it was
 * made. Its get_next returns an errno; the text is in get_last_error. Arrays begin at offset 0, and
 * under a null double stands NaN.
 */
#ifndef AIMLOG_READ_H_1
#define AIMLOG_READ_H_1

#include "tuner_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The structs of https://arrow.apache.org/docs/format/CDataInterface.html, under their own guard:
 * whoever has them already keeps his. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};
#endif

#define AIMLOG_READ_EXTENSION "aimlog.read/1"

/* Errors beside those of tuner_plugin.h. */
#define AIMLOG_READ_NOT_FOUND                                                                    \
  (-1001)                             /* no such repo, run or metric; the text names the nearest \
                                       */
#define AIMLOG_READ_AMBIGUOUS (-1002) /* a word that fits several runs; the text names them */

/* An open repo. Opaque; belongs to the library, made by open and ended by close. Any number of
 * threads may use one at the same time. In a forked child it does nothing and says INERT; the child
 * may not open a repo that its parent had open. */
typedef struct aimlog_repo aimlog_repo;

/* GROWABLE. */
typedef struct aimlog_open_args {
  uint32_t size;
  uint32_t reserved;
  tuner_string path; /* the directory that the configuration's `repo` names, or its .aimlog */
} aimlog_open_args;

/* A word for a run: its id, or a beginning of it that no other run has; the trial's id; "last";
 * "@N", the Nth newest. */

/* GROWABLE. All zero but the size: every run with everything. */
typedef struct aimlog_runs_query {
  uint32_t size;
  int32_t without_metrics; /* 1: no columns of metrics */
  tuner_string run;        /* a word for one run; empty = all */
} aimlog_runs_query;

/* GROWABLE. */
typedef struct aimlog_series_query {
  uint32_t size;
  int32_t all_attempts; /* 0: for each step the newest attempt that has it; 1: every point as it
                           came, in order of attempt and arrival */
  tuner_string metric;  /* its name */
  tuner_string run;     /* a word for one run; empty = all */
  /* Only series whose context has these values, as text ("val", "3", "true"). */
  const tuner_setting* context;
  uint64_t context_count;
  int32_t exact_context; /* 1: and no others; with no values: only what has no context */
  uint32_t reserved;
} aimlog_series_query;

/* GROWABLE. The extension's functions; static in the library, valid while it is loaded. All inputs
 * are borrowed for the call. Errors of all: INVALID_ARGUMENT, IO_ERROR (also: damaged),
 * OUT_OF_MEMORY, INERT, INTERNAL. [any thread; repo open] */
typedef struct aimlog_read {
  uint32_t size;
  uint32_t reserved;

  /* Opens a repo. Where it can be written, journals of writers that died are replayed first; where
   * not, only what is committed is shown. What there is to say of this is the text in `error`,
   * though TUNER_OK is returned. Errors: NOT_FOUND, INVALID_CONFIG (a network disk, a newer
   * format), WRONG_STATE (another copy of the library has it open). *repo is then NULL. */
  tuner_status(TUNER_CALL* open)(const aimlog_open_args* args, aimlog_repo** repo,
                                 tuner_error* error) TUNER_NOEXCEPT;

  /* Ends the handle; NULL is allowed. Streams made from it go on. */
  void(TUNER_CALL* close)(aimlog_repo* repo) TUNER_NOEXCEPT;

  /* One row a run, oldest first, in one batch: id, experiment, job (int64, counted in the repo),
   * job_id (the host's own), trial_id, trial_name, status, created, started, ended (timestamps),
   * attempts, failures, error, tags (list of texts), last_step; then `params.NAME` for each
   * hyper-parameter of any run; then for each series `NAME.last`, .min, .max, .first, .mean and
   * .count of its default view, with NAME = `loss` or `loss{subset=val}`, by name. Null = the run
   * has none. The type of a param and of last, min, max, first is the one that holds every value of
   * the column exactly: bool, int64, uint64, else double for numbers; text for all else, lists as
   * JSON. Error of `run`: NOT_FOUND, AMBIGUOUS. */
  tuner_status(TUNER_CALL* runs)(aimlog_repo* repo, const aimlog_runs_query* query,
                                 struct ArrowArrayStream* out, tuner_error* error) TUNER_NOEXCEPT;

  /* The points of a metric, run by run (oldest first), never a run's series in two batches: run
   * (dictionary of ids), context (dictionary of "subset=val" texts, null = none), attempt (uint32),
   * step (int64), value, time (timestamp), epoch (double, null = none). `value` is bool, int64 or
   * uint64 where every point of the answer has that type, else double; in a mixture of types a
   * column `exact` follows: the number as text where the double is not exactly it, else null.
   * Errors: NOT_FOUND for a metric that no such run has. */
  tuner_status(TUNER_CALL* series)(aimlog_repo* repo, const aimlog_series_query* query,
                                   struct ArrowArrayStream* out, tuner_error* error) TUNER_NOEXCEPT;

  /* All that is recorded of a run but points, as one JSON object like that of `aimlog show --json`:
   * nested params and config with their history, attempts, checkpoints, last texts, and the name
   * and context of each metric. Numbers are exact; NaN, Infinity and -Infinity stand as such.
   * Errors: NOT_FOUND, AMBIGUOUS; IO_ERROR also if the stream takes nothing. */
  tuner_status(TUNER_CALL* describe)(aimlog_repo* repo, tuner_string run,
                                     const tuner_output_stream* out,
                                     tuner_error* error) TUNER_NOEXCEPT;
} aimlog_read;

#define AIMLOG_OPEN_ARGS_SIZE_1 TUNER_END_OF(aimlog_open_args, path)
#define AIMLOG_RUNS_QUERY_SIZE_1 TUNER_END_OF(aimlog_runs_query, run)
#define AIMLOG_SERIES_QUERY_SIZE_1 TUNER_END_OF(aimlog_series_query, reserved)
#define AIMLOG_READ_SIZE_1 TUNER_END_OF(aimlog_read, describe)

#ifdef __cplusplus
}
#endif

#endif /* AIMLOG_READ_H_1 */
