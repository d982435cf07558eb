/* tuner_plugin.h: the contract between a hyper-parameter tuner (the host) and a plugin it loads at
 * run time.
 *
 * SPDX-License-Identifier: Apache-2.0
 * ABI version 1. Needs only <stdint.h> and <stddef.h>; copy this one file into your project.
 *
 * A plugin is a shared library that exports exactly one function, `tuner_plugin_entry`. The host
 * calls it once after loading, gets a table of functions, creates one or more instances from it,
 * and calls their hooks as the tuning job goes on.
 *
 *
 * CONVENTIONS
 *
 *  1. Sizes. Every struct marked GROWABLE begins with `uint32_t size`, set by whoever fills it to
 *     the size it was compiled with. The reader takes min(size, its own size) bytes over zeroed
 *     defaults, so that either side may be newer. A size of 0, or one below the struct's size in
 *     ABI version 1 (TUNER_..._SIZE_1), is refused with TUNER_INVALID_ARGUMENT. A larger one is
 *     accepted. Nobody writes past the size that the caller gave. Structs marked FROZEN never
 *     change. No struct has tail padding. Arrays of GROWABLE structs would be arrays of pointers;
 *     the arrays in this version hold FROZEN structs only.
 *  2. Slots. Every function in `tuner_plugin` after `destroy` is optional: a host calls it only if
 *     the table's size covers the slot and the slot is not NULL (TUNER_HAS), and otherwise goes on
 *     as if it had returned TUNER_OK. A released slot is never moved, removed or given another
 *     meaning. New slots are appended.
 *  3. Errors. Functions return a tuner_status. TUNER_OK is 0. Positive statuses are remarks which a
 *     host may ignore; negative ones are errors. A text for people is written into the host's
 *     tuner_error, which may be NULL. An unknown status counts as TUNER_UNKNOWN. A failing hook
 *     never obliges the host to stop: a plugin's trouble is not the job's trouble.
 *  4. Exceptions. None crosses in either direction, whatever the language. `noexcept` is part of
 *     the types under C++17 and later.
 *  5. Memory. Nobody frees the other's memory. All inputs are borrowed for the duration of the
 *     call; a plugin copies what it keeps. Outputs go into memory or streams that the caller owns.
 *     Static identity strings (`name`, `version` of the table) are NUL-terminated; a host copies
 *     them if they are to outlive the library.
 *  6. Strings are pointer and length in bytes, UTF-8, not NUL-terminated; a NULL pointer is the
 *     empty string. Invalid UTF-8 is accepted: each byte that belongs to no well-formed sequence is
 *     read as one U+FFFD, and the plugin counts the texts so repaired.
 *  7. Scalars have a fixed width. A boolean is an int32_t that is 0 or 1. Times are int64_t
 *     nanoseconds since the Unix epoch (UTC); 0 = not given.
 *  8. Reserved fields are set to 0 by whoever fills the struct and ignored by the reader.
 *
 *
 * THREADS AND STATES. Each function below ends with a tag in brackets: [thread, state, since].
 *
 *  any      any thread, at any time between loading and unloading.
 *  serial   the calls for one instance never overlap, and each happens after the one before it (use
 *           a lock or a queue). They may come from different OS threads over time. Different
 *           instances may be called at the same time.
 *  hook     host services: called by the plugin only on the thread that is inside a call of this
 *           instance, and before that call returns. A plugin's own threads never call the host.
 *
 *  loaded   after tuner_plugin_entry returned a table, until the library is unloaded.
 *  created  after create; neither `setup` nor a hook has come.
 *  active   after setup, or after the first hook of a host that calls no setup.
 *  alive    created or active: between create and destroy.
 *
 * Every serial function may return, beside what is said at it: INVALID_ARGUMENT (an instance or
 * event that is NULL, a size too small, an empty trial id), INERT (see FORK), INTERNAL. Whatever it
 * returns, the instance stays usable.
 *
 *
 * LEGAL ORDER. Everything in [] is optional. Hooks may come in any order, and a plugin creates what
 * it needs for one that comes unannounced: a result of a trial that never started, an error before
 * the start, an end twice.
 *
 *   load the library
 *     tuner_plugin_entry                             once
 *       create                                       any number of instances, one after another
 *         [set_state]                                or at once
 *         [setup]
 *           hooks, get_state, flush, get_stats       as often as the host likes
 *       destroy
 *   unload the library
 *
 * set_state comes before setup and before every hook; later it is refused with TUNER_WRONG_STATE.
 * So is a second setup.
 *
 * FORK. In a forked child every call for an instance of the parent does nothing and returns
 * TUNER_INERT. The child may create instances of its own; a plugin may refuse one that shares with
 * the parent what cannot be shared, such as an open database.
 *
 * EXIT. destroy is the only shutdown, and joins the plugin's threads. A process that exits or is
 * killed without destroy does no harm to what the plugin has recorded.
 *
 * UNLOADING is safe after the last destroy if the table's flags say TUNER_FLAG_UNLOAD_SAFE. Keeping
 * a library loaded is always right.
 *
 * OUTPUT. A plugin writes nothing to stdout or stderr, never calls abort or exit, and changes no
 * signal handler: it is a guest in the host's process.
 */
