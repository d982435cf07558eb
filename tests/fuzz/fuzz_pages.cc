// Bytes as damage to a repo's data file: what looks at pages before LMDB does, and what salvages
// them, must say what is wrong and do no more. A file that passes the check of all pages is given
// to LMDB: then each row comes back as it was, or is refused.
//
// An input is a list of changes: which page (one byte), where in it (two), how many bytes, the
// bytes. Page 255 cuts the file there instead.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <vector>

#include "plugin/base/error.h"
#include "plugin/base/file.h"
#include "plugin/store/keys.h"
#include "plugin/store/page_metas.h"
#include "plugin/store/page_walk.h"
#include "plugin/store/row_group.h"
#include "plugin/store/salvage.h"
#include "plugin/store/snapshot_walk.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_store.h"
#include "tests/support/every_row.h"

namespace {

using namespace aimlog;

constexpr size_t page_bytes = 4096;

using test::decode_chunk;
using test::expect;
using test::read_all;
using test::Rows;

Bytes noisy_chunk(uint64_t first) {
  std::mt19937_64 random(3);
  RowGroup group;
  group.first_sequence = group.last_sequence = first;
  group.columns.resize(1);
  for (int64_t i = 0; i < 600; ++i) {
    group.steps.push_back(i);
    group.times_ns.push_back(i);
    group.epochs.push_back(Number());
    group.columns[0].values.push_back({NumberType::float64, random()});
  }
  return encode_row_group(group);
}

// Branches, leaves, long values and free pages.
void fill(Environment& environment) {
  with_write_transaction(environment, [](WriteTransaction& txn) {
    for (uint32_t i = 0; i < 120; ++i)
      txn.put(Table::runs, Key().add(i), Bytes(30 + i % 40, static_cast<char>('a' + i % 26)));
    for (uint64_t i = 0; i < 3; ++i)
      txn.put(Table::chunks, Key().add(1u).add(1u).add(1u).add(i), noisy_chunk(i));
  });
  with_write_transaction(environment, [](WriteTransaction& txn) {
    for (uint32_t i = 0; i < 120; i += 3) txn.erase(Table::runs, Key().add(i));
    txn.erase(Table::chunks, Key().add(1u).add(1u).add(1u).add(uint64_t{1}));
  });
}

bool is_chunk_refused(ByteView bytes) {
  try {
    decode_chunk(bytes);
    return false;
  } catch (const Error&) {
    return true;
  }
}

class DamagedFile {
 public:
  DamagedFile() {
    {
      const auto environment = Environment::open(directory_.path(), OpenMode::create);
      fill(*environment);
      rows_ = read_all(*environment);
    }
    fd_ = open_file(paths_.data, O_RDWR);
    whole_.resize(file_size(fd_.get(), paths_.data));
    read_all_at(fd_.get(), whole_.data(), whole_.size(), 0, paths_.data);
  }

  void damage(test::FuzzInput& input) {
    const size_t pages = whole_.size() / page_bytes;
    while (!input.is_empty()) {
      const uint8_t page = input.byte();
      const size_t at = (page % pages) * page_bytes + input.number<uint16_t>() % page_bytes;
      if (page == 255) {
        expect(::ftruncate(fd_.get(), static_cast<off_t>(at)) == 0, "ftruncate");
        cut_ = true;
        continue;
      }
      const ByteView bytes = input.take(input.byte() % 32 + 1);
      write_all_at(fd_.get(), bytes, at, paths_.data);
      changed_.push_back(at);
    }
  }
  void mend() {
    if (cut_) write_all_at(fd_.get(), whole_, 0, paths_.data);
    for (const size_t at : changed_) {
      const ByteView whole = ByteView(whole_).substr(at, 32);
      write_all_at(fd_.get(), whole, at, paths_.data);
    }
    expect(::ftruncate(fd_.get(), static_cast<off_t>(whole_.size())) == 0, "ftruncate");
    changed_.clear();
    cut_ = false;
  }

  // Whether LMDB may see it.
  bool passes_check() const {
    try {
      const Metas metas = read_metas(fd_.get(), paths_);
      const uint64_t bytes = file_size(fd_.get(), paths_.data);
      PageWalk(fd_.get(), paths_.data, metas.newest, metas.page_bytes, bytes).run();
      return true;
    } catch (const Error& error) {
      const bool expected =
          error.code() == ErrorCode::corrupt || error.code() == ErrorCode::unsupported;
      expect(expected, error.what());
      return false;
    }
  }
  void use() const {
    try {
      const auto environment = Environment::open(directory_.path(), OpenMode::read_only);
      expect(read_all(*environment) == rows_, "rows come back as they were");
    } catch (const Error& error) {
      const bool expected = error.code() == ErrorCode::corrupt ||
                            error.code() == ErrorCode::unsupported || error.code() == ErrorCode::io;
      expect(expected, error.what());
    }
  }
  void salvage() const {
    try {
      const Salvage salvage(paths_);
      // Without its head nobody can tell whether a tree that was found is the last one.
      const bool has_head = std::none_of(salvage.damage().begin(), salvage.damage().end(),
                                         [](const PageDamage& each) { return each.page == 0; });
      const bool is_newest = salvage.tree_is_newest() && has_head;
      for (unsigned i = 0; i < table_count; ++i) {
        const auto table = static_cast<Table>(i);
        salvage.is_whole(table);
        for (const auto& [key, row] : salvage.rows(table)) {
          const auto known = rows_.find({i, key});
          const Bytes payload = salvage.payload(row);
          if (known == rows_.end() || payload == known->second) continue;
          // An older row may come back, another one never.
          const bool is_older = row.searched || (!is_newest && !test::planted);
          const bool is_refused = table == Table::chunks && is_chunk_refused(payload);
          expect(is_older || is_refused, "salvaged rows are as they were");
        }
      }
    } catch (const Error& error) {
      expect(error.code() == ErrorCode::unsupported, error.what());
    }
  }
  void walk() const {
    struct Visitor : PageVisitor {
      void table(ByteView, uint64_t) override {}
      void row(ByteView, ByteView, ByteView, uint64_t) override {}
      void damage(const PageDamage& damage) override {
        expect(!damage.what.empty(), "what damage is");
      }
    } visitor;
    // Beside LMDB's lock file LMDB would be asked: that is for a child.
    std::filesystem::remove(paths_.root / "lock.mdb");
    try {
      walk_snapshot(paths_, visitor);
    } catch (const Error& error) {
      expect(error.code() == ErrorCode::unsupported, error.what());
    }
  }

 private:
  test::TempDir directory_;
  RepoPaths paths_{directory_.path()};
  UniqueFd fd_;
  Bytes whole_;
  Rows rows_;
  std::vector<size_t> changed_;
  bool cut_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  test::prefer_memory();
  static DamagedFile file;
  test::FuzzInput input(data, size);
  file.damage(input);
  if (file.passes_check()) file.use();
  file.salvage();
  file.walk();
  file.mend();
  return 0;
}
