// One instance as a process has it: ring, tracker, committer, and beside them the list of what was
// published. What is left of it after its death is that list.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/include/tuner_plugin.hpp"
#include "plugin/base/log.h"
#include "plugin/commit/batch_committer.h"
#include "plugin/journal/handover.h"
#include "plugin/journal/ring.h"
#include "plugin/tracker/tracker.h"
#include "tests/simulator/random.h"
#include "tests/simulator/ring_log.h"

namespace aimlog::sim {

// Of one ring, for the whole history.
struct Journal {
  size_t number = 0;
  std::filesystem::path path;
  RingId id{};
  std::string job;
  std::unique_ptr<RingLog> log;
  uint64_t life = 0;              // of which process
  uint64_t durable = 0;           // the newest commit that returned
  bool dead = false;              // its writer
  uint64_t applied_at_death = 0;  // what the store had of it then
  bool looked_at = false;         // since then
  bool concluded = false;         // a recovery came to its end with it
  bool ended_in_order = false;
  bool end_is_unsure = false;  // until the store was looked at
  std::string area_at_death;   // the ring then, before a power cut took of it
};

class Writer {
 public:
  // Throws Error where the ring cannot be made. `value` counts results over the whole history.
  // `heavy`: long texts fill the ring in no time.
  Writer(std::shared_ptr<Environment> environment, Journal& journal, uint64_t ring_bytes,
         Random& random, int64_t& value, bool heavy);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // One event of any kind.
  void tell();
  // One, in the middle of which `action` happens if it comes to as many instructions.
  void tell_interrupted(uint64_t instructions, bool in_own_code,
                        const std::function<void()>& action);
  BatchCommitter::Step commit(bool last);
  // The host goes down in order. False: the ring stays for the next opener.
  bool close();

  bool is_telling() const { return telling_; }
  bool is_committing() const { return committing_; }
  bool is_closing() const { return closing_; }
  bool has_failed() const { return failed_; }  // its last commit
  bool committed_last() const { return committed_last_; }
  bool has_room() const { return ring_->used_bytes() < ring_->data_bytes() / 2; }
  uint64_t published() const { return ring_->published_sequence(); }
  const BatchCommitter& batches() const { return *batches_; }
  void end_experiment();

 private:
  struct Trial {
    std::string id;
    int64_t step = 0;
  };

  struct Interruption {
    uint64_t instructions;
    bool in_own_code;
    std::function<void()> action;
  };

  template <class Hook>
  void call(const Hook& hook);
  void note();
  // Against what the hook just answered; `before` records were there before it.
  void expect_answer(size_t before) const;
  void expect_drops_recorded() const;
  void tell_one();
  void begin_session();
  void report(Trial& trial);
  void start(Trial& trial);
  void end(Trial& trial, bool pause);
  void fail(Trial& trial);
  void checkpoint(Trial& trial);
  std::string filler();

  Random& random_;
  int64_t& value_;
  Journal& journal_;
  const bool heavy_;
  Handover handover_;
  Log log_{{}, {}, Severity::off};
  std::unique_ptr<Ring> ring_;
  std::optional<Tracker> tracker_;
  std::optional<BatchCommitter> batches_;
  std::vector<Trial> trials_;
  tuner::ResultBuilder tree_;
  std::optional<Interruption> interruption_;  // of the next hook
  WriteOutcome answer_ = WriteOutcome::ok;    // of the last hook
  std::optional<int64_t> told_value_;         // of the last hook, if it was a result
  uint64_t dropped_ = 0;                      // events, by the hooks' answers
  bool telling_ = false;
  bool committing_ = false;
  bool closing_ = false;
  bool committed_last_ = false;
  bool failed_ = false;
};

}  // namespace aimlog::sim