#ifndef TUNER_PLUGIN_H_ABI_1
#define TUNER_PLUGIN_H_ABI_1

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The range of ABI versions that this header can speak. Breaking the layout means another entry
 * symbol, not another number here. */
#define TUNER_ABI_VERSION_MIN 1u
#define TUNER_ABI_VERSION_MAX 1u

#if defined(_WIN32)
#define TUNER_CALL __cdecl
#define TUNER_EXPORT __declspec(dllexport)
#else
#define TUNER_CALL
#define TUNER_EXPORT __attribute__((visibility("default")))
#endif

#if defined(__cplusplus) && __cplusplus >= 201703L
#define TUNER_NOEXCEPT noexcept
#else
#define TUNER_NOEXCEPT
#endif

/* ---- Statuses ---- */

typedef int32_t tuner_status;

#define TUNER_OK 0

/* Remarks: the call did its work but for what the name says; a host may ignore them and goes on. */
#define TUNER_DROPPED 1     /* not recorded (no room in time), and counted as lost */
#define TUNER_NOT_DURABLE 2 /* recorded, but not safe from a power cut within the time allowed */

/* Errors. */
#define TUNER_UNKNOWN (-1)
#define TUNER_INVALID_ARGUMENT (-2)    /* a mistake of the caller: NULL, too small, out of range */
#define TUNER_UNSUPPORTED_VERSION (-3) /* the two ranges of ABI versions do not meet */
#define TUNER_INVALID_CONFIG (-4)      /* the text says where and why it cannot be used */
#define TUNER_WRONG_STATE (-5)         /* not now: see the legal order */
#define TUNER_INVALID_STATE (-6)       /* what set_state read is foreign or damaged */
#define TUNER_IO_ERROR (-7)
#define TUNER_INERT (-8) /* called in a forked child; nothing was done */
#define TUNER_UNIMPLEMENTED (-9)
#define TUNER_OUT_OF_MEMORY (-10)
#define TUNER_INTERNAL (-11) /* a mistake of the plugin, which goes on as well as it can */

/* ---- Strings, errors, values
 * ----------------------------------------------------------------------------------------- */

/* FROZEN. Borrowed UTF-8 text or bytes; see convention 6. */
typedef struct tuner_string {
  const char* data;
  uint64_t length; /* bytes */
} tuner_string;

/* GROWABLE. A place of the host's where a plugin writes a text for people. The plugin cuts at a
 * UTF-8 boundary to fit `capacity`, writes no NUL, and leaves `text` alone where it has nothing to
 * say (`length` is then 0). */
typedef struct tuner_error {
  uint32_t size;
  uint32_t capacity;    /* in: bytes that `text` can hold */
  char* text;           /* in: the host's buffer; NULL when capacity is 0 */
  uint32_t length;      /* out: bytes written */
  uint32_t full_length; /* out: bytes that the whole text has */
} tuner_error;

