// Which metrics are recorded: globs and `!` exclusions, last match wins.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aimlog {

class MetricFilter {
 public:
  MetricFilter() = default;  // lets everything through
  explicit MetricFilter(std::vector<std::string> patterns);

  // A pattern that is literally the name matches it, whatever characters it has; else `*` (also
  // across `/`), `?` and `[a-z]` (`[!a-z]`: any other character). Where the first pattern is an
  // exclusion, everything not matched is in. Remembers which patterns ever matched. Costs at most
  // length of name times length of patterns, whatever they are.
  bool accepts(std::string_view name);

  // As they were written, `!` included.
  std::vector<std::string> unmatched_patterns() const;

 private:
  struct Pattern {
    std::string text;  // without the `!`
    bool exclude = false;
    bool matched = false;
  };
  std::vector<Pattern> patterns_;
};

// Why a pattern cannot be used ("the [ at column 3 is never closed"), or empty.
std::string pattern_error(std::string_view pattern);

}  // namespace aimlog
