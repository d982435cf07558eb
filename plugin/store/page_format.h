// LMDB 0.9's file as far as we look at it (64-bit, little-endian). The layout is LMDB's own.
// Stored on disk: never renumber.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>

#include "plugin/base/bytes.h"

namespace aimlog {

inline constexpr size_t page_header_bytes = 16;
inline constexpr size_t meta_bytes = 136;
inline constexpr size_t node_header_bytes = 8;
inline constexpr uint32_t lmdb_magic = 0xbeefc0de;
inline constexpr uint32_t lmdb_version = 1;
inline constexpr uint64_t no_page = ~uint64_t{0};
inline constexpr size_t key_bytes_max = 511;

// All that a page of ours has on disk is its kind. LMDB would believe others: that the page is only
// in memory yet, or is not to be written.
enum PageFlag : unsigned {
  branch_page = 0x01,
  leaf_page = 0x02,
  overflow_page = 0x04,
  meta_page = 0x08,
  page_kinds = 0x0f,
};
enum NodeFlag : unsigned { big_data = 1, sub_database = 2, known_node_flags = 3 };
inline constexpr unsigned integer_key_flag = 0x08;

template <typename T>
T load_at(ByteView bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// Whether these nodes, by where each begins and with how many bytes, are all that a page holds.
// LMDB begins each at an even place and leaves no room between them.
inline bool fill_page(const std::map<size_t, size_t>& nodes, size_t upper, size_t page_bytes) {
  size_t end = upper;
  for (const auto& [begin, bytes] : nodes) {
    if (begin != end) return false;
    end += bytes + bytes % 2;
  }
  return end == page_bytes;
}

// The root record of a B-tree.
struct TreeRecord {
  uint32_t pad;
  uint16_t flags;
  uint16_t depth;
  uint64_t branch_pages;
  uint64_t leaf_pages;
  uint64_t overflow_pages;
  uint64_t entries;
  uint64_t root;
};
static_assert(sizeof(TreeRecord) == 48);

struct MetaRecord {
  uint32_t magic;
  uint32_t version;
  uint64_t address;
  uint64_t map_bytes;
  TreeRecord trees[2];  // of free pages, and of names (the main database)
  uint64_t last_page;
  uint64_t transaction;
};
static_assert(sizeof(MetaRecord) == meta_bytes);

}  // namespace aimlog
