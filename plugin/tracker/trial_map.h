// The trials that are alive in this instance, found by the host's number or by their id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plugin/base/small_bytes.h"
#include "plugin/model/ids.h"

namespace aimlog {

struct TrackedTrial {
  std::string raw_id;  // as the host writes it
  TrialKey key{};
  uint64_t host_key = 0;
  bool announced = false;  // its trial record is in the journal
};

class TrialMap {
 public:
  // A trial that is known, by a short way: the one that was found last, or by the host's number.
  // nullptr says nothing.
  const TrackedTrial* known(uint64_t host_key, std::string_view raw_id) {
    if (last_ != nullptr && is(*last_, raw_id)) [[likely]]
      return last_;
    return find_by_host_key(host_key, raw_id);
  }

  // Finds or makes. `make_id` mends the id where it is no UTF-8. The reference is valid until
  // forget(). Allocates nothing for a known trial.
  template <typename MakeId>
  TrackedTrial& find(uint64_t host_key, std::string_view raw_id, MakeId&& make_id) {
    if (last_ != nullptr && is(*last_, raw_id)) return *last_;
    if (TrackedTrial* trial = find_by_host_key(host_key, raw_id)) return *trial;
    auto found = by_id_.find(raw_id);
    if (found == by_id_.end()) {
      // Made whole first: where memory is short no half of a trial may stay.
      TrackedTrial made{std::string(raw_id), trial_key(make_id(raw_id))};
      found = by_id_.emplace(raw_id, std::move(made)).first;
    }
    TrackedTrial& trial = found->second;
    if (host_key != 0 && trial.host_key != host_key) {
      by_host_key_.erase(trial.host_key);
      trial.host_key = host_key;
      by_host_key_[host_key] = &trial;
    }
    return *(last_ = &trial);
  }

  // When a trial has ended nothing of it stays in memory; should it come back it is announced
  // again.
  void forget(std::string_view raw_id) {
    const auto found = by_id_.find(raw_id);
    if (found == by_id_.end()) return;
    last_ = nullptr;
    const auto keyed = by_host_key_.find(found->second.host_key);
    if (keyed != by_host_key_.end() && keyed->second == &found->second) by_host_key_.erase(keyed);
    by_id_.erase(found);
  }

  size_t size() const { return by_id_.size(); }

 private:
  static bool is(const TrackedTrial& trial, std::string_view raw_id) {
    if (trial.raw_id.size() != raw_id.size()) [[unlikely]]
      return false;
    return same_bytes(trial.raw_id.data(), raw_id.data(), raw_id.size());
  }
  [[gnu::noinline]] TrackedTrial* find_by_host_key(uint64_t host_key, std::string_view raw_id) {
    if (host_key == 0) return nullptr;
    const auto found = by_host_key_.find(host_key);
    if (found == by_host_key_.end() || !is(*found->second, raw_id)) return nullptr;
    return last_ = found->second;
  }

  TrackedTrial* last_ = nullptr;

  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, TrackedTrial, TextHash, std::equal_to<>> by_id_;
  std::unordered_map<uint64_t, TrackedTrial*> by_host_key_;
};

}  // namespace aimlog
