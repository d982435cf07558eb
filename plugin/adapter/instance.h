// One instance: builds all layers from a configuration, and takes them down again. The opaque
// tuner_instance is one of these.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "abi/include/tuner_plugin.h"
#include "plugin/adapter/fork_guard.h"
#include "plugin/base/log.h"
#include "plugin/commit/committer.h"
#include "plugin/config/config.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/store/environment.h"
#include "plugin/tracker/tracker.h"

namespace aimlog {

class Instance {
 public:
  // Throws Error; nothing is left behind then but the repo's directory.
  explicit Instance(const tuner_create_args& args);

  Tracker& tracker() { return tracker_; }
  bool is_child() const noexcept { return fork_guard_.is_child(); }
  // Hands waiting lines to the host's log service: only inside a hook.
  void drain_log() noexcept {
    if (log_.has_pending()) [[unlikely]]
      log_.drain();
  }

  // An event was dropped: says so, at most once a minute.
  [[gnu::cold]] void tell_dropped() noexcept;

  tuner_status flush(uint32_t timeout_ms, tuner_error* error);
  void fill_stats(tuner_stats& stats);

  // Shuts down within the configured time. True if the object may be deleted; else a thread of it
  // hangs, the library has pinned itself, and the object must be left alone for ever. `status` and
  // `error` say what happened to what was pending.
  bool shut_down(tuner_status& status, tuner_error* error) noexcept;

 private:
  // Until the instance stands, an error takes the new journal's file away again.
  class RemoveOnError {
   public:
    explicit RemoveOnError(Ring& ring) : ring_(&ring) {}
    ~RemoveOnError();
    RemoveOnError(const RemoveOnError&) = delete;
    RemoveOnError& operator=(const RemoveOnError&) = delete;
    void dismiss() { ring_ = nullptr; }

   private:
    Ring* ring_;
  };

  std::shared_ptr<Environment> open_repo();
  std::unique_ptr<Ring> make_ring();
  void warn_about_unmatched_patterns();
  bool commits_wait(uint64_t pending_age_ms) const;
  tuner_health health(uint64_t pending_age_ms) const;
  std::string health_text(uint64_t pending_age_ms);

  tuner_host host_{};
  Config config_;
  Log log_;
  std::shared_ptr<Environment> environment_;
  std::unique_ptr<Ring> ring_;
  RemoveOnError unfinished_;
  Handover handover_;
  Tracker tracker_;
  ForkGuard fork_guard_;
  Committer committer_;  // last: its thread uses all of the above
};

}  // namespace aimlog
