// What a host may expect of a plugin, whatever it gives: the plugin's table, its answers, and the
// host's own buffers and streams.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "tests/fuzz/expect.h"
#include "tests/fuzz/hostile_host.h"

namespace aimlog::test {

inline void expect_one_of(tuner_status status, std::initializer_list<tuner_status> allowed,
                          const char* what) {
  expect(std::find(allowed.begin(), allowed.end(), status) != allowed.end(), what, status);
}

inline const tuner_plugin& plugin() {
  static const tuner_plugin* const table = [] {
    auto args = tuner::make<tuner_entry_args>();
    args.host_abi_min = args.host_abi_max = 1;
    const tuner_plugin* entered = tuner_plugin_entry(&args);
    expect(entered != nullptr && args.abi_chosen == 1, "the entry gives no table");
    return entered;
  }();
  return *table;
}

// A host's buffer for texts, which must be left whole.
class Sink {
 public:
  Sink(FuzzInput& input, HostileHost& host) {
    const uint8_t choice = input.byte();
    auto error = tuner::make<tuner_error>();
    error.capacity = choice % 3 == 0 ? 400 : choice % 50;
    error.text = static_cast<char*>(host.block(error.capacity));
    if (choice == 1) error.text = nullptr;
    bool is_good = true;
    if (choice != 2) given_ = host.growable(error, is_good);
    is_written_ = given_ != nullptr && is_good;
    capacity_ = error.text == nullptr ? 0 : error.capacity;
  }
  tuner_error* get() const { return given_; }
  void check() const {
    if (!is_written_) return;
    expect(given_->length <= capacity_ && given_->length <= given_->full_length,
           "more text than there is room for");
  }

 private:
  tuner_error* given_ = nullptr;
  bool is_written_ = false;
  size_t capacity_ = 0;
};

// Gives and takes pieces of any size, and fails where the input says so.
struct Stream {
  std::string bytes;
  size_t piece = 1;
  int64_t failure = 0;  // what a failing call returns; 0 = none fails
  size_t done = 0;

  static int64_t TUNER_CALL write(void* data, const void* bytes, uint64_t count) noexcept {
    auto& self = *static_cast<Stream*>(data);
    if (self.failure != 0) return self.failure;
    const size_t taken = std::min<size_t>(self.piece, count);
    self.bytes.append(static_cast<const char*>(bytes), taken);
    return static_cast<int64_t>(taken);
  }
  static int64_t TUNER_CALL read(void* data, void* bytes, uint64_t capacity) noexcept {
    auto& self = *static_cast<Stream*>(data);
    if (self.failure != 0 && self.done > 0) return self.failure;
    const size_t given = std::min({self.piece, size_t{capacity}, self.bytes.size() - self.done});
    std::copy_n(self.bytes.data() + self.done, given, static_cast<char*>(bytes));
    self.done += given;
    return static_cast<int64_t>(given);
  }
};

}  // namespace aimlog::test