/* Tags of a tuner_value. A reader skips a value whose tag it does not know, and counts it. */
typedef int32_t tuner_tag;
#define TUNER_TAG_NULL 0
#define TUNER_TAG_BOOL 1   /* as.boolean, 0 or 1 (any other number is read as 1) */
#define TUNER_TAG_INT64 2  /* as.int64 */
#define TUNER_TAG_UINT64 3 /* as.uint64 */
#define TUNER_TAG_DOUBLE                                                                         \
  4                        /* as.float64; every bit counts: NaN, infinities, -0.0 are values too \
                            */
#define TUNER_TAG_STRING 5 /* as.string */
#define TUNER_TAG_BYTES 6  /* as.string, not text */
#define TUNER_TAG_LIST 7   /* as.list */
#define TUNER_TAG_MAP 8 /* as.map: ordered, keys are strings; of equal keys the last one counts */

typedef struct tuner_value tuner_value;
typedef struct tuner_entry tuner_entry;

/* FROZEN, 24 bytes where pointers have 8. A node of a tree that the caller owns and the callee
 * borrows. Trees have no cycles. A list or map deeper than TUNER_VALUE_DEPTH_MAX, and every node
 * beyond TUNER_VALUE_NODES_MAX in one tree, is skipped and counted. What is skipped is left out as
 * if it were not there. A list or map whose pointer is NULL is empty. */
struct tuner_value {
  tuner_tag tag;
  uint32_t reserved;
  union {
    int32_t boolean;
    int64_t int64;
    uint64_t uint64;
    double float64;
    tuner_string string;
    struct {
      const tuner_value* items;
      uint64_t count;
    } list;
    struct {
      const tuner_entry* entries;
      uint64_t count;
    } map;
  } as;
};

/* FROZEN. One entry of a map. */
struct tuner_entry {
  tuner_string key;
  tuner_value value;
};

#define TUNER_VALUE_DEPTH_MAX 64u      /* levels of lists and maps; the root is level 1 */
#define TUNER_VALUE_NODES_MAX 1000000u /* nodes in one tree */

/* ---- Host services ---- */

typedef int32_t tuner_log_level;
#define TUNER_LOG_TRACE 0
#define TUNER_LOG_DEBUG 1
#define TUNER_LOG_INFO 2
#define TUNER_LOG_WARNING 3
#define TUNER_LOG_ERROR 4

/* GROWABLE. What the host offers to a plugin. The struct and what it points to outlive the
 * instance. Every function may be NULL. [hook, inside any call of the instance, since 1] */
typedef struct tuner_host {
  uint32_t size;
  uint32_t reserved;
  void* host_data; /* handed back as the first argument */
  /* One message, without a line end. The host may not call the instance from here. */
  void(TUNER_CALL* log)(void* host_data, tuner_log_level level,
                        tuner_string message) TUNER_NOEXCEPT;
  /* 1 if a message of this level would be used: spares the plugin the making of it. NULL =
   * always 1. */
  int32_t(TUNER_CALL* log_enabled)(void* host_data, tuner_log_level level) TUNER_NOEXCEPT;
  /* A service by name, "vendor.name/REVISION"; NULL if the host has none of that name. */
  const void*(TUNER_CALL* get_extension)(void* host_data, tuner_string id)TUNER_NOEXCEPT;
} tuner_host;

/* FROZEN. A setting that wins over the configuration file: a key as in that file (dots lead into
 * nested maps: "log.level"), and a YAML scalar or flow sequence as its value ("10", "[loss, acc]").
 */
typedef struct tuner_setting {
  tuner_string key;
  tuner_string value;
} tuner_setting;

/* GROWABLE. Give config_path or config_text or neither (then all defaults); both together are
 * refused with INVALID_CONFIG. */
typedef struct tuner_create_args {
  uint32_t size;
  uint32_t reserved;
  tuner_string config_path; /* a file; relative paths inside it rest on the file's directory */
  tuner_string config_text; /* the same content as text; relative paths rest on base_dir, else on
                               the working directory */
  tuner_string base_dir;    /* for config_text and for relative paths in settings; may be empty */
  const tuner_setting* settings; /* overrides; an error in one names its key */
  uint64_t setting_count;
  const tuner_host* host; /* may be NULL: no services */
} tuner_create_args;

/* ---- What hooks are told
 * --------------------------------------------------------------------------------------------- */

