// A stream of batches through the Arrow C stream interface.
#pragma once

#include <memory>
#include <optional>

#include "plugin/read/arrow_column.h"

namespace aimlog {

// Where batches come from. Used by one thread at a time; may throw Error.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual ArrowColumn schema() = 0;  // a struct without rows
  virtual std::optional<ArrowColumn> next() = 0;
};

// Fills `out`. From then on nothing throws: errors become errno values with a text.
void export_stream(std::unique_ptr<BatchSource> source, ArrowArrayStream& out);

// One batch that is there already.
std::unique_ptr<BatchSource> single_batch(ArrowColumn batch);

}  // namespace aimlog
