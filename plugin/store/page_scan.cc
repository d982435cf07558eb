#include "plugin/store/page_scan.h"

#include <algorithm>
#include <map>
#include <vector>

#include "plugin/base/file.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/keys.h"
#include "plugin/store/store_format.h"

namespace aimlog {
namespace {

struct NodeHeader {
  uint16_t low, high, flags, key_bytes;
};

// Which tables have keys of this length.
std::vector<Table> tables_with_keys_of(size_t bytes) {
  switch (bytes) {
    case 1:
    case 2:
      return {Table::meta};
    case 4:
      return {Table::objects, Table::losses};
    case 5:
      return {Table::names, Table::shapes, Table::experiments, Table::jobs, Table::runs};
    case 8:
      return {Table::attempts, Table::params, Table::series, Table::checkpoints};
    case 9:
      return {Table::jobs, Table::tails, Table::journals};
    case 13:
      return {Table::runs, Table::tails};
    case 17:
      return {Table::names, Table::shapes, Table::experiments, Table::jobs, Table::journals};
    case 20:
      return {Table::chunks};
    case 21:
      return {Table::runs};
    default:
      return {};
  }
}

// How many nodes a page of this kind says it has; nullopt if its header cannot be one.
std::optional<unsigned> node_count(uint64_t page, ByteView bytes, unsigned kind) {
  const auto lower = load_at<uint16_t>(bytes, 12);
  const auto upper = load_at<uint16_t>(bytes, 14);
  if (load_at<uint64_t>(bytes, 0) != page || (load_at<uint16_t>(bytes, 10) & page_kinds) != kind ||
      lower < page_header_bytes || lower % 2 != 0 || lower > upper || upper > bytes.size()) {
    return std::nullopt;
  }
  return (lower - page_header_bytes) / 2;
}

}  // namespace

PageScan::PageScan(int fd, std::filesystem::path path, size_t page_bytes, uint64_t file_bytes)
    : fd_(fd), path_(std::move(path)), page_bytes_(page_bytes), file_bytes_(file_bytes) {}

Bytes PageScan::read(uint64_t at, uint64_t count) const {
  if (at >= file_bytes_) return {};
  Bytes bytes(std::min(count, file_bytes_ - at), '\0');
  try {
    bytes.resize(read_all_at(fd_, bytes.data(), bytes.size(), at, path_));
  } catch (const Error&) {
    bytes.clear();  // a place that the disk cannot read
  }
  return bytes;
}

void PageScan::rows_of(uint64_t page, const Visit& visit) const {
  const Bytes bytes = read(page * page_bytes_, page_bytes_);
  if (bytes.size() < page_header_bytes + node_header_bytes) return;
  size_t rows_begin = bytes.size();  // before it, between the list and the rows, is what was erased
  if (const auto nodes = node_count(page, bytes, leaf_page)) {
    rows_begin = load_at<uint16_t>(bytes, 14);
    std::map<size_t, size_t> rows;  // where each one begins, and its bytes
    bool whole = true;
    for (unsigned i = 0; i < *nodes; ++i) {
      const auto offset = load_at<uint16_t>(bytes, page_header_bytes + 2 * i);
      rows[offset] = try_node(page, bytes, offset, false, visit);
      whole = whole && rows[offset] > 0;
    }
    if (whole && fill_page(rows, rows_begin, page_bytes_)) return;
  }
  for (size_t offset = 0; offset + node_header_bytes < bytes.size(); offset += 2)
    try_node(page, bytes, offset, offset < rows_begin, visit);
}

// How many bytes the row takes that begins there; 0 if none does.
size_t PageScan::try_node(uint64_t page, ByteView bytes, size_t offset, bool maybe_erased,
                          const Visit& visit) const {
  if (offset + node_header_bytes >= bytes.size()) return 0;
  const auto header = load_at<NodeHeader>(bytes, offset);
  const uint64_t size = header.low | uint64_t{header.high} << 16;
  const ByteView rest = bytes.substr(offset + node_header_bytes);
  if (header.flags != 0 && header.flags != big_data) return 0;
  if (header.key_bytes > rest.size() || size < sizeof(uint32_t)) return 0;
  const std::vector<Table> tables = tables_with_keys_of(header.key_bytes);
  if (tables.empty()) return 0;
  const ByteView key = rest.substr(0, header.key_bytes);
  ByteView value = rest.substr(header.key_bytes);
  uint64_t at = page * page_bytes_ + offset + node_header_bytes + key.size();
  Bytes big;
  const bool is_long = header.flags == big_data;
  if (is_long) {
    if (value.size() < sizeof(uint64_t)) return 0;
    const auto first = load_at<uint64_t>(value, 0);
    if (first < 2 || first >= pages() || size > file_bytes_) return 0;
    at = first * page_bytes_ + page_header_bytes;
    big = read(at, size);
    value = big;
  }
  if (size > value.size()) return 0;
  value = value.substr(0, size);
  for (const Table table : tables) {
    // Of another table, or damaged: so are nearly all places that are tried.
    if (!has_checksum(table, key, value)) continue;
    try {
      visit(table, key, value.substr(0, size - sizeof(uint32_t)), {at, size, maybe_erased});
      return node_header_bytes + key.size() + (is_long ? sizeof(uint64_t) : size);
    } catch (const Error&) {
      // Its checksum holds, and it is no row.
    }
  }
  return 0;
}

std::optional<Bytes> PageScan::long_value_at(uint64_t page) const {
  const Bytes head = read(page * page_bytes_, page_header_bytes);
  if (head.size() < page_header_bytes || load_at<uint64_t>(head, 0) != page ||
      (load_at<uint16_t>(head, 10) & page_kinds) != overflow_page) {
    return std::nullopt;
  }
  const uint64_t count = load_at<uint32_t>(head, 12);
  if (count == 0 || count > pages() - page) return std::nullopt;
  return read(page * page_bytes_ + page_header_bytes, count * page_bytes_ - page_header_bytes);
}

// The row counts on the root page of the table `meta`.
std::optional<RowCounts> PageScan::counts_on(uint64_t meta_root) const {
  if (meta_root < 2 || meta_root >= pages()) return std::nullopt;
  std::optional<RowCounts> newest;
  rows_of(meta_root, [&](Table table, ByteView key, ByteView payload, const Place&) {
    if (table != Table::meta || key != ByteView(Key(MetaKind::row_counts))) return;
    const RowCounts counts = decode_row_counts(payload);
    if (!newest || counts.transaction > newest->transaction) newest = counts;
  });
  return newest;
}

std::optional<FoundRoot> PageScan::read_root(uint64_t page, ByteView bytes) const {
  const auto nodes = node_count(page, bytes, leaf_page);
  if (!nodes || *nodes < table_count) return std::nullopt;
  FoundRoot root;
  root.page = page;
  root.names = {0, 0, 1, 0, 1, 0, *nodes, page};
  std::map<Bytes, TreeRecord> trees;
  for (unsigned i = 0; i < *nodes; ++i) {
    const auto offset = load_at<uint16_t>(bytes, page_header_bytes + 2 * i);
    if (offset + node_header_bytes > bytes.size()) return std::nullopt;
    const auto header = load_at<NodeHeader>(bytes, offset);
    const ByteView rest = bytes.substr(offset + node_header_bytes);
    if (header.flags != sub_database || header.low != sizeof(TreeRecord) ||
        header.key_bytes + sizeof(TreeRecord) > rest.size()) {
      return std::nullopt;
    }
    trees[Bytes(rest.substr(0, header.key_bytes))] = load_at<TreeRecord>(rest, header.key_bytes);
  }
  const auto meta = trees.find(table_name(Table::meta));
  if (meta == trees.end()) return std::nullopt;
  const auto counts = counts_on(meta->second.root);
  if (!counts) return std::nullopt;
  // The page that an old list names may have been used anew: then its counts are of another state.
  for (unsigned i = 1; i < table_count; ++i) {
    const auto tree = trees.find(table_name(static_cast<Table>(i)));
    if (tree == trees.end() || tree->second.entries != counts->rows[i]) return std::nullopt;
  }
  root.transaction = counts->transaction;
  return root;
}

std::optional<FoundRoot> PageScan::find_root() const {
  std::optional<FoundRoot> best;
  for (uint64_t page = 2; page < pages(); ++page) {
    const Bytes bytes = read(page * page_bytes_, page_bytes_);
    if (bytes.size() < page_bytes_) continue;
    const auto root = read_root(page, bytes);
    if (root && (!best || root->transaction > best->transaction)) best = root;
    if (const auto counts = counts_on(page))
      newest_transaction_ = std::max(newest_transaction_, counts->transaction);
  }
  return best;
}

}  // namespace aimlog
