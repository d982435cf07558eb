// The table for people: aligned, fitted to the terminal, coloured on one.
#include <algorithm>

#include "cli/output/table.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

constexpr size_t gap = 2;             // blanks between columns
constexpr size_t padded_width = 200;  // no column is filled up with blanks to more
constexpr size_t shrunk_width = 14;   // a wide column is cut to this before any column goes
constexpr size_t tightest_width = 6;  // and to this where nothing may go any more

struct ShownColumn {
  const Column* column = nullptr;
  size_t index = 0;  // among those that may be shown
  std::string title;
  size_t width = 0;
  bool any_number = false;
  bool any_text = false;
  bool right = false;
  bool cut = false;
};

size_t total_width(const std::vector<ShownColumn>& columns) {
  size_t total = columns.empty() ? 0 : gap * (columns.size() - 1);
  for (const ShownColumn& each : columns) total += each.width;
  return total;
}

// Cuts wide text columns, widest first, but none below `least`, until all fit or none is left.
void shrink(std::vector<ShownColumn>& columns, size_t width, size_t least) {
  while (total_width(columns) > width) {
    ShownColumn* widest = nullptr;
    for (ShownColumn& each : columns)
      if (!each.right && each.width > least && (widest == nullptr || each.width > widest->width))
        widest = &each;
    if (widest == nullptr) return;
    const size_t excess = total_width(columns) - width;
    widest->width -= std::min(excess, widest->width - least);
    widest->cut = true;
  }
}

// Makes the columns fit; returns the titles of those that had to go.
std::vector<std::string> fit(std::vector<ShownColumn>& columns, size_t width) {
  std::vector<std::string> hidden;
  shrink(columns, width, shrunk_width);
  while (total_width(columns) > width) {
    auto victim = columns.end();
    for (auto each = columns.begin(); each != columns.end(); ++each)
      if (each->column->priority > 0 &&
          (victim == columns.end() || each->column->priority >= victim->column->priority))
        victim = each;
    if (victim == columns.end()) break;
    hidden.insert(hidden.begin(), victim->title);
    columns.erase(victim);
  }
  shrink(columns, width, tightest_width);
  return hidden;
}

const char* colour_of(const Column& column, std::string_view text) {
  if (column.key != "status") return nullptr;
  if (text == "running" || text == "pending") return "\033[32m";
  if (text == "failed" || text == "crashed") return "\033[31m";
  if (text == "stopped" || text == "paused") return "\033[33m";
  return nullptr;
}

void append_cell(std::string& line, const ShownColumn& column, std::string_view text, bool last,
                 const char* colour) {
  if (colour != nullptr) line += colour;
  const size_t width = display_width(text);
  const size_t blanks = width < column.width ? column.width - width : 0;
  if (column.right) line.append(blanks, ' ');
  if (!column.cut || width <= column.width)
    line += text;
  else
    line += shortened(text, column.width);
  // Blanks at the end of a line would wrap on a narrow terminal.
  if (!column.right && !last) line.append(blanks, ' ');
  if (colour != nullptr) line += "\033[0m";
  if (!last) line.append(gap, ' ');
}

std::string hidden_note(const std::vector<std::string>& hidden, bool cut, size_t width) {
  std::string note;
  if (!hidden.empty()) {
    note = std::to_string(hidden.size()) + " more column" + (hidden.size() > 1 ? "s: " : ": ");
    for (size_t i = 0; i < hidden.size(); ++i) note += (i > 0 ? ", " : "") + hidden[i];
    note = shortened(note, width) + "\n";
  }
  if (cut || !hidden.empty()) note += shortened("(--format csv shows all)", width) + "\n";
  return note;
}

// Widths are known when the last row has come: until then the cells' texts are kept, one behind the
// other.
class PeopleWriter : public TableWriter {
 public:
  PeopleWriter(std::vector<Column> columns, const OutputOptions& options)
      : columns_(std::move(columns)), options_(options) {
    for (const Column& column : columns_) {
      if (column.programs_only) continue;
      ShownColumn shown;
      shown.column = &column;
      shown.index = shown_.size();
      shown.title = safe_text(column.title.empty() ? column.key : column.title);
      shown.width = display_width(shown.title);
      shown_.push_back(std::move(shown));
    }
  }

  void add(const std::vector<Cell>& row) override {
    for (ShownColumn& shown : shown_) {
      const Cell& cell = row[static_cast<size_t>(shown.column - columns_.data())];
      const std::string text = shown_text(*shown.column, cell);
      shown.width = std::max(shown.width, display_width(text));
      if (is_numeric(cell))
        shown.any_number = true;
      else if (!text.empty())
        shown.any_text = true;
      texts_ += text;
      lengths_.push_back(static_cast<uint32_t>(text.size()));
    }
  }

  std::string take(const std::string& note) override {
    const size_t per_row = shown_.size();
    for (ShownColumn& shown : shown_) shown.right = shown.any_number && !shown.any_text;
    std::vector<std::string> hidden;
    if (options_.width > 0)
      hidden = fit(shown_, options_.width);
    else
      for (ShownColumn& shown : shown_) shown.width = std::min(shown.width, padded_width);
    std::string out;
    write_titles(out);
    std::vector<std::string_view> row(per_row);
    std::string_view rest = texts_;
    for (size_t i = 0; per_row > 0 && i < lengths_.size(); i += per_row) {
      for (size_t j = 0; j < per_row; ++j) {
        row[j] = rest.substr(0, lengths_[i + j]);
        rest.remove_prefix(row[j].size());
      }
      write_row(out, row);
    }
    const bool cut =
        std::any_of(shown_.begin(), shown_.end(), [](const ShownColumn& each) { return each.cut; });
    out += hidden_note(hidden, cut, options_.width);
    if (!note.empty()) out += safe_text(note) + "\n";
    return out;
  }

 private:
  void write_titles(std::string& out) const {
    for (const ShownColumn& each : shown_)
      append_cell(out, each, each.title, &each == &shown_.back(),
                  options_.colours ? "\033[1m" : nullptr);
    out += '\n';
  }

  void write_row(std::string& out, const std::vector<std::string_view>& row) const {
    for (const ShownColumn& each : shown_) {
      const std::string_view text = row[each.index];
      append_cell(out, each, text, &each == &shown_.back(),
                  options_.colours ? colour_of(*each.column, text) : nullptr);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }

  const std::vector<Column> columns_;
  const OutputOptions options_;
  std::vector<ShownColumn> shown_;
  std::string texts_;  // of all cells that may be shown, row by row
  std::vector<uint32_t> lengths_;
};

}  // namespace

std::unique_ptr<TableWriter> people_writer(std::vector<Column> columns,
                                           const OutputOptions& options) {
  return std::make_unique<PeopleWriter>(std::move(columns), options);
}

}  // namespace aimlog::cli
