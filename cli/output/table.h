// A table as data, and its forms: for a terminal, CSV, Markdown, JSON, JSON lines.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cli/output/terminal.h"
#include "plugin/model/value.h"

namespace aimlog::cli {

// A point in time; 0 = none.
struct TimeCell {
  int64_t ns = 0;
};

// A thing whose form for people differs from that for programs: an id that is cut, a span.
struct DualCell {
  std::string shown;
  Value exact;
};

using Cell = std::variant<Value, TimeCell, DualCell>;

Cell text_cell(std::string text);
Cell count_cell(uint64_t count);
Cell number_cell(Number number);
Cell time_cell(int64_t ns);
Cell dual_cell(std::string shown, Value exact);

struct Column {
  std::string key;             // its name in CSV and JSON
  std::string title = {};      // its name for people; empty = key
  bool user_value = false;     // a value of the user's, to which --types applies
  bool exact = false;          // all digits also for people
  unsigned priority = 0;       // where room is short, the highest go first; 0 = stays
  bool people_only = false;    // not in CSV and JSON
  bool programs_only = false;  // only in CSV and JSON
};

struct Table {
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // each as long as columns
  std::string note = {};                // a line below it, for people
};

// Makes a table row by row: of a long one only the text is kept.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  virtual void add(const std::vector<Cell>& row) = 0;  // as long as the columns
  // The whole text; once. `note` is a line below it, for people.
  virtual std::string take(const std::string& note) = 0;
};

// Everything written is safe for a terminal.
std::unique_ptr<TableWriter> table_writer(std::vector<Column> columns,
                                          const OutputOptions& options);
std::string render(const Table& table, const OutputOptions& options);

// Single forms of it.
std::string render_for_people(const Table& table, const OutputOptions& options);
std::string render_json(const Table& table, bool types, bool lines);
std::unique_ptr<TableWriter> people_writer(std::vector<Column> columns,
                                           const OutputOptions& options);
std::string shown_text(const Column& column, const Cell& cell);  // as people see it
bool is_numeric(const Cell& cell);

}  // namespace aimlog::cli
