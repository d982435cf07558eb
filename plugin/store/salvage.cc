#include "plugin/store/salvage.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "plugin/base/file.h"
#include "plugin/store/checked_value.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/environment_state.h"
#include "plugin/store/keys.h"
#include "plugin/store/page_metas.h"
#include "plugin/store/row_age.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/row_group.h"
#include "plugin/store/store_format.h"

namespace aimlog {
namespace {

std::optional<Table> table_of(ByteView name) {
  for (unsigned i = 0; i < table_count; ++i) {
    if (name == table_name(static_cast<Table>(i))) return static_cast<Table>(i);
  }
  return std::nullopt;
}

}  // namespace

Salvage::Salvage(const RepoPaths& paths) : paths_(paths) {
  std::error_code missing;
  if (!std::filesystem::exists(paths.data, missing)) return;
  fd_ = open_file(paths.data, O_RDONLY);
  file_bytes_ = file_size(fd_.get(), paths.data);
  walk();
  search();
}

Salvage::~Salvage() = default;

void Salvage::walk() {
  try {
    const Metas metas = read_metas(fd_.get(), paths_);
    page_bytes_ = metas.page_bytes;
    newest_transaction_ = metas.newest.transaction;
    walk_from(metas.newest);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::unsupported) throw;
    damage_.push_back({0, {}, {}, {}, without_damage_advice(error.what())});
  }
  if (tables_.empty()) walk_from_found_root();
}

void Salvage::walk_from(const MetaRecord& meta) {
  // A last page far behind the file's end would only be memory.
  MetaRecord inside = meta;
  inside.last_page = std::min(meta.last_page, file_bytes_ / page_bytes_ + (1 << 20));
  knows_free_ = true;
  free_.assign(inside.last_page + 1, false);
  PageWalk walk(fd_.get(), paths_.data, inside, page_bytes_, file_bytes_);
  walk.run(*this);
  used_.assign(inside.last_page + 1, false);
  for (uint64_t page = 0; page < used_.size(); ++page)
    used_[page] = walk.is_used(page) && !free_[page];
}

// Without meta pages, or with one that leads nowhere: the list of tables is a page like others.
void Salvage::walk_from_found_root() {
  const PageScan scan(fd_.get(), paths_.data, page_bytes_, file_bytes_);
  const auto root = scan.find_root();
  newest_transaction_ = std::max(newest_transaction_, scan.newest_transaction());
  all_may_be_lost_ = !root || root->transaction < newest_transaction_;
  if (root) {
    MetaRecord meta{};
    meta.trees[0].root = no_page;
    meta.trees[1] = root->names;
    meta.last_page = std::max<uint64_t>(scan.pages(), 2) - 1;
    bad_.clear();
    const size_t damaged_before = damage_.size();
    walk_from(meta);
    // Pages of an old tree that were used anew look like damage.
    all_may_be_lost_ = all_may_be_lost_ || damage_.size() > damaged_before;
  }
  knows_free_ = false;
}

void Salvage::table(ByteView name, uint64_t) {
  if (table_of(name)) tables_.insert(Bytes(name));
}

void Salvage::row(ByteView name, ByteView key, ByteView value, uint64_t at) {
  const auto table = table_of(name);
  if (table && has_checksum(*table, key, value))
    rows_[static_cast<unsigned>(*table)][Bytes(key)] = {at, value.size(), false, false};
  else if (!take_by_checksum(table, key, value, at) && table)
    bad_.insert({*table, Bytes(key)});
}

// A name in the list of tables is damaged, or a page number that leads into another table. A row's
// checksum is over the name of its table, too. True if it is a row of any.
bool Salvage::take_by_checksum(std::optional<Table> led_by, ByteView key, ByteView value,
                               uint64_t at) {
  for (unsigned i = 0; i < table_count; ++i) {
    if (!has_checksum(static_cast<Table>(i), key, value)) continue;
    const bool is_astray = led_by.has_value();  // on a page that may be an old one
    rows_[i].try_emplace(Bytes(key), SalvagedRow{at, value.size(), is_astray, is_astray});
    if (is_astray && !is_led_astray(table_name(*led_by)))
      damage({at / page_bytes_,
              table_name(*led_by),
              {},
              {},
              "it has rows of another table",
              PageDamage::Kind::led_astray});
    return true;
  }
  return false;
}

void Salvage::damage(const PageDamage& damage) {
  damage_.push_back(damage);
  if (damage.table == free_pages_name) knows_free_ = false;
}

void Salvage::free_page(uint64_t page) {
  if (page < free_.size()) free_[page] = true;
}

// What it has in the place of the page that it leads past is not known.
bool Salvage::is_led_astray(ByteView table) const {
  return std::any_of(damage_.begin(), damage_.end(), [&](const PageDamage& each) {
    return each.kind == PageDamage::Kind::led_astray && each.table == table;
  });
}

bool Salvage::is_whole(Table table) const {
  if (all_may_be_lost_ || tables_.count(table_name(table)) == 0) return false;
  const bool broken = std::any_of(damage_.begin(), damage_.end(), [&](const PageDamage& each) {
    return each.table == table_name(table);
  });
  const bool bad =
      std::any_of(bad_.begin(), bad_.end(), [&](const auto& each) { return each.first == table; });
  return !broken && !bad;
}

