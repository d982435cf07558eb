// Walks all B-trees of an LMDB file page by page: shape, bounds, order of keys, counts, and that
// no page is used twice.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "plugin/store/page_format.h"

namespace aimlog {

// A place where a tree is broken. What stood under keys in [low, high) of the table may be lost; an
// empty high is no bound. An empty table: the list of tables.
struct PageDamage {
  uint64_t page = 0;
  Bytes table, low, high;
  std::string what;
  enum class Kind {
    broken,
    led_astray,  // it leads to pages of other places, which count as used then
  } kind = Kind::broken;
};

// Is shown what a walk meets.
class PageVisitor {
 public:
  virtual ~PageVisitor() = default;
  virtual void table(ByteView name, uint64_t entries) = 0;
  // The value as it stands, its checksum at its end, and where in the file.
  virtual void row(ByteView table, ByteView key, ByteView value, uint64_t at) = 0;
  virtual void damage(const PageDamage& damage) = 0;
  virtual void free_page(uint64_t) {}
};

// What damage of the list of free pages says in the place of a table.
inline constexpr const char* free_pages_name = "free pages";

class PageWalk {
 public:
  // `fd` must outlive it. `path` is for error texts.
  PageWalk(int fd, const std::filesystem::path& path, const MetaRecord& meta, size_t page_bytes,
           uint64_t file_bytes);

  // Throws Error(corrupt) that names file and page.
  void run();
  // Goes on behind damage: what hangs on it is left out. Tables come in the order of `Table`.
  void run(PageVisitor& visitor);
  // After a run: whether a page belongs to what was met, or is on the list of free pages.
  bool is_used(uint64_t page) const { return page < used_.size() && used_[page]; }

 private:
  struct Counts {
    uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  };
  enum class Kind { free_pages, names, table };
  struct Tree {
    Kind kind;
    Bytes name;  // of a table
    uint16_t depth;
    Counts seen;
    bool whole = true;  // nothing of it was left out: then its counts must be right
  };
  struct Fault;  // an Error that knows its page
  // Keys of a subtree lie in [low, high); an empty high is no bound.
  struct Bounds {
    Bytes low, high;
  };

  void run_all();
  void walk_tree(const TreeRecord& record, Kind kind, ByteView name = {});
  // Throws what `action` throws, unless there is a visitor, who is told.
  template <typename Action>
  void tolerate(Tree& tree, uint64_t page, const Bounds& bounds, const Action& action);
  void walk_page(Tree& tree, uint64_t page, unsigned level, const Bounds& bounds);
  void check_branch(Tree& tree, uint64_t page, ByteView bytes, unsigned level,
                    const Bounds& bounds);
  void check_room(uint64_t page, ByteView bytes, unsigned keys, bool is_branch) const;
  void check_leaf(Tree& tree, uint64_t page, ByteView bytes, const Bounds& bounds);
  void check_node(Tree& tree, uint64_t page, ByteView node, const Bounds& bounds, ByteView before);
  void check_data(Tree& tree, uint64_t page, unsigned flags, ByteView key, ByteView data,
                  uint64_t size);
  void check_free_list(uint64_t page, ByteView list);
  Bytes big_value(uint64_t page, uint64_t first, uint64_t size, bool wanted, Counts& seen);
  ByteView node_at(uint64_t page, ByteView bytes, unsigned index, unsigned keys) const;
  void claim(uint64_t page, uint64_t from);
  Bytes read_pages(uint64_t page, uint64_t count) const;
  void add_table(uint64_t page, ByteView name, ByteView data);
  [[noreturn]] void fail(uint64_t page, const char* why,
                         PageDamage::Kind kind = PageDamage::Kind::broken) const;

  int fd_;
  const std::filesystem::path& path_;
  const MetaRecord& meta_;
  size_t page_bytes_;
  uint64_t file_bytes_;
  PageVisitor* visitor_ = nullptr;
  std::vector<std::pair<Bytes, TreeRecord>> tables_;
  std::vector<bool> used_;  // by page; free pages count as used, by the list of free pages
};

}  // namespace aimlog