typedef int32_t tuner_trial_status;
#define TUNER_TRIAL_UNKNOWN 0
#define TUNER_TRIAL_PENDING 1
#define TUNER_TRIAL_RUNNING 2
#define TUNER_TRIAL_PAUSED 3
#define TUNER_TRIAL_COMPLETED 4
#define TUNER_TRIAL_FAILED 5
#define TUNER_TRIAL_STOPPED 6

typedef int32_t tuner_resumed;
#define TUNER_RESUMED_NO 0      /* a fresh job, always */
#define TUNER_RESUMED_YES 1     /* this process continues an earlier job */
#define TUNER_RESUMED_UNKNOWN 2 /* the host cannot tell */

/* GROWABLE. The job about to begin or to go on. Everything but `size` may be left empty. */
typedef struct tuner_setup_event {
  uint32_t size;
  tuner_resumed resumed;
  tuner_string job_id;          /* the host's own, the same over all its resumes; empty = none */
  tuner_string experiment_name; /* used where the configuration names none */
  tuner_string experiment_dir;  /* where the host keeps the job's files */
  tuner_string host_name;       /* "Ray Tune" */
  tuner_string host_version;
  /* Put before metric names where they leave for another tool: "ray/tune/". */
  tuner_string metric_namespace;
  /* Top-level keys of a result that are book-keeping of the host, not metrics. */
  const tuner_string* reserved_keys;
  uint64_t reserved_key_count;
  const tuner_value* stop;   /* stop conditions; NULL = none */
  int64_t num_samples;       /* as the user asked; 0 = not given */
  int64_t total_num_samples; /* trials the host expects; 0 = not known */
  double time_budget_s;      /* seconds; 0 = none */
  tuner_string metric;       /* the metric being optimised */
  tuner_string mode;         /* "min" or "max" */
} tuner_setup_event;

/* GROWABLE. A turn of the host's loop. */
typedef struct tuner_step_event {
  uint32_t size;
  uint32_t reserved;
  int64_t iteration; /* turns so far, not a trial's iteration */
} tuner_step_event;

/* GROWABLE. All that is known of a trial when its worker starts. Empty or NULL = not known, or
 * unchanged since the last start. */
typedef struct tuner_trial {
  uint32_t size;
  tuner_trial_status status; /* as the host has it */
  tuner_string id; /* unique within the job, the same over retries and resumes; never empty */
  tuner_string name;
  tuner_string trainable_name;
  tuner_string experiment_tag;
  tuner_string local_dir;
  tuner_string remote_dir;
  tuner_string node_ip;
  int64_t pid;               /* of the worker; 0 = not known */
  uint32_t failure_count;    /* failures so far */
  uint32_t attempt;          /* the host's own count of starts, from 1; 0 = it keeps none */
  const tuner_value* params; /* the sampled hyper-parameters: a map */
  const tuner_value* config; /* the whole configuration: a map */
} tuner_trial;

/* Events of one trial share these fields:
 *   trial_id   the trial; never empty. In a start event trial->id says it.
 *   trial_key  a number by which the host tells its trials apart, for a quick look-up: never reused
 *              for another trial of the instance; 0 = the host keeps none.
 *   time_ns    when it happened; 0 = now.
 */

/* GROWABLE. The trial's worker starts, or goes on from a checkpoint (on_trial_restore). */
typedef struct tuner_trial_start_event {
  uint32_t size;
  uint32_t reserved;
  uint64_t trial_key;
  int64_t time_ns;
  const tuner_trial* trial;     /* never NULL */
  tuner_string checkpoint_path; /* the checkpoint it goes on from; empty = none */
} tuner_trial_start_event;

/* GROWABLE. What a trial reports at once. */
typedef struct tuner_trial_result_event {
  uint32_t size;
  uint32_t reserved;
  uint64_t trial_key;
  int64_t time_ns;
  tuner_string trial_id;
  const tuner_value* result; /* a map, nested at will; anything else is refused */
} tuner_trial_result_event;

/* GROWABLE. A checkpoint was taken (on_checkpoint), or saved for the trial (on_trial_save). */
typedef struct tuner_checkpoint_event {
  uint32_t size;
  int32_t has_step;
  uint64_t trial_key;
  int64_t time_ns;
  tuner_string trial_id;
  tuner_string path;
  int64_t step; /* of the result it belongs to, where has_step is 1 */
} tuner_checkpoint_event;

