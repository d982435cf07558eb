#include "cli/output/table.h"

#include "cli/output/json.h"
#include "cli/output/text.h"
#include "cli/output/time_text.h"
#include "cli/output/value_text.h"

namespace aimlog::cli {
namespace {

bool for_programs(const Column& column) { return !column.people_only; }

std::string csv_field(const std::string& text) {
  const std::string safe = safe_text(text);
  if (safe.find_first_of(",\"") == std::string::npos && (safe.empty() || safe[0] != ' '))
    return safe;
  std::string quoted = "\"";
  for (const char c : safe) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string program_text(const Cell& cell) {
  if (const Value* value = std::get_if<Value>(&cell)) return value_text(*value, true);
  if (const TimeCell* time = std::get_if<TimeCell>(&cell)) return iso_time(time->ns);
  return value_text(std::get<DualCell>(cell).exact, true);
}

// The type and the bits of a user's value, as two more fields.
std::string csv_type(const Cell& cell) {
  const Value* value = std::get_if<Value>(&cell);
  const Number* number = value != nullptr ? value->number() : nullptr;
  if (number == nullptr) return value != nullptr && value->text() != nullptr ? "string," : ",";
  std::string text = type_name(number->type);
  text += ',';
  if (number->type == NumberType::float64) {
    char bits[20];
    snprintf(bits, sizeof bits, "%016llx", static_cast<unsigned long long>(number->bits));
    text += bits;
  }
  return text;
}

void write_json_row(JsonWriter& json, const Table& table, const std::vector<Cell>& row,
                    bool types) {
  json.begin_object();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (!for_programs(column)) continue;
    json.key(column.key);
    if (const TimeCell* time = std::get_if<TimeCell>(&row[i])) {
      if (time->ns == 0)
        json.null();
      else
        json.text(iso_time(time->ns));
      json.key(column.key + "_ns");
      if (time->ns == 0)
        json.null();
      else
        json.integer(time->ns);
    } else if (const DualCell* dual = std::get_if<DualCell>(&row[i])) {
      json.value(dual->exact, false);
    } else {
      json.value(std::get<Value>(row[i]),
                 types && column.user_value && !std::get<Value>(row[i]).is_null());
    }
  }
  json.end_object();
}

std::string markdown_cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '<' || c == '`' || c == '*' || c == '_') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

Cell text_cell(std::string text) { return Value{std::move(text)}; }
Cell count_cell(uint64_t count) { return Value{Number::of(count)}; }
Cell number_cell(Number number) { return number.exists() ? Value{number} : Value{}; }
Cell time_cell(int64_t ns) { return TimeCell{ns}; }
Cell dual_cell(std::string shown, Value exact) {
  return DualCell{std::move(shown), std::move(exact)};
}

bool is_numeric(const Cell& cell) {
  const Value* value = std::get_if<Value>(&cell);
  return value != nullptr && value->number() != nullptr;
}

std::string shown_text(const Column& column, const Cell& cell) {
  if (const Value* value = std::get_if<Value>(&cell))
    return safe_text(value_text(*value, column.exact));
  if (const TimeCell* time = std::get_if<TimeCell>(&cell)) return local_time(time->ns);
  return safe_text(std::get<DualCell>(cell).shown);
}

std::string render_csv(const Table& table, bool types) {
  std::string out, line;
  for (const Column& column : table.columns) {
    if (!for_programs(column)) continue;
    line += (line.empty() ? "" : ",") + csv_field(column.key);
    if (types && column.user_value)
      line += "," + csv_field(column.key + ".type") + "," + csv_field(column.key + ".bits");
  }
  out = line + "\n";
  for (const auto& row : table.rows) {
    bool first = true;
    for (size_t i = 0; i < row.size(); ++i) {
      if (!for_programs(table.columns[i])) continue;
      if (!first) out += ',';
      first = false;
      out += csv_field(program_text(row[i]));
      if (types && table.columns[i].user_value) out += "," + csv_type(row[i]);
    }
    out += '\n';
  }
  return out;
}

std::string render_json(const Table& table, bool types, bool lines) {
  if (lines) {
    std::string out;
    for (const auto& row : table.rows) {
      JsonWriter json;
      write_json_row(json, table, row, types);
      out += json.take() + "\n";
    }
    return out;
  }
  JsonWriter json;
  json.begin_array();
  for (const auto& row : table.rows) {
    json.line_break();
    write_json_row(json, table, row, types);
  }
  json.end_array();
  return json.take() + "\n";
}

std::string render_markdown(const Table& table) {
  std::string head = "|", rule = "|", out;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.programs_only) continue;
    head += " " + markdown_cell(safe_text(column.title.empty() ? column.key : column.title)) + " |";
    const bool numeric = !table.rows.empty() && is_numeric(table.rows[0][i]);
    rule += numeric ? "---:|" : "---|";
  }
  out = head + "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (size_t i = 0; i < row.size(); ++i)
      if (!table.columns[i].programs_only)
        out += " " + markdown_cell(shown_text(table.columns[i], row[i])) + " |";
    out += "\n";
  }
  return out;
}

std::string render(const Table& table, const OutputOptions& options) {
  switch (options.format) {
    case Format::csv:
      return render_csv(table, options.types);
    case Format::jsonl:
      return render_json(table, options.types, true);
    case Format::json:
      return render_json(table, options.types, false);
    case Format::md:
      return render_markdown(table);
    case Format::table:
      break;
  }
  return render_for_people(table, options);
}

}  // namespace aimlog::cli
