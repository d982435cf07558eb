// A list of the results that a plugin acknowledged, in memory shared with a file, so that it can
// be read after the tuner was killed and compared with what was recorded.
//
// Layout, little-endian:
//   offset  0  8 bytes  magic "TUNERACK"
//   offset  8  u32      version, 1
//   offset 12  u32      bytes of a record, 64
//   offset 16  u64      count of whole records; stored after the record itself
//   offset 24  u64      capacity in records; results beyond it are not listed
//   offset 64 + 64*i    record i:
//     + 0  24 bytes  trial id, padded with NULs
//     +24  u32       attempt, the tuner's own count of the trial's starts
//     +28  u32       subset of the result's context: 0 train, 1 val
//     +32  i64       step (training_iteration)
//     +40  u64       bits of the metric `loss` (an IEEE 754 double)
//     +48  u32       plugin, by its place on the command line, from 0
//     +52  u32       process of the job: 0 the first, and one more for each opening of the file
//     +56  i64       time of the event, nanoseconds since the Unix epoch
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace example {

struct Acknowledged {
  char trial_id[24];
  std::uint32_t attempt;
  std::uint32_t subset;
  std::int64_t step;
  std::uint64_t loss_bits;
  std::uint32_t plugin;
  std::uint32_t process;
  std::int64_t time_ns;
};
static_assert(sizeof(Acknowledged) == 64);
static_assert(offsetof(Acknowledged, loss_bits) == 40);
static_assert(offsetof(Acknowledged, time_ns) == 56);

// Goes on with a list that is there already. One process at a time.
class AckFile {
 public:
  // Throws std::system_error, and std::runtime_error if the file is something else.
  explicit AckFile(const std::string& path);
  ~AckFile();
  AckFile(const AckFile&) = delete;
  AckFile& operator=(const AckFile&) = delete;

  // Fills in `process` itself.
  void add(Acknowledged record);

 private:
  struct Header;

  Header* header_;
  Acknowledged* records_;
  std::uint32_t process_ = 0;
};

}  // namespace example