/* GROWABLE. The trial paused or came to its end. */
typedef struct tuner_trial_end_event {
  uint32_t size;
  /* on_trial_complete: COMPLETED (also for 0), or STOPPED if the host cut it short. */
  tuner_trial_status status;
  uint64_t trial_key;
  int64_t time_ns;
  tuner_string trial_id;
} tuner_trial_end_event;

/* GROWABLE. The trial failed: finally (on_trial_error), or to be tried again (on_trial_recover). */
typedef struct tuner_trial_error_event {
  uint32_t size;
  uint32_t failure_count; /* failures so far, this one included; 0 = not known */
  uint64_t trial_key;
  int64_t time_ns;
  tuner_string trial_id;
  tuner_string error_text;
} tuner_trial_error_event;

/* GROWABLE. The job is over; what is still open is closed as stopped. */
typedef struct tuner_experiment_end_event {
  uint32_t size;
  int32_t interrupted; /* 1: by a signal, a time budget, an exception; 0: it ran to its end */
  int64_t time_ns;
} tuner_experiment_end_event;

/* GROWABLE. Make everything acknowledged so far safe against a power cut. */
typedef struct tuner_flush_event {
  uint32_t size;
  uint32_t timeout_ms; /* 0 = as long as the plugin's configuration allows */
} tuner_flush_event;

/* ---- State ---- */

/* GROWABLE. Where get_state writes. `write` takes 1 to `count` bytes and returns how many it took,
 * or a negative number on an error; the plugin calls again for the rest. [hook, inside get_state,
 * since 1] */
typedef struct tuner_output_stream {
  uint32_t size;
  uint32_t reserved;
  void* stream_data;
  int64_t(TUNER_CALL* write)(void* stream_data, const void* bytes, uint64_t count) TUNER_NOEXCEPT;
} tuner_output_stream;

/* GROWABLE. Where set_state reads. `read` gives 1 to `capacity` bytes, 0 at the end, or a negative
 * number on an error. [hook, inside set_state, since 1] */
typedef struct tuner_input_stream {
  uint32_t size;
  uint32_t reserved;
  void* stream_data;
  int64_t(TUNER_CALL* read)(void* stream_data, void* bytes, uint64_t capacity) TUNER_NOEXCEPT;
} tuner_input_stream;

/* ---- Statistics ---- */

typedef int32_t tuner_health;
#define TUNER_HEALTH_OK 0
#define TUNER_HEALTH_DEGRADED 1 /* something was lost or cannot be written; see `message` */
#define TUNER_HEALTH_BROKEN 2   /* nothing more can be recorded by this instance */

/* GROWABLE, filled by the plugin up to the size that the caller set. Counts are since create. */
typedef struct tuner_stats {
  uint32_t size; /* in */
  tuner_health health;
  uint64_t events;          /* records tried: one a hook, more where a trial or a shape is new */
  uint64_t results;         /* of these, results */
  uint64_t points;          /* numbers recorded from results */
  uint64_t events_dropped;  /* acknowledged to the host as TUNER_DROPPED */
  uint64_t events_lost;     /* acknowledged as recorded, and lost afterwards */
  uint64_t values_skipped;  /* nodes of an unknown tag, too deep or too many */
  uint64_t values_cut;      /* texts, trees or results cut to a size limit */
  uint64_t texts_repaired;  /* texts that were not valid UTF-8 */
  uint64_t keys_duplicated; /* names that came twice in one result */
  uint64_t commits;         /* batches made durable */
  uint64_t commit_errors;   /* batches that failed and are tried again */
  uint64_t events_pending;  /* recorded but not yet durable */
  uint64_t pending_age_ms;  /* age of the oldest of these */
  uint64_t waits;           /* hooks that had to wait for room */
  uint64_t wait_ns_max;     /* the longest such wait */
  uint64_t journal_bytes;   /* size of the buffer between host and store */
  uint64_t journal_used_bytes;
  tuner_error* message; /* in: where a text about the health goes; may be NULL */
} tuner_stats;

