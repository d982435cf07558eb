// Bytes as a ring file, read from its beginning to its end as recovery does. Headers are fuzzed
// through check_ring_header(); so that the records are reached too, the file gets a good header of
// its own where the input's is bad.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "plugin/base/error.h"
#include "plugin/journal/dead_ring.h"
#include "plugin/journal/ring_format.h"
#include "plugin/journal/ring_scan.h"

namespace {

using namespace aimlog;

bool has_good_header(ByteView bytes) {
  try {
    check_ring_header(bytes, "input");
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::too_new) std::abort();
    return false;
  }
}

// A 64 KB data area of zeros with the input's at its beginning, 8-byte aligned.
void scan(ByteView data, const std::array<unsigned char, 16>& id) {
  alignas(8) static char area[ring_bytes_min];
  const size_t count = std::min(data.size(), sizeof area);
  std::fill(std::copy_n(data.begin(), count, area), area + sizeof area, '\0');
  const RingChecksum checksum(id);
  for (const uint64_t offset : {uint64_t{0}, uint64_t{65000 / 8 * 8}}) {
    RingPosition position{0, offset};
    RingRecord record;
    RingDamage damage;
    while (find_record({area, sizeof area}, checksum, position, offset + sizeof area, record,
                       damage)) {
      const bool inside = record.payload.data() >= area &&
                          record.payload.data() + record.payload.size() <= area + sizeof area;
      if (!inside || record.end.offset > offset + sizeof area) std::abort();
    }
    if (damage.bytes_skipped > sizeof area) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  std::array<unsigned char, 16> id{};
  if (has_good_header(bytes)) id = check_ring_header(bytes, "input").ring_id;
  if (size > sizeof(RingHeader)) scan(bytes.substr(sizeof(RingHeader)), id);
  return 0;
}
