// What the journal's tests share: records with contents that tell their own number, and reading all
// back.
#pragma once

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "plugin/journal/dead_ring.h"
#include "plugin/journal/ring.h"

namespace aimlog::test {

// The payload of record `number`: its length and each of its bytes follow from the number.
inline Bytes numbered_payload(uint64_t number, uint64_t longest = 200) {
  Bytes payload((number * 7919) % (longest + 1), '\0');
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(number + i * 31);
  return payload;
}

inline uint64_t write_record(Ring& ring, uint16_t type, ByteView payload,
                             RingRoom room = RingRoom::reserved) {
  char* place = ring.writer().reserve(static_cast<uint32_t>(payload.size()), room);
  if (place == nullptr) return 0;
  std::memcpy(place, payload.data(), payload.size());
  return ring.writer().publish(type, static_cast<uint32_t>(payload.size()));
}

struct ReadBack {
  std::vector<uint64_t> sequences;
  std::vector<Bytes> payloads;
  RingPosition end;
  RingDamage damage;
};

inline ReadBack read_all(const DeadRing& ring, RingPosition from = {}) {
  ReadBack result;
  result.end = from;
  RingRecord record;
  while (ring.read(result.end, record, result.damage)) {
    result.sequences.push_back(record.end.sequence);
    result.payloads.emplace_back(record.payload);
  }
  return result;
}

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline void write_file(const std::filesystem::path& path, ByteView bytes) {
  std::filesystem::remove(path);  // ext4 syncs a file that is cut to nothing and written again
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Stores a ring file with these bytes and reads it all.
inline ReadBack read_bytes(const std::filesystem::path& path, ByteView bytes,
                           RingPosition from = {}) {
  write_file(path, bytes);
  return read_all(DeadRing::open(path).value(), from);
}

// A finished ring's file with records 1 to `count`.
inline Bytes ring_file_with(const std::filesystem::path& directory, uint64_t count,
                            uint64_t longest = 200) {
  auto ring = Ring::create(directory, ring_bytes_min);
  for (uint64_t i = 1; i <= count; ++i) write_record(*ring, 1, numbered_payload(i, longest));
  const std::filesystem::path path = ring->path();
  ring.reset();
  Bytes bytes = read_file(path);
  std::filesystem::remove(path);
  return bytes;
}

inline size_t files_in(const std::filesystem::path& directory) {
  const std::filesystem::directory_iterator begin(directory);
  return static_cast<size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace aimlog::test