bool Salvage::may_be_lost(Table table, ByteView key) const {
  const char* name = table_name(table);
  if (all_may_be_lost_ || tables_.count(name) == 0) return true;
  if (bad_.count({table, Bytes(key)}) > 0 || is_led_astray(name)) return true;
  return std::any_of(damage_.begin(), damage_.end(), [&](const PageDamage& each) {
    return each.table == name && key >= each.low && (each.high.empty() || key < each.high);
  });
}

void Salvage::search() {
  const bool whole = bad_.empty() && !all_may_be_lost_ &&
                     std::all_of(damage_.begin(), damage_.end(), [&](const PageDamage& each) {
                       return each.table == free_pages_name || each.table.empty();
                     });
  if (whole && tables_.size() >= table_count) return;
  // Pages that count as used may be such that nobody was shown.
  const bool led_astray = std::any_of(damage_.begin(), damage_.end(), [](const PageDamage& each) {
    return each.kind == PageDamage::Kind::led_astray;
  });
  const bool use_is_known = !led_astray && !all_may_be_lost_;
  const PageScan scan(fd_.get(), paths_.data, page_bytes_, file_bytes_);
  for (uint64_t page = 2; page < scan.pages(); ++page) {
    const bool used = page < used_.size() && used_[page];
    if (used && use_is_known) continue;
    const bool stale = !knows_free_ || used || (page < free_.size() && free_[page]);
    scan.rows_of(
        page, [&](Table table, ByteView key, ByteView payload, const PageScan::Place& place) {
          if (may_be_lost(table, key))
            offer(table, key, payload, {place.at, place.bytes, true, stale || place.maybe_erased});
        });
  }
  if (!is_whole(Table::chunks)) search_long_chunks(scan);
}

// A long value whose leaf page is lost says nothing of its key. But a chunk knows its own length
// and first sequence number, and its checksum is over its key: so all keys that it may have are
// tried.
void Salvage::search_long_chunks(const PageScan& scan) {
  constexpr uint32_t journals_without_counter = 64;
  for (const Table table : {Table::attempts, Table::series, Table::chunks}) {
    for (const auto& [key, row] : rows(table)) {
      if (key.size() < 2 * sizeof(uint32_t)) continue;  // no key of ours
      KeyReader reader(key);
      const auto run = reader.number<uint32_t>();
      attempts_.insert({run, reader.number<uint32_t>()});
    }
  }
  const Key counter = Key(MetaKind::next_number).add(static_cast<uint8_t>(Counter::journal));
  const auto journals = rows(Table::meta).find(Bytes(ByteView(counter)));
  journals_ = journals == rows(Table::meta).end() ? journals_without_counter
                                                  : decode_number_32(payload(journals->second));
  std::set<uint64_t> known;
  for (const auto& [key, row] : rows(Table::chunks)) known.insert(row.at);
  for (uint64_t page = 2; page < scan.pages(); ++page) {
    const uint64_t at = page * page_bytes_ + page_header_bytes;
    if ((page < used_.size() && used_[page]) || known.count(at) > 0) continue;
    const auto value = scan.long_value_at(page);
    if (!value) continue;
    try {
      const uint64_t size = RowGroupReader::bytes_of_first(*value);
      if (size + sizeof(uint32_t) > value->size()) continue;
      place_chunk(ByteView(*value).substr(0, size), load_at<uint32_t>(*value, size), at);
    } catch (const Error&) {
      // No chunk.
    }
  }
}

bool Salvage::place_chunk(ByteView chunk, uint32_t checksum, uint64_t at) {
  const uint64_t first = RowGroupReader(chunk).first_sequence();
  Bytes value(chunk);
  append_fixed(value, checksum);
  for (const auto& [run, attempt] : attempts_) {
    for (JournalNumber journal = 0; journal <= journals_; ++journal) {
      const Key key = Key().add(run).add(attempt).add(journal).add(first);
      if (!has_checksum(Table::chunks, key, value)) continue;
      if (may_be_lost(Table::chunks, key))
        offer(Table::chunks, key, chunk, {at, value.size(), true, !knows_free_});
      return true;
    }
  }
  return false;
}

// Of two versions the one on a page in use, else the newer one by what it says; the tree's where
// they are equal.
void Salvage::offer(Table table, ByteView key, ByteView payload, const SalvagedRow& row) {
  Rows& rows = rows_[static_cast<unsigned>(table)];
  const auto [known, is_new] = rows.try_emplace(Bytes(key), row);
  if (is_new) return;
  const bool better = known->second.stale != row.stale
                          ? known->second.stale
                          : is_newer(table, key, payload, this->payload(known->second));
  // The row of a tree that is not the newest one competes like the others.
  const bool from_old_tree = all_may_be_lost_ && !known->second.searched;
  if (from_old_tree ? is_newer(table, key, payload, this->payload(known->second)) : better)
    known->second = row;
}

Bytes Salvage::payload(const SalvagedRow& row) const {
  Bytes bytes(row.bytes, '\0');
  bytes.resize(read_all_at(fd_.get(), bytes.data(), bytes.size(), row.at, paths_.data));
  bytes.resize(bytes.size() - std::min(bytes.size(), sizeof(uint32_t)));
  return bytes;
}

}  // namespace aimlog
