// A chunk: many results of one attempt, column by column. SCHEMA.md describes the bytes and the
// codecs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/model/number.h"
#include "plugin/store/environment.h"
#include "plugin/store/number_column.h"
#include "plugin/store/rows.h"

namespace aimlog {

inline constexpr uint32_t row_group_rows_max = 4096;

struct RowGroup {
  struct Column {
    SeriesKey key;
    std::vector<Number> values;  // one a row; none where the result did not have it
  };
  uint64_t first_sequence = 0;  // in the journal they came through
  uint64_t last_sequence = 0;
  std::vector<int64_t> steps;  // one a row, in the order of sequence numbers
  std::vector<int64_t> times_ns;
  std::vector<Number> epochs;  // none where there was none
  std::vector<Column> columns;
};

Bytes encode_row_group(const RowGroup& group);

// Decodes what is asked for. The bytes must outlive it. Every method throws Error(corrupt) rather
// than give a wrong value.
class RowGroupReader {
 public:
  explicit RowGroupReader(ByteView bytes);
  // How many bytes the row group takes that begins here; what follows it may be anything.
  static uint64_t bytes_of_first(ByteView bytes);

  uint32_t rows() const { return rows_; }
  uint64_t first_sequence() const { return first_sequence_; }
  uint64_t last_sequence() const { return last_sequence_; }
  std::vector<SeriesKey> keys() const;  // in rising order
  std::vector<int64_t> steps() const;
  std::vector<int64_t> times_ns() const;
  std::vector<Number> epochs() const;
  std::optional<std::vector<Number>> column(SeriesKey key) const;  // one a row

  // The same as they are stored. Of `column_head` the bits are left out: where and of what type the
  // values are costs little to know.
  NumberColumn stored_epochs() const;
  std::optional<NumberColumn> stored_column(SeriesKey key) const;
  std::optional<NumberColumn> column_head(SeriesKey key) const;

 private:
  struct Part {
    uint32_t offset = 0;
    uint32_t bytes = 0;
  };
  struct ColumnEntry {
    SeriesKey key;
    Part part;
  };
  RowGroupReader() = default;
  uint64_t read_head(ByteView bytes);                    // gives where the last part ends
  ByteView bytes_of(Part part, const char* what) const;  // without its checksum, verified
  const Part* find(SeriesKey key) const;                 // NULL = there is none

  ByteView bytes_;
  uint32_t part_seed_ = 0;  // what the checksums of parts begin with
  uint32_t rows_ = 0;
  uint64_t first_sequence_ = 0;
  uint64_t last_sequence_ = 0;
  Part steps_, times_, epochs_;
  std::vector<ColumnEntry> columns_;
};

// Chunks are ordered by attempt, then journal, then sequence: the order of the points of a run.
struct ChunkKey {
  RunNumber run = 0;
  uint32_t attempt = 0;
  JournalNumber journal = 0;
  uint64_t first_sequence = 0;
};
ChunkKey read_chunk_key(ByteView bytes);  // of the table's key
void put_chunk(WriteTransaction& txn, const ChunkKey& key, ByteView encoded);
// Throws Error(not_found) if it is gone.
ByteView get_chunk(const Transaction& txn, const ChunkKey& key);
void each_chunk(const Transaction& txn, RunNumber run,
                const std::function<void(const ChunkKey&, ByteView encoded)>& visit);

}  // namespace aimlog
