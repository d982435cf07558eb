// Charts as a stand-alone SVG.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/output/plot.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

constexpr double width = 860, left = 70, right = 20, top = 40, plot_height = 360;
constexpr const char* colours[] = {"#1f77b4", "#d62728", "#2ca02c", "#9467bd",
                                   "#ff7f0e", "#17becf", "#8c564b", "#e377c2"};

std::string escaped(const std::string& text) {
  std::string out;
  std::string safe = safe_text(text);
  // XML has no U+FFFE and no U+FFFF.
  for (const char* each : {"\xef\xbf\xbe", "\xef\xbf\xbf"})
    for (size_t at = safe.find(each); at != std::string::npos; at = safe.find(each, at))
      safe.replace(at, 3, "\xef\xbf\xbd");
  for (const char c : safe) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string number(double value) {
  char text[40];
  snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const char* more = "") {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">" + escaped(text) + "</text>\n";
}

struct Frame {
  Scale x, y;
  double px(double value) const { return left + x.place(value) * (width - left - right); }
  double py(double value) const { return top + (1 - y.place(value)) * plot_height; }
};

std::string grid(const Frame& frame, const std::string& x_title) {
  std::string out;
  for (const double tick : frame.y.ticks) {
    const std::string y = number(frame.py(tick));
    out += "<line x1=\"" + number(left) + "\" x2=\"" + number(width - right) + "\" y1=\"" + y +
           "\" y2=\"" + y + "\" stroke=\"#ddd\"/>\n";
    out += text_at(left - 8, frame.py(tick) + 4, "end", tick_text(tick));
  }
  const double bottom = top + plot_height;
  for (const double tick : frame.x.ticks) {
    const std::string x = number(frame.px(tick));
    out += "<line x1=\"" + x + "\" x2=\"" + x + "\" y1=\"" + number(bottom) + "\" y2=\"" +
           number(bottom + 5) + "\" stroke=\"#444\"/>\n";
    out += text_at(frame.px(tick), bottom + 20, "middle", tick_text(tick));
  }
  out += "<line x1=\"" + number(left) + "\" x2=\"" + number(width - right) + "\" y1=\"" +
         number(bottom) + "\" y2=\"" + number(bottom) + "\" stroke=\"#444\"/>\n";
  return out + text_at((left + width - right) / 2, bottom + 38, "middle", x_title);
}

std::string curve(const Frame& frame, const PlotLine& line, const char* colour) {
  std::string path, marks;
  bool connected = false;
  for (const PlotPoint& point : line.points) {
    const std::string x = number(frame.px(point.x));
    if (!std::isfinite(point.y)) {
      const bool above = point.y > 0;
      const double y = above ? top + 10 : top + plot_height - 4;
      const char* sign = std::isnan(point.y) ? "×" : above ? "▲" : "▼";
      marks += "<text x=\"" + x + "\" y=\"" + number(y) + "\" text-anchor=\"middle\" fill=\"" +
               colour + "\">" + sign + "</text>\n";
      connected = false;
      continue;
    }
    path += (connected ? "L" : "M") + x + " " + number(frame.py(point.y));
    // A lone point between gaps: a line of no length with round ends is a dot.
    if (!connected) path += "l0 0";
    connected = true;
  }
  if (path.empty()) return marks;
  return "<path d=\"" + path + "\" fill=\"none\" stroke=\"" + colour +
         "\" stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n" + marks;
}

}  // namespace

std::string draw_svg(const Plot& plot) {
  const Frame frame{x_scale(plot, 8), y_scale(plot, 6)};
  const double legend_top = top + plot_height + 62;
  const double height = legend_top + 20 * static_cast<double>(plot.lines.size() + 1);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) +
                    "\" height=\"" + number(height) + "\" viewBox=\"0 0 " + number(width) + " " +
                    number(height) + "\" font-family=\"sans-serif\" font-size=\"12\">\n";
  out += "<title>" + escaped(plot.title) + "</title>\n";
  out += "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  out += text_at(left, 24, "start", plot.title, " font-size=\"15\" font-weight=\"bold\"");
  out += grid(frame, plot.x_title);
  for (size_t i = 0; i < plot.lines.size(); ++i) {
    const char* colour = colours[i % std::size(colours)];
    out += curve(frame, plot.lines[i], colour);
    const double y = legend_top + 20 * static_cast<double>(i);
    out += "<rect x=\"" + number(left) + "\" y=\"" + number(y - 9) +
           "\" width=\"14\" height=\"10\" fill=\"" + colour + "\"/>\n";
    out += text_at(left + 22, y, "start", plot.lines[i].label);
  }
  const double last = legend_top + 20 * static_cast<double>(plot.lines.size());
  if (!plot.note.empty()) out += text_at(left, last, "start", plot.note, " fill=\"#666\"");
  return out + "</svg>\n";
}

}  // namespace aimlog::cli
