// A chart of lines over steps, drawn with braille dots on a terminal or as SVG.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace aimlog::cli {

struct PlotPoint {
  double x = 0;
  double y = 0;  // NaN and infinities leave a gap and a mark
};

struct PlotLine {
  std::string label;
  std::vector<PlotPoint> points;  // by rising x
};

struct Plot {
  std::string title;
  std::string x_title;
  std::vector<PlotLine> lines;
  std::string note = {};
};

// Round numbers that span some values.
struct Scale {
  double low = 0;
  double high = 1;
  std::vector<double> ticks;

  // 0 at low, 1 at high; exact enough also where high - low overflows.
  double place(double value) const;
};
Scale make_scale(double low, double high, size_t ticks_wanted);
Scale x_scale(const Plot& plot, size_t ticks_wanted);  // to its ends, not beyond
Scale y_scale(const Plot& plot, size_t ticks_wanted);
std::string tick_text(double value);

// Of the points that fall into each of `buckets` parts of the x axis the first, the last, the least
// and the greatest stay, and one of each kind that is not finite: a drawing of so many columns
// looks the same. Returns how many are left.
size_t thin_out(std::vector<PlotPoint>& points, size_t buckets, const Scale& x);

std::string draw_braille(const Plot& plot, size_t width, size_t height, bool colours);
std::string draw_svg(const Plot& plot);

}  // namespace aimlog::cli
