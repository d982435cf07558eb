// Charts on a terminal: each character cell is two dots wide and four high.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "cli/output/plot.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

constexpr const char* colour_codes[] = {"\033[34m", "\033[31m", "\033[32m", "\033[35m",
                                        "\033[33m", "\033[36m", "\033[94m", "\033[91m"};

const char* colour_of(size_t line) { return colour_codes[line % std::size(colour_codes)]; }

std::string letter_of(size_t line) { return std::string(1, static_cast<char>('a' + line % 26)); }

class Canvas {
 public:
  Canvas(size_t columns, size_t rows) : columns_(columns), rows_(rows), cells_(columns * rows) {}

  long dots_wide() const { return static_cast<long>(columns_ * 2); }
  long dots_high() const { return static_cast<long>(rows_ * 4); }

  // (0, 0) is the lower left dot.
  void dot(long x, long y, size_t line) {
    static constexpr uint8_t bits[4][2] = {{0x40, 0x80}, {0x04, 0x20}, {0x02, 0x10}, {0x01, 0x08}};
    if (x < 0 || y < 0 || x >= dots_wide() || y >= dots_high()) return;
    Cell& cell = at(x, y);
    cell.dots |= bits[y % 4][x % 2];
    cell.line = line;
  }

  void line(long x0, long y0, long x1, long y1, size_t line) {
    const long steps = std::max({std::labs(x1 - x0), std::labs(y1 - y0), 1L});
    for (long i = 0; i <= steps; ++i)
      dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, line);
  }

  void mark(long x, long y, const std::string& sign, size_t line) {
    if (x < 0 || y < 0 || x >= dots_wide() || y >= dots_high()) return;
    at(x, y).sign = sign;
    at(x, y).line = line;
  }

  std::string row(size_t index, bool colours) const {
    std::string out;
    for (size_t column = 0; column < columns_; ++column) {
      const Cell& cell = cells_[index * columns_ + column];
      const std::string sign = !cell.sign.empty() ? cell.sign : braille(cell.dots);
      out += colours && sign != " " ? colour_of(cell.line) + sign + "\033[0m" : sign;
    }
    const size_t end = out.find_last_not_of(' ');
    return end == std::string::npos ? "" : out.substr(0, end + 1);
  }

 private:
  struct Cell {
    uint8_t dots = 0;
    size_t line = 0;   // that drew here last
    std::string sign;  // in place of the dots
  };

  Cell& at(long x, long y) {
    const size_t row = rows_ - 1 - static_cast<size_t>(y / 4);
    return cells_[row * columns_ + static_cast<size_t>(x / 2)];
  }

  static std::string braille(uint8_t dots) {
    if (dots == 0) return " ";
    return {'\xe2', static_cast<char>(0xa0 | (dots >> 6)), static_cast<char>(0x80 | (dots & 0x3f))};
  }

  size_t columns_, rows_;
  std::vector<Cell> cells_;  // row by row from the top
};

void draw_line(Canvas& canvas, const PlotLine& line, size_t index, const Scale& x, const Scale& y) {
  bool connected = false;
  long last_x = 0, last_y = 0;
  for (const PlotPoint& point : line.points) {
    const long px = std::lround(x.place(point.x) * static_cast<double>(canvas.dots_wide() - 1));
    if (std::isnan(point.y)) canvas.mark(px, 0, "×", index);
    if (std::isinf(point.y)) {
      const bool above = point.y > 0;
      canvas.mark(px, above ? canvas.dots_high() - 1 : 0, above ? "▲" : "▼", index);
    }
    if (!std::isfinite(point.y)) {
      connected = false;
      continue;
    }
    const long py = std::lround(y.place(point.y) * static_cast<double>(canvas.dots_high() - 1));
    if (connected)
      canvas.line(last_x, last_y, px, py, index);
    else
      canvas.dot(px, py, index);
    connected = true;
    last_x = px;
    last_y = py;
  }
}

