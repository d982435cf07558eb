#include "plugin/store/page_walk.h"

#include <algorithm>
#include <map>
#include <string>

#include "plugin/base/file.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/environment_state.h"

namespace aimlog {
namespace {

// LMDB's cursors have room for no more; a file may say anything.
constexpr uint16_t depth_max = 32;

struct NodeHeader {
  uint16_t low, high, flags, key_bytes;
};

// Keys of the list of free pages are transaction numbers, all others are compared as bytes.
bool key_less(bool numbers, ByteView a, ByteView b) {
  return numbers ? load_at<uint64_t>(a, 0) < load_at<uint64_t>(b, 0) : a < b;
}

size_t place_of_table(ByteView name) {
  for (unsigned i = 0; i < table_count; ++i) {
    if (name == table_name(static_cast<Table>(i))) return i;
  }
  return table_count;
}

}  // namespace

struct PageWalk::Fault : Error {
  Fault(const std::string& file, uint64_t at, const char* reason, PageDamage::Kind of_kind)
      : Error(ErrorCode::corrupt, file + " is damaged at page " + std::to_string(at) + ": " +
                                      reason + "; " + damage_advice),
        page(at),
        why(reason),
        kind(of_kind) {}
  uint64_t page;
  std::string why;
  PageDamage::Kind kind;
};

PageWalk::PageWalk(int fd, const std::filesystem::path& path, const MetaRecord& meta,
                   size_t page_bytes, uint64_t file_bytes)
    : fd_(fd),
      path_(path),
      meta_(meta),
      page_bytes_(page_bytes),
      file_bytes_(file_bytes),
      used_(meta.last_page + 1) {
  used_[0] = used_[1] = true;
}

void PageWalk::run() { run_all(); }

void PageWalk::run(PageVisitor& visitor) {
  visitor_ = &visitor;
  run_all();
}

void PageWalk::run_all() {
  walk_tree(meta_.trees[1], Kind::names);
  std::stable_sort(tables_.begin(), tables_.end(), [](const auto& a, const auto& b) {
    return place_of_table(a.first) < place_of_table(b.first);
  });
  for (const auto& [name, record] : tables_) {
    if (visitor_ != nullptr) visitor_->table(name, record.entries);
    walk_tree(record, Kind::table, name);
  }
  walk_tree(meta_.trees[0], Kind::free_pages, free_pages_name);
}

template <typename Action>
void PageWalk::tolerate(Tree& tree, uint64_t page, const Bounds& bounds, const Action& action) {
  if (visitor_ == nullptr) return action();
  try {
    action();
  } catch (const Fault& fault) {
    tree.whole = false;
    visitor_->damage({fault.page, tree.name, bounds.low, bounds.high, fault.why, fault.kind});
    if (page < used_.size() && page > 1) used_[page] = false;
  }
}

void PageWalk::walk_tree(const TreeRecord& record, Kind kind, ByteView name) {
  Tree tree{kind, Bytes(name), record.depth, {}};
  tolerate(tree, record.root, {}, [&] {
    if (record.root != no_page) walk_page(tree, record.root, 1, {});
    if (record.root == no_page && record.depth != 0) fail(0, "an empty tree has a depth");
  });
  const Counts& seen = tree.seen;
  tolerate(tree, no_page, {}, [&] {
    if (tree.whole &&
        (seen.branch_pages != record.branch_pages || seen.leaf_pages != record.leaf_pages ||
         seen.overflow_pages != record.overflow_pages || seen.entries != record.entries)) {
      fail(record.root, "its tree holds other counts than it says");
    }
  });
}

void PageWalk::walk_page(Tree& tree, uint64_t page, unsigned level, const Bounds& bounds) {
  claim(page, page);
  const Bytes bytes = read_pages(page, 1);
  const auto flags = load_at<uint16_t>(bytes, 10);
  const auto lower = load_at<uint16_t>(bytes, 12);
  const auto upper = load_at<uint16_t>(bytes, 14);
  if (load_at<uint64_t>(bytes, 0) != page) fail(page, "its number is wrong");
  if (lower <= page_header_bytes || lower % 2 != 0 || lower > upper || upper > page_bytes_) {
    fail(page, "its bounds are wrong");
  }
  if (level > std::min(tree.depth, depth_max)) fail(page, "its tree is too deep");
  if (flags == branch_page && level < tree.depth) {
    ++tree.seen.branch_pages;
    check_branch(tree, page, bytes, level, bounds);
  } else if (flags == leaf_page && level == tree.depth) {
    ++tree.seen.leaf_pages;
    check_leaf(tree, page, bytes, bounds);
  } else {
    fail(page, "it is of the wrong kind");
  }
}

// Header, key and inline data of a node: all that is left of the page from there.
ByteView PageWalk::node_at(uint64_t page, ByteView bytes, unsigned index, unsigned keys) const {
  const auto upper = load_at<uint16_t>(bytes, 14);
  const auto offset = load_at<uint16_t>(bytes, page_header_bytes + 2 * index);
  if (index >= keys || offset < upper || offset + node_header_bytes > page_bytes_) {
    fail(page, "a node lies outside");
  }
  const ByteView node = bytes.substr(offset);
  const auto header = load_at<NodeHeader>(node, 0);
  if (header.key_bytes > key_bytes_max || node_header_bytes + header.key_bytes > node.size()) {
    fail(page, "a key is too long");
  }
  return node;
}

// A node that its page's list names twice, or not at all, is found by the room that is left.
void PageWalk::check_room(uint64_t page, ByteView bytes, unsigned keys, bool is_branch) const {
  std::map<size_t, size_t> nodes;
  for (unsigned i = 0; i < keys; ++i) {
    const ByteView node = node_at(page, bytes, i, keys);
    const auto header = load_at<NodeHeader>(node, 0);
    const uint64_t data = (header.flags & big_data) != 0 ? sizeof(uint64_t)
                                                         : header.low | uint64_t{header.high} << 16;
    nodes[bytes.size() - node.size()] =
        node_header_bytes + header.key_bytes + (is_branch ? 0 : data);
  }
  if (!fill_page(nodes, load_at<uint16_t>(bytes, 14), page_bytes_))
    fail(page, "its list does not name all that it holds");
}

void PageWalk::check_branch(Tree& tree, uint64_t page, ByteView bytes, unsigned level,
                            const Bounds& bounds) {
  const unsigned keys = (load_at<uint16_t>(bytes, 12) - page_header_bytes) / 2;
  const bool numbers = tree.kind == Kind::free_pages;
  if (keys < (numbers ? 1u : 2u)) fail(page, "a branch has too few nodes");
  std::vector<std::pair<Bytes, uint64_t>> children;
  for (unsigned i = 0; i < keys; ++i) {
    const ByteView node = node_at(page, bytes, i, keys);
    const auto header = load_at<NodeHeader>(node, 0);
    const ByteView key = node.substr(node_header_bytes, header.key_bytes);
    // LMDB does not look at the first key of a branch.
    if (i > 0 && (key.empty() || (numbers && key.size() != sizeof(uint64_t)))) {
      fail(page, "a key has the wrong length");
    }
    const uint64_t child = header.low | uint64_t{header.high} << 16 | uint64_t{header.flags} << 32;
    children.emplace_back(i == 0 ? bounds.low : Bytes(key), child);
  }
  tolerate(tree, no_page, bounds, [&] { check_room(page, bytes, keys, true); });
  for (unsigned i = 0; i < keys; ++i) {
    const Bounds inside{children[i].first, i + 1 < keys ? children[i + 1].first : bounds.high};
    tolerate(tree, no_page, bounds, [&] {
      if (!inside.low.empty() && !inside.high.empty() &&
          !key_less(numbers, inside.low, inside.high)) {
        fail(page, "its keys are out of order");
      }
    });
    const uint64_t child = children[i].second;
    tolerate(tree, child, inside, [&] { walk_page(tree, child, level + 1, inside); });
  }
}

void PageWalk::check_leaf(Tree& tree, uint64_t page, ByteView bytes, const Bounds& bounds) {
  const unsigned keys = (load_at<uint16_t>(bytes, 12) - page_header_bytes) / 2;
  ByteView before;
  for (unsigned i = 0; i < keys; ++i) {
    tolerate(tree, page, bounds, [&] {
      const ByteView node = node_at(page, bytes, i, keys);
      check_node(tree, page, node, bounds, before);
      before = node.substr(node_header_bytes, load_at<NodeHeader>(node, 0).key_bytes);
    });
  }
  tolerate(tree, page, bounds, [&] { check_room(page, bytes, keys, false); });
}

void PageWalk::check_node(Tree& tree, uint64_t page, ByteView node, const Bounds& bounds,
                          ByteView before) {
  const bool numbers = tree.kind == Kind::free_pages;
  const auto header = load_at<NodeHeader>(node, 0);
  const ByteView key = node.substr(node_header_bytes, header.key_bytes);
  if (key.empty() || (numbers && key.size() != sizeof(uint64_t))) {
    fail(page, "a key has the wrong length");
  }
  // A row in the wrong place is still a row: it has its own checksum.
  tolerate(tree, no_page, bounds, [&] {
    if ((!before.empty() && !key_less(numbers, before, key)) ||
        (!bounds.low.empty() && key_less(numbers, key, bounds.low)) ||
        (!bounds.high.empty() && !key_less(numbers, key, bounds.high))) {
      fail(page, "its keys are out of order");
    }
  });
  ++tree.seen.entries;
  check_data(tree, page, header.flags, key, node.substr(node_header_bytes + key.size()),
             header.low | uint64_t{header.high} << 16);
}

void PageWalk::check_data(Tree& tree, uint64_t page, unsigned flags, ByteView key, ByteView data,
                          uint64_t size) {
  if ((flags & ~known_node_flags) != 0) fail(page, "a node has unknown flags");
  Bytes big;
  uint64_t at = page * page_bytes_ + page_bytes_ - data.size();
  if ((flags & big_data) != 0) {
    if (data.size() < sizeof(uint64_t)) fail(page, "a value is cut");
    const bool wanted = tree.kind == Kind::free_pages || visitor_ != nullptr;
    big = big_value(page, load_at<uint64_t>(data, 0), size, wanted, tree.seen);
    at = load_at<uint64_t>(data, 0) * page_bytes_ + page_header_bytes;
    data = big;
  } else {
    if (size > data.size()) fail(page, "a value is cut");
    data = data.substr(0, size);
  }
  if (tree.kind == Kind::free_pages) check_free_list(page, data);
  if ((tree.kind == Kind::names) != ((flags & sub_database) != 0)) {
    fail(page, "a table is no table");
  }
  if (tree.kind == Kind::names) add_table(page, key, data);
  if (tree.kind == Kind::table && visitor_ != nullptr) visitor_->row(tree.name, key, data, at);
}

void PageWalk::add_table(uint64_t page, ByteView name, ByteView data) {
  if (data.size() != sizeof(TreeRecord)) fail(page, "a table's record has the wrong size");
  const auto record = load_at<TreeRecord>(data, 0);
  if (record.flags != 0 || record.pad != 0) {
    fail(page, "a table has flags that it never had");
  }
  tables_.emplace_back(name, record);
}

void PageWalk::check_free_list(uint64_t page, ByteView list) {
  if (list.size() < sizeof(uint64_t)) fail(page, "a list of free pages is cut");
  const auto count = load_at<uint64_t>(list, 0);
  if (count > list.size() / sizeof(uint64_t) - 1) fail(page, "a list of free pages is too long");
  uint64_t before = no_page;
  for (uint64_t i = 1; i <= count; ++i) {
    const auto free_page = load_at<uint64_t>(list, i * sizeof(uint64_t));
    if (free_page >= before) fail(page, "a list of free pages is out of order");
    before = free_page;
    claim(free_page, page);
    if (visitor_ != nullptr) visitor_->free_page(free_page);
  }
}

// Only lists of free pages are wanted: a row has a checksum, which is looked at when it is read.
// A value may have more pages than it needs: where one is replaced by a shorter one within one
// transaction, LMDB keeps its place.
Bytes PageWalk::big_value(uint64_t page, uint64_t first, uint64_t size, bool wanted, Counts& seen) {
  const uint64_t needed = (page_header_bytes - 1 + size) / page_bytes_ + 1;
  const auto expect_inside = [&](uint64_t count) {
    if (first > meta_.last_page || count > meta_.last_page - first + 1) {
      fail(page, "a value lies outside");
    }
    if ((first + count) * page_bytes_ > file_bytes_) fail(first, "the file ends inside a value");
  };
  expect_inside(needed);
  const Bytes bytes = read_pages(first, wanted ? needed : 1);
  const auto count = load_at<uint32_t>(bytes, 12);
  if (load_at<uint64_t>(bytes, 0) != first || count < needed ||
      load_at<uint16_t>(bytes, 10) != overflow_page) {
    fail(first, "it does not begin the value that should be there");
  }
  expect_inside(count);
  for (uint64_t i = 0; i < count; ++i) claim(first + i, page);
  seen.overflow_pages += count;
  return wanted ? bytes.substr(page_header_bytes, size) : Bytes();
}

void PageWalk::claim(uint64_t page, uint64_t from) {
  if (page > meta_.last_page) fail(from, "it leads beyond the last page");
  if (used_[page]) fail(page, "it is used twice", PageDamage::Kind::led_astray);
  used_[page] = true;
}

Bytes PageWalk::read_pages(uint64_t page, uint64_t count) const {
  Bytes bytes(count * page_bytes_, '\0');
  size_t size = 0;
  try {
    size = read_all_at(fd_, bytes.data(), bytes.size(), page * page_bytes_, path_);
  } catch (const Error&) {
    if (visitor_ == nullptr) throw;
    fail(page, "the disk cannot read it");
  }
  if (size != bytes.size()) fail(page, "the file ends before it");
  return bytes;
}

void PageWalk::fail(uint64_t page, const char* why, PageDamage::Kind kind) const {
  throw Fault(path_, page, why, kind);
}

}  // namespace aimlog
