#include "plugin/journal/ring_format.h"

#include <fcntl.h>
#include <unistd.h>

#include "plugin/base/clock.h"
#include "plugin/base/crc32c.h"
#include "plugin/base/file.h"
#include "plugin/journal/ring.h"

namespace aimlog {
namespace {

// The kernel's random id of this boot, zeros where it has none to tell.
std::array<unsigned char, 16> boot_id() {
  std::array<unsigned char, 16> id{};
  char text[36];
  const UniqueFd fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (!fd || ::read(fd.get(), text, sizeof text) != sizeof text) return id;
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-' || digits == 32) continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    id[digits / 2] = static_cast<unsigned char>(id[digits / 2] << 4 | (value & 15));
    ++digits;
  }
  return id;
}

uint32_t header_crc(const RingHeader& header) {
  return crc32c(0, &header, offsetof(RingHeader, crc));
}

}  // namespace

Bytes make_ring_header(const std::array<unsigned char, 16>& id, uint64_t data_bytes) {
  RingHeader header{};
  std::memcpy(header.magic, ring_magic, sizeof header.magic);
  header.format_version = ring_format_version;
  header.header_bytes = ring_header_bytes;
  header.ring_id = id;
  header.data_bytes = data_bytes;
  header.boot_id = boot_id();
  header.pid = getpid();
  header.created_ns = wall_clock_ns();
  header.crc = header_crc(header);
  Bytes page(ring_header_bytes, '\0');
  std::memcpy(page.data(), &header, sizeof header);
  return page;
}

RingHeader check_ring_header(ByteView page, const std::filesystem::path& path) {
  RingHeader header;
  const auto fail = [&](ErrorCode code, const char* why) {
    throw Error(code, "journal " + path.string() + " " + why);
  };
  if (page.size() < sizeof header) fail(ErrorCode::corrupt, "is too short to be one");
  std::memcpy(&header, page.data(), sizeof header);
  if (std::memcmp(header.magic, ring_magic, sizeof header.magic) != 0) {
    fail(ErrorCode::corrupt, "does not begin as a journal does");
  }
  if (header.crc != header_crc(header)) fail(ErrorCode::corrupt, "has a damaged header");
  if (header.format_version > ring_format_version) {
    fail(ErrorCode::too_new, "was written by a later version of aimlog; please use that version");
  }
  const bool sane = header.format_version == ring_format_version &&
                    header.header_bytes == ring_header_bytes &&
                    header.data_bytes >= ring_bytes_min && header.data_bytes <= ring_bytes_max &&
                    header.data_bytes % ring_header_bytes == 0;
  if (!sane) fail(ErrorCode::corrupt, "has a header with impossible sizes");
  return header;
}

}  // namespace aimlog
