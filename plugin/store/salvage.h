// Everything that is still readable in a repo's data file, whatever state it is in, with pread
// alone. The trees are used where they can be walked; pages are searched one by one only for what
// hung on broken places. Nothing may write meanwhile.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "plugin/base/unique_fd.h"
#include "plugin/store/environment.h"
#include "plugin/store/page_scan.h"
#include "plugin/store/page_walk.h"

namespace aimlog {

struct SalvagedRow {
  uint64_t at = 0;  // of the value in the file
  uint64_t bytes = 0;
  // Found on a page by itself; and that page was no longer in use, so it may be an older version.
  bool searched = false, stale = false;
};

class Salvage : private PageVisitor {
 public:
  using Rows = std::map<Bytes, SalvagedRow>;  // by key

  // Does all the searching. A missing or empty file holds nothing.
  explicit Salvage(const RepoPaths& paths);
  ~Salvage() override;

  const Rows& rows(Table table) const { return rows_[static_cast<unsigned>(table)]; }
  Bytes payload(const SalvagedRow& row) const;
  // Keys that are known to have been there and whose rows are damaged; found again ones too.
  const std::set<std::pair<Table, Bytes>>& damaged_rows() const { return bad_; }
  const std::vector<PageDamage>& damage() const { return damage_; }
  // False where rows of the newest commits had to be searched for among older ones.
  bool tree_is_newest() const { return !all_may_be_lost_; }
  // Nothing was broken in this table: it is as it was.
  bool is_whole(Table table) const;

 private:
  void table(ByteView name, uint64_t entries) override;
  void row(ByteView table, ByteView key, ByteView value, uint64_t at) override;
  bool take_by_checksum(std::optional<Table> led_by, ByteView key, ByteView value, uint64_t at);
  void damage(const PageDamage& damage) override;
  void free_page(uint64_t page) override;

  void walk();
  void walk_from(const MetaRecord& meta);
  void walk_from_found_root();
  void search();
  void search_long_chunks(const PageScan& scan);
  bool place_chunk(ByteView chunk, uint32_t checksum, uint64_t at);
  void offer(Table table, ByteView key, ByteView payload, const SalvagedRow& row);
  bool is_led_astray(ByteView table) const;
  bool may_be_lost(Table table, ByteView key) const;

  const RepoPaths& paths_;
  UniqueFd fd_;
  uint64_t file_bytes_ = 0;
  size_t page_bytes_ = 4096;
  std::array<Rows, table_count> rows_;
  std::set<std::pair<Table, Bytes>> bad_;
  std::vector<PageDamage> damage_;
  std::set<Bytes> tables_;                            // that the list of tables led to
  std::vector<bool> used_, free_;                     // pages: walked; on the list of free ones
  std::set<std::pair<uint32_t, uint32_t>> attempts_;  // runs and attempts that any row names
  uint64_t newest_transaction_ = 0;                   // that the head or any row counts name
  uint32_t journals_ = 0;                             // as many journals there were at most
  bool knows_free_ = false;                           // that list is whole
  bool all_may_be_lost_ = false;  // the tree is an older one than what was written last
};

}  // namespace aimlog
