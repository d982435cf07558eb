// The table for people: aligned, fitted to the terminal, coloured on one.
#include <algorithm>

#include "cli/output/table.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

constexpr size_t gap = 2;             // blanks between columns
constexpr size_t shrunk_width = 14;   // a wide column is cut to this before any column goes
constexpr size_t tightest_width = 6;  // and to this where nothing may go any more

struct ShownColumn {
  const Column* column = nullptr;
  std::string title;
  std::vector<std::string> cells;
  size_t width = 0;
  bool right = false;
  bool cut = false;
};

ShownColumn show_column(const Table& table, size_t index) {
  ShownColumn shown;
  shown.column = &table.columns[index];
  shown.title = safe_text(shown.column->title.empty() ? shown.column->key : shown.column->title);
  shown.width = display_width(shown.title);
  bool any_number = false, any_text = false;
  for (const auto& row : table.rows) {
    shown.cells.push_back(shown_text(*shown.column, row[index]));
    shown.width = std::max(shown.width, display_width(shown.cells.back()));
    if (is_numeric(row[index]))
      any_number = true;
    else if (!shown.cells.back().empty())
      any_text = true;
  }
  shown.right = any_number && !any_text;
  return shown;
}

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

const char* colour_of(const Column& column, const std::string& text) {
  if (column.key != "status") return nullptr;
  if (text == "running" || text == "pending") return "\033[32m";
  if (text == "failed" || text == "crashed") return "\033[31m";
  if (text == "stopped" || text == "paused") return "\033[33m";
  return nullptr;
}

void append_cell(std::string& line, const ShownColumn& column, const std::string& text, bool last,
                 const char* colour) {
  const std::string cut = shortened(text, column.width);
  // Blanks at the end of a line would wrap on a narrow terminal.
  const std::string cell = last && !column.right ? cut : padded(cut, column.width, column.right);
  if (colour != nullptr)
    line += colour + cell + "\033[0m";
  else
    line += cell;
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

}  // namespace

std::string render_for_people(const Table& table, const OutputOptions& options) {
  std::vector<ShownColumn> columns;
  for (size_t i = 0; i < table.columns.size(); ++i)
    if (!table.columns[i].programs_only) columns.push_back(show_column(table, i));
  std::vector<std::string> hidden;
  if (options.width > 0) hidden = fit(columns, options.width);

  std::string out;
  for (size_t i = 0; i < columns.size(); ++i)
    append_cell(out, columns[i], columns[i].title, i + 1 == columns.size(),
                options.colours ? "\033[1m" : nullptr);
  out += '\n';
  for (size_t row = 0; row < table.rows.size(); ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::string& text = columns[i].cells[row];
      append_cell(out, columns[i], text, i + 1 == columns.size(),
                  options.colours ? colour_of(*columns[i].column, text) : nullptr);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  const bool cut =
      std::any_of(columns.begin(), columns.end(), [](const ShownColumn& each) { return each.cut; });
  out += hidden_note(hidden, cut, options.width);
  if (!table.note.empty()) out += safe_text(table.note) + "\n";
  return out;
}

}  // namespace aimlog::cli