/* ---- The plugin ---- */

/* Opaque; belongs to the plugin, made by create and ended by destroy. */
typedef struct tuner_instance tuner_instance;

typedef uint32_t tuner_flags;
#define TUNER_FLAG_UNLOAD_SAFE 1u /* the library may be unloaded after the last destroy */

/* GROWABLE. The plugin's functions; static in the library, valid while it is loaded. */
typedef struct tuner_plugin {
  uint32_t size;
  tuner_flags flags;
  uint32_t abi_min; /* versions this plugin can speak */
  uint32_t abi_max;
  const char* name;    /* short, lower case, NUL-terminated */
  const char* version; /* of the plugin, for people, NUL-terminated */

  /* Makes an instance. May block for a moment: files are opened.
   * Ownership: *instance is the plugin's; it lives until destroy. args is borrowed for the call,
   * but args->host and what it points to must outlive the instance. Errors: INVALID_CONFIG with a
   * text that says what to mend (file, line, column, key), IO_ERROR, OUT_OF_MEMORY; *instance is
   * then NULL. [any, loaded, since 1] Required. */
  tuner_status(TUNER_CALL* create)(const tuner_create_args* args, tuner_instance** instance,
                                   tuner_error* error) TUNER_NOEXCEPT;

  /* Ends an instance: records what is pending, joins threads, closes files, within a bound that the
   * configuration sets. The pointer is dead afterwards whatever is returned; NULL is allowed.
   * Remarks: NOT_DURABLE, see the text. [serial, alive, since 1] Required. */
  tuner_status(TUNER_CALL* destroy)(tuner_instance* instance, tuner_error* error) TUNER_NOEXCEPT;

  /* The job begins or goes on. At most once.
   * Remarks: DROPPED, what it told is recorded with the next hook for which there is room. Errors:
   * WRONG_STATE the second time. [serial, created, since 1] */
  tuner_status(TUNER_CALL* setup)(tuner_instance* instance, const tuner_setup_event* event,
                                  tuner_error* error) TUNER_NOEXCEPT;

  /* Hooks, from here to on_experiment_end. Each records one event and returns OK once the event
   * survives the death of the process. Ownership: the event and all it points to are borrowed for
   * the call. Remarks: DROPPED, NOT_DURABLE. Errors: those of every serial function, no others. */

  /* A turn of the host's loop begins. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_step_begin)(tuner_instance* instance, const tuner_step_event* event,
                                          tuner_error* error) TUNER_NOEXCEPT;

  /* A turn of the host's loop ends. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_step_end)(tuner_instance* instance, const tuner_step_event* event,
                                        tuner_error* error) TUNER_NOEXCEPT;

  /* The trial's worker starts: the first time, after a failure, after a pause, after a resume. Each
   * call is a new attempt of the same trial. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_start)(tuner_instance* instance,
                                           const tuner_trial_start_event* event,
                                           tuner_error* error) TUNER_NOEXCEPT;

  /* The trial goes on from a checkpoint. A host that calls on_trial_start for the same start calls
   * this one after it; where it comes without a start, it is a start. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_restore)(tuner_instance* instance,
                                             const tuner_trial_start_event* event,
                                             tuner_error* error) TUNER_NOEXCEPT;

  /* A checkpoint of the trial was saved. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_save)(tuner_instance* instance,
                                          const tuner_checkpoint_event* event,
                                          tuner_error* error) TUNER_NOEXCEPT;

  /* The trial reported. The frequent call: a good plugin takes no lock, allocates nothing and makes
   * no system call here once it has seen the shape of a result. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_result)(tuner_instance* instance,
                                            const tuner_trial_result_event* event,
                                            tuner_error* error) TUNER_NOEXCEPT;

  /* The trial came to its end without an error, also a trial that never started.
   * [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_complete)(tuner_instance* instance,
                                              const tuner_trial_end_event* event,
                                              tuner_error* error) TUNER_NOEXCEPT;

  /* The trial failed and will be tried again. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_recover)(tuner_instance* instance,
                                             const tuner_trial_error_event* event,
                                             tuner_error* error) TUNER_NOEXCEPT;

  /* The trial failed for good. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_error)(tuner_instance* instance,
                                           const tuner_trial_error_event* event,
                                           tuner_error* error) TUNER_NOEXCEPT;

  /* The trial gave up its worker and may go on later; from hosts that know.
   * [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_trial_pause)(tuner_instance* instance,
                                           const tuner_trial_end_event* event,
                                           tuner_error* error) TUNER_NOEXCEPT;

  /* A checkpoint was taken. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_checkpoint)(tuner_instance* instance,
                                          const tuner_checkpoint_event* event,
                                          tuner_error* error) TUNER_NOEXCEPT;

  /* The job is over. Hooks may still come, and begin it again. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* on_experiment_end)(tuner_instance* instance,
                                              const tuner_experiment_end_event* event,
                                              tuner_error* error) TUNER_NOEXCEPT;

  /* Writes what a later process needs to go on with the same job; small and quick. The bytes are
   * the plugin's own, begin with a magic of its own, and are for set_state of the same plugin, of
   * this version or a later one. Errors: IO_ERROR if the stream failed. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* get_state)(tuner_instance* instance, const tuner_output_stream* stream,
                                      tuner_error* error) TUNER_NOEXCEPT;

  /* Takes such bytes. Errors: INVALID_STATE for empty, truncated, foreign or damaged ones, IO_ERROR
   * if the stream failed, both of which leave the instance as it was; WRONG_STATE after setup or a
   * hook. [serial, created, since 1] */
  tuner_status(TUNER_CALL* set_state)(tuner_instance* instance, const tuner_input_stream* stream,
                                      tuner_error* error) TUNER_NOEXCEPT;

  /* Blocks until all that was acknowledged is safe from a power cut, or the time is over.
   * Remarks: NOT_DURABLE. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* flush)(tuner_instance* instance, const tuner_flush_event* event,
                                  tuner_error* error) TUNER_NOEXCEPT;

  /* Fills in the statistics, within stats->size. Never blocks. [serial, alive, since 1] */
  tuner_status(TUNER_CALL* get_stats)(tuner_instance* instance, tuner_stats* stats,
                                      tuner_error* error) TUNER_NOEXCEPT;

  /* Something beyond this table, by name, "vendor.name/REVISION"; NULL if the plugin has none of
   * that name. What it points to is the plugin's and lives while the library is loaded.
   * [any, loaded, since 1] */
  const void*(TUNER_CALL* get_extension)(tuner_string id)TUNER_NOEXCEPT;
} tuner_plugin;