// The letter of a line at its end, so that lines can be told apart without colours.
void draw_letter(Canvas& canvas, const PlotLine& line, size_t index, const Scale& x,
                 const Scale& y) {
  for (auto point = line.points.rbegin(); point != line.points.rend(); ++point) {
    if (!std::isfinite(point->y)) continue;
    canvas.mark(std::lround(x.place(point->x) * static_cast<double>(canvas.dots_wide() - 1)),
                std::lround(y.place(point->y) * static_cast<double>(canvas.dots_high() - 1)),
                letter_of(index), index);
    return;
  }
}

// Texts of the ticks of the y axis by row of cells from the top.
std::vector<std::string> y_labels(const Scale& y, size_t rows) {
  std::vector<std::string> labels(rows);
  for (const double tick : y.ticks) {
    const long dot = std::lround(y.place(tick) * static_cast<double>(rows * 4 - 1));
    if (dot >= 0 && dot < static_cast<long>(rows * 4))
      labels[rows - 1 - static_cast<size_t>(dot / 4)] = tick_text(tick);
  }
  return labels;
}

// The x axis and its texts; a text that would touch the one before it is left out.
std::string x_axis(const Scale& x, size_t margin, size_t columns, const std::string& title) {
  std::vector<std::string> rule(columns, "─");
  std::string texts(margin + 1 + columns, ' ');
  size_t free_from = 0;
  for (const double tick : x.ticks) {
    const double place = std::clamp(x.place(tick), 0.0, 1.0);
    const auto column = static_cast<size_t>(std::lround(place * static_cast<double>(columns - 1)));
    rule[column] = "┬";
    const std::string text = tick_text(tick);
    size_t begin = margin + 1 + column;
    begin -= std::min(begin, text.size() / 2);
    begin = std::min(begin, texts.size() - std::min(texts.size(), text.size()));
    if (begin < free_from || begin + text.size() > texts.size()) continue;
    texts.replace(begin, text.size(), text);
    free_from = begin + text.size() + 1;
  }
  const size_t end = texts.find_last_not_of(' ');
  texts.resize(end == std::string::npos ? 0 : end + 1);
  std::string out(margin, ' ');
  out += "└";
  for (const std::string& each : rule) out += each;
  return out + "\n" + texts + (title.empty() ? "" : "  " + title) + "\n";
}

}  // namespace

std::string draw_braille(const Plot& plot, size_t width, size_t height, bool colours) {
  const size_t rows = std::max<size_t>(height, 3);
  const Scale y = y_scale(plot, std::max<size_t>(rows / 4, 2));
  const std::vector<std::string> labels = y_labels(y, rows);
  size_t margin = 0;
  for (const std::string& label : labels) margin = std::max(margin, label.size() + 1);
  const size_t title_room = plot.x_title.empty() ? 0 : display_width(plot.x_title) + 2;
  const size_t columns =
      std::max<size_t>(width > margin + 1 + title_room ? width - margin - 1 - title_room : 0, 10);
  const Scale x = x_scale(plot, std::max<size_t>(columns / 12, 2));

  Canvas canvas(columns, rows);
  for (size_t i = 0; i < plot.lines.size(); ++i) draw_line(canvas, plot.lines[i], i, x, y);
  if (plot.lines.size() > 1)
    for (size_t i = 0; i < plot.lines.size(); ++i) draw_letter(canvas, plot.lines[i], i, x, y);

  std::string out = shortened(safe_text(plot.title), width) + "\n";
  for (size_t row = 0; row < rows; ++row) {
    const std::string& label = labels[row];
    out += std::string(margin - std::min(margin, label.size() + 1), ' ') + label;
    if (margin > label.size()) out += ' ';
    out += (label.empty() ? "│" : "┤") + canvas.row(row, colours) + "\n";
  }
  out += x_axis(x, margin, columns, plot.x_title);
  for (size_t i = 0; i < plot.lines.size(); ++i) {
    const std::string sign = plot.lines.size() > 1 ? letter_of(i) : "⠒";
    const std::string label = shortened(safe_text(plot.lines[i].label), width > 6 ? width - 4 : 2);
    out += "  " + (colours ? colour_of(i) + sign + "\033[0m" : sign) + " " + label + "\n";
  }
  if (!plot.note.empty()) out += shortened(safe_text(plot.note), width) + "\n";
  return out;
}

}  // namespace aimlog::cli
