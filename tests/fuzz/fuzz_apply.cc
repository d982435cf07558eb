// Bytes as what one journal after another holds, applied as the committer and a recovery do it, and
// then looked at as people would. It is one transaction that is given up at the end, so each input
// begins with an empty repo.
#include "plugin/commit/apply_event.h"
#include "tests/fuzz/fuzz_events.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_store.h"
#include "tests/fuzz/look_at_runs.h"

namespace {

using namespace aimlog;
using test::FuzzInput;

RingId ring_id(unsigned number) { return {static_cast<unsigned char>(number)}; }

class Writer {
 public:
  explicit Writer(WriteTransaction& txn) : txn_(txn) { next_journal(); }

  void step(FuzzInput& input) {
    const uint8_t choice = input.byte();
    switch (choice % 32) {
      case 0:
        commit(false);
        image_->reload(txn_);
        return;
      case 1:
        die();
        next_journal();
        return;
      case 2:
        commit(false);
        return;
      default: {
        const auto type = static_cast<EventType>(choice % 32 - 2);
        const size_t which = input.byte();
        const ByteView payload = input.text();
        const Bytes made = which < 128 ? test::made_to_meet(type, payload, which) : Bytes(payload);
        EventApplier(txn_, *image_, is_live_).apply(type, ++sequence_, made);
      }
    }
  }

  // A batch comes to its end: in the middle of one nobody sees the store.
  void rest() { commit(false); }
  void die() {
    if (image_->row.number != 0) EventApplier(txn_, *image_, is_live_).crash_open_runs();
    commit(true);
  }

 private:
  void next_journal() {
    image_.emplace(ring_id(++journals_));
    image_->reload(txn_);
    sequence_ = 0;
  }
  void commit(bool everything) {
    finish_batch(txn_, *image_, {sequence_, sequence_ * 64}, everything);
  }

  WriteTransaction& txn_;
  // Every other journal is taken for a live one.
  const IsLive is_live_ = [](const RingId& ring) { return ring[0] % 2 == 0; };
  std::optional<JournalImage> image_;
  unsigned journals_ = 0;
  uint64_t sequence_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzInput input(data, size);
  WriteTransaction txn(test::empty_store());
  Writer writer(txn);
  while (!input.is_empty()) writer.step(input);
  writer.rest();
  test::look_at_runs(txn);
  writer.die();
  test::look_at_runs(txn);
  return 0;
}
