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
  if (value == nullptr || value->is_null()) return ",";
  if (number == nullptr) return std::string(value_type(*value)) + ",";
  std::string text = type_name(number->type);
  text += ',';
  if (number->type == NumberType::float64) {
    char bits[20];
    snprintf(bits, sizeof bits, "%016llx", static_cast<unsigned long long>(number->bits));
    text += bits;
  }
  return text;
}

void write_json_row(JsonWriter& json, const std::vector<Column>& columns,
                    const std::vector<Cell>& row, bool types) {
  json.begin_object();
  for (size_t i = 0; i < columns.size(); ++i) {
    const Column& column = columns[i];
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

class CsvWriter : public TableWriter {
 public:
  CsvWriter(std::vector<Column> columns, bool types) : columns_(std::move(columns)), types_(types) {
    for (const Column& column : columns_) {
      if (!for_programs(column)) continue;
      out_ += (out_.empty() ? "" : ",") + csv_field(column.key);
      if (types && column.user_value)
        out_ += "," + csv_field(column.key + ".type") + "," + csv_field(column.key + ".bits");
    }
    out_ += '\n';
  }
  void add(const std::vector<Cell>& row) override {
    bool first = true;
    for (size_t i = 0; i < row.size(); ++i) {
      if (!for_programs(columns_[i])) continue;
      if (!first) out_ += ',';
      first = false;
      out_ += csv_field(program_text(row[i]));
      if (types_ && columns_[i].user_value) out_ += "," + csv_type(row[i]);
    }
    out_ += '\n';
  }
  std::string take(const std::string&) override { return std::move(out_); }

 private:
  std::vector<Column> columns_;
  bool types_;
  std::string out_;
};

class JsonTableWriter : public TableWriter {
 public:
  JsonTableWriter(std::vector<Column> columns, bool types)
      : columns_(std::move(columns)), types_(types) {
    json_.begin_array();
  }
  void add(const std::vector<Cell>& row) override {
    json_.line_break();
    write_json_row(json_, columns_, row, types_);
  }
  std::string take(const std::string&) override { return json_.end_array().take() + "\n"; }

 private:
  std::vector<Column> columns_;
  bool types_;
  JsonWriter json_;
};

class JsonLinesWriter : public TableWriter {
 public:
  JsonLinesWriter(std::vector<Column> columns, bool types)
      : columns_(std::move(columns)), types_(types) {}
  void add(const std::vector<Cell>& row) override {
    JsonWriter json;
    write_json_row(json, columns_, row, types_);
    out_ += json.take();
    out_ += '\n';
  }
  std::string take(const std::string&) override { return std::move(out_); }

 private:
  std::vector<Column> columns_;
  bool types_;
  std::string out_;
};

class MarkdownWriter : public TableWriter {
 public:
  explicit MarkdownWriter(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(const std::vector<Cell>& row) override {
    if (out_.empty()) begin(&row);
    out_ += '|';
    for (size_t i = 0; i < row.size(); ++i)
      if (!columns_[i].programs_only)
        out_ += " " + markdown_cell(shown_text(columns_[i], row[i])) + " |";
    out_ += '\n';
  }
  std::string take(const std::string&) override {
    if (out_.empty()) begin(nullptr);
    return std::move(out_);
  }

 private:
  void begin(const std::vector<Cell>* first) {
    std::string rule = "|";
    out_ = "|";
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = columns_[i];
      if (column.programs_only) continue;
      out_ +=
          " " + markdown_cell(safe_text(column.title.empty() ? column.key : column.title)) + " |";
      rule += first != nullptr && is_numeric((*first)[i]) ? "---:|" : "---|";
    }
    out_ += "\n" + rule + "\n";
  }

  std::vector<Column> columns_;
  std::string out_;
};

std::string written(TableWriter& writer, const Table& table) {
  for (const auto& row : table.rows) writer.add(row);
  return writer.take(table.note);
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

std::string render_json(const Table& table, bool types, bool lines) {
  OutputOptions options;
  options.format = lines ? Format::jsonl : Format::json;
  options.types = types;
  return render(table, options);
}

std::string render_for_people(const Table& table, const OutputOptions& options) {
  return written(*people_writer(table.columns, options), table);
}

std::unique_ptr<TableWriter> table_writer(std::vector<Column> columns,
                                          const OutputOptions& options) {
  switch (options.format) {
    case Format::csv:
      return std::make_unique<CsvWriter>(std::move(columns), options.types);
    case Format::jsonl:
      return std::make_unique<JsonLinesWriter>(std::move(columns), options.types);
    case Format::json:
      return std::make_unique<JsonTableWriter>(std::move(columns), options.types);
    case Format::md:
      return std::make_unique<MarkdownWriter>(std::move(columns));
    case Format::table:
      break;
  }
  return people_writer(std::move(columns), options);
}

std::string render(const Table& table, const OutputOptions& options) {
  return written(*table_writer(table.columns, options), table);
}

}  // namespace aimlog::cli
