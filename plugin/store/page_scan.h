// Finds rows in pages by themselves, without a tree that leads to them. A row proves itself: its
// checksum is over its table, its key and its value.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "plugin/store/checked_value.h"
#include "plugin/store/environment.h"
#include "plugin/store/page_format.h"

namespace aimlog {

// A list of tables that a page holds: all that is needed to walk a repo without its meta page.
struct FoundRoot {
  uint64_t page = 0;
  uint64_t transaction = 0;  // that wrote it, as its row counts say
  TreeRecord names{};
};

class PageScan {
 public:
  // `fd` must outlive it. `path` is for error texts.
  PageScan(int fd, std::filesystem::path path, size_t page_bytes, uint64_t file_bytes);

  // The last one may be cut short, and have whole rows all the same.
  uint64_t pages() const { return (file_bytes_ + page_bytes_ - 1) / page_bytes_; }
  struct Place {
    uint64_t at = 0;            // of the value in the file
    uint64_t bytes = 0;         // with its checksum
    bool maybe_erased = false;  // it stands where the page has no rows any more, or nobody knows
  };
  using Visit =
      std::function<void(Table table, ByteView key, ByteView payload, const Place& place)>;
  // All rows that begin on this page. Where its own list of them is damaged or names too few, every
  // place is tried, so that rows erased from the page lately may come too.
  void rows_of(uint64_t page, const Visit& visit) const;
  // What stands in the pages of a long value that begins there, to the end of its last page.
  std::optional<Bytes> long_value_at(uint64_t page) const;
  // The newest whole list of tables, and the newest transaction that any row counts name.
  std::optional<FoundRoot> find_root() const;
  uint64_t newest_transaction() const { return newest_transaction_; }

 private:
  size_t try_node(uint64_t page, ByteView bytes, size_t offset, bool maybe_erased,
                  const Visit& visit) const;
  std::optional<FoundRoot> read_root(uint64_t page, ByteView bytes) const;
  std::optional<RowCounts> counts_on(uint64_t meta_root) const;
  Bytes read(uint64_t at, uint64_t count) const;  // shorter where the file ends

  int fd_;
  std::filesystem::path path_;
  size_t page_bytes_;
  uint64_t file_bytes_;
  mutable uint64_t newest_transaction_ = 0;
};

}  // namespace aimlog