/* ---- Entry and negotiation
 * ------------------------------------------------------------------------------------------- */

/* GROWABLE. The host says which versions it can speak; the plugin answers with its own range and
 * the one chosen, the highest that both speak. */
typedef struct tuner_entry_args {
  uint32_t size;
  uint32_t host_abi_min;   /* in */
  uint32_t host_abi_max;   /* in */
  uint32_t plugin_abi_min; /* out */
  uint32_t plugin_abi_max; /* out */
  uint32_t abi_chosen;     /* out; 0 on failure */
  tuner_string host_name;
  tuner_error* error; /* may be NULL */
} tuner_entry_args;

#define TUNER_PLUGIN_ENTRY_NAME "tuner_plugin_entry"

/* The one symbol of a plugin. Returns its table, or NULL with a text that names both ranges and
 * says what to do. Calls nothing of the host's, starts no thread, opens no file. [any, since 1] */
typedef const tuner_plugin*(TUNER_CALL* tuner_plugin_entry_fn)(tuner_entry_args* args)
    TUNER_NOEXCEPT;

/* Only where a plugin is compiled: `#define TUNER_PLUGIN_IMPLEMENTATION` before the include. */
#ifdef TUNER_PLUGIN_IMPLEMENTATION
TUNER_EXPORT const tuner_plugin* TUNER_CALL tuner_plugin_entry(tuner_entry_args* args)
    TUNER_NOEXCEPT;
#endif

/* ---- Sizes ---- */

/* Where a field ends, and whether a struct that somebody else filled reaches so far. */
#define TUNER_END_OF(type, field) ((uint32_t)(offsetof(type, field) + sizeof(((type*)0)->field)))
#define TUNER_COVERS(type, pointer, field) ((pointer)->size >= TUNER_END_OF(type, field))

