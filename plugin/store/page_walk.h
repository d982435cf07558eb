// Walks all B-trees of an LMDB file page by page: shape, bounds, order of keys, counts, and that
// no page is used twice.
#pragma once

#include <filesystem>
#include <vector>

#include "plugin/store/page_format.h"

namespace aimlog {

class PageWalk {
 public:
  // `fd` must outlive it. `path` is for error texts.
  PageWalk(int fd, const std::filesystem::path& path, const MetaRecord& meta, size_t page_bytes,
           uint64_t file_bytes);

  // Throws Error(corrupt) that names file and page.
  void run();

 private:
  struct Counts {
    uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  };
  enum class Kind { free_pages, names, table };
  struct Tree {
    Kind kind;
    uint16_t depth;
    Counts seen;
  };
  // Keys of a subtree lie in [low, high); an empty high is no bound.
  struct Bounds {
    Bytes low, high;
  };

  void walk_tree(const TreeRecord& record, Kind kind);
  void walk_page(Tree& tree, uint64_t page, unsigned level, const Bounds& bounds);
  void check_branch(Tree& tree, uint64_t page, ByteView bytes, unsigned level,
                    const Bounds& bounds);
  void check_leaf(Tree& tree, uint64_t page, ByteView bytes, const Bounds& bounds);
  void check_data(Tree& tree, uint64_t page, unsigned flags, ByteView key, ByteView data,
                  uint64_t size);
  void check_free_list(uint64_t page, ByteView list);
  Bytes big_value(uint64_t page, uint64_t first, uint64_t size, bool wanted, Counts& seen);
  ByteView node_at(uint64_t page, ByteView bytes, unsigned index, unsigned keys) const;
  void claim(uint64_t page, uint64_t from);
  Bytes read_pages(uint64_t page, uint64_t count) const;
  [[noreturn]] void fail(uint64_t page, const char* why) const;

  int fd_;
  const std::filesystem::path& path_;
  const MetaRecord& meta_;
  size_t page_bytes_;
  uint64_t file_bytes_;
  std::vector<bool> used_;  // by page; free pages count as used, by the list of free pages
};

}  // namespace aimlog
