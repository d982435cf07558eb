// What a receiver sees of an Arrow stream: rows of texts, read through the C structs alone.
#pragma once

#include <bit>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugin/model/number.h"
#include "plugin/read/arrow_stream.h"

namespace aimlog::test {

using ArrowRow = std::map<std::string, std::string>;  // "null" where there is nothing

inline bool bit_at(const void* bits, int64_t index) {
  return (static_cast<const uint8_t*>(bits)[index / 8] >> index % 8 & 1) != 0;
}

template <typename T>
T item(const ArrowArray& array, int64_t index, int buffer = 1) {
  return static_cast<const T*>(array.buffers[buffer])[index];
}

inline std::string cell_text(const ArrowSchema& schema, const ArrowArray& array, int64_t row) {
  if (array.buffers[0] != nullptr && !bit_at(array.buffers[0], row)) return "null";
  if (schema.dictionary != nullptr)
    return cell_text(*schema.dictionary, *array.dictionary, item<int32_t>(array, row));
  const std::string format = schema.format;
  if (format == "b") return bit_at(array.buffers[1], row) ? "true" : "false";
  if (format == "l" || format == "tsn:UTC") return std::to_string(item<int64_t>(array, row));
  if (format == "L") return std::to_string(item<uint64_t>(array, row));
  if (format == "I") return std::to_string(item<uint32_t>(array, row));
  if (format == "g") return to_text(Number::of(item<double>(array, row)));
  if (format == "u") {
    const auto begin = item<int32_t>(array, row), end = item<int32_t>(array, row + 1);
    return {static_cast<const char*>(array.buffers[2]) + begin, static_cast<size_t>(end - begin)};
  }
  if (format == "+l") {
    std::string text = "[";
    for (int64_t i = item<int32_t>(array, row); i < item<int32_t>(array, row + 1); ++i)
      text += cell_text(*schema.children[0], *array.children[0], i) + ";";
    return text + "]";
  }
  throw std::runtime_error("a format nobody expects: " + format);
}

struct ArrowTable {
  std::vector<ArrowRow> rows;
  std::map<std::string, std::string> formats;
  std::vector<std::string> names;
  int batches = 0;
  std::string problem;  // why the stream ended, if not at its end
};

// Takes all of a stream and releases it, also every schema and array.
inline ArrowTable read_stream(std::unique_ptr<BatchSource> source) {
  ArrowArrayStream stream;
  export_stream(std::move(source), stream);
  ArrowTable table;
  ArrowSchema schema;
  if (stream.get_schema(&stream, &schema) != 0) throw std::runtime_error("no schema");
  for (int64_t i = 0; i < schema.n_children; ++i) {
    table.names.emplace_back(schema.children[i]->name);
    table.formats[schema.children[i]->name] = schema.children[i]->format;
  }
  while (true) {
    ArrowArray batch;
    if (stream.get_next(&stream, &batch) != 0) {
      table.problem = stream.get_last_error(&stream);
      break;
    }
    if (batch.release == nullptr) break;
    ++table.batches;
    for (int64_t row = 0; row < batch.length; ++row) {
      ArrowRow& cells = table.rows.emplace_back();
      for (int64_t i = 0; i < schema.n_children; ++i)
        cells[schema.children[i]->name] = cell_text(*schema.children[i], *batch.children[i], row);
    }
    batch.release(&batch);
  }
  schema.release(&schema);
  stream.release(&stream);
  return table;
}

}  // namespace aimlog::test