/* Convention 2: can this slot of the plugin's table be called? */
#define TUNER_HAS(plugin, slot) (TUNER_COVERS(tuner_plugin, plugin, slot) && (plugin)->slot != NULL)

/* Convention 1: the sizes that the GROWABLE structs had in ABI version 1. They never change. */
#define TUNER_ERROR_SIZE_1 TUNER_END_OF(tuner_error, full_length)
#define TUNER_HOST_SIZE_1 TUNER_END_OF(tuner_host, get_extension)
#define TUNER_CREATE_ARGS_SIZE_1 TUNER_END_OF(tuner_create_args, host)
#define TUNER_SETUP_EVENT_SIZE_1 TUNER_END_OF(tuner_setup_event, mode)
#define TUNER_STEP_EVENT_SIZE_1 TUNER_END_OF(tuner_step_event, iteration)
#define TUNER_TRIAL_SIZE_1 TUNER_END_OF(tuner_trial, config)
#define TUNER_TRIAL_START_EVENT_SIZE_1 TUNER_END_OF(tuner_trial_start_event, checkpoint_path)
#define TUNER_TRIAL_RESULT_EVENT_SIZE_1 TUNER_END_OF(tuner_trial_result_event, result)
#define TUNER_CHECKPOINT_EVENT_SIZE_1 TUNER_END_OF(tuner_checkpoint_event, step)
#define TUNER_TRIAL_END_EVENT_SIZE_1 TUNER_END_OF(tuner_trial_end_event, trial_id)
#define TUNER_TRIAL_ERROR_EVENT_SIZE_1 TUNER_END_OF(tuner_trial_error_event, error_text)
#define TUNER_EXPERIMENT_END_EVENT_SIZE_1 TUNER_END_OF(tuner_experiment_end_event, time_ns)
#define TUNER_FLUSH_EVENT_SIZE_1 TUNER_END_OF(tuner_flush_event, timeout_ms)
#define TUNER_OUTPUT_STREAM_SIZE_1 TUNER_END_OF(tuner_output_stream, write)
#define TUNER_INPUT_STREAM_SIZE_1 TUNER_END_OF(tuner_input_stream, read)
#define TUNER_STATS_SIZE_1 TUNER_END_OF(tuner_stats, message)
#define TUNER_PLUGIN_SIZE_1 TUNER_END_OF(tuner_plugin, get_extension)
#define TUNER_ENTRY_ARGS_SIZE_1 TUNER_END_OF(tuner_entry_args, error)

/* ---- Identity, readable without running code
 * ------------------------------------------------------------------------- */

/* FROZEN. Descriptor of the ELF note (section ".note.tuner", owner "TUNER", type 1): `readelf -n`
 * shows it, and a host can read it before it loads anything. Little-endian. Texts are cut to fit
 * and padded with NULs. */
#define TUNER_NOTE_TYPE 1u
typedef struct tuner_note {
  uint32_t name_size;       /* 6: "TUNER" with its NUL */
  uint32_t descriptor_size; /* 72 */
  uint32_t type;            /* TUNER_NOTE_TYPE */
  char owner[8];            /* "TUNER", padded */
  uint32_t abi_min;
  uint32_t abi_max;
  char name[32];
  char version[32];
} tuner_note;

/* Puts the note into a plugin; once, at file scope. NAME and VERSION are string literals of at most
 * 31 bytes. */
#if defined(__ELF__)
#define TUNER_PLUGIN_NOTE(NAME, VERSION)                                                    \
  __attribute__((section(".note.tuner"), aligned(4),                                        \
                 used)) static const tuner_note tuner_plugin_note = {                       \
      6u,   72u,    TUNER_NOTE_TYPE, "TUNER", TUNER_ABI_VERSION_MIN, TUNER_ABI_VERSION_MAX, \
      NAME, VERSION}
#else
#define TUNER_PLUGIN_NOTE(NAME, VERSION) struct tuner_plugin_note_is_for_elf_only
#endif

#ifdef __cplusplus
}
#endif

#endif /* TUNER_PLUGIN_H_ABI_1 */
