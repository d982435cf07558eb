#include "cli/query/expression/text_match.h"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace aimlog::cli {
namespace {

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

size_t character_bytes(std::string_view text, size_t at) {
  size_t bytes = 1;
  while (at + bytes < text.size() && (text[at + bytes] & 0xc0) == 0x80) ++bytes;
  return bytes;
}

class Like : public TextPattern {
 public:
  Like(const std::string& pattern, bool fold_case) : fold_case_(fold_case) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '\\' && i + 1 < pattern.size())
        items_.push_back({Item::Kind::letter, normal(pattern[++i])});
      else if (pattern[i] == '%')
        items_.push_back({Item::Kind::any_text, 0});
      else if (pattern[i] == '_')
        items_.push_back({Item::Kind::any_character, 0});
      else
        items_.push_back({Item::Kind::letter, normal(pattern[i])});
    }
  }

  // Where a letter does not fit, only the last `%` can take one more: never exponential.
  bool matches(const std::string& text) const override {
    constexpr size_t none = static_cast<size_t>(-1);
    size_t at = 0, item = 0, star = none, star_at = 0;
    while (at < text.size()) {
      if (item < items_.size() && items_[item].kind == Item::Kind::any_text) {
        star = item++;
        star_at = at;
      } else if (item < items_.size() && items_[item].kind == Item::Kind::any_character) {
        at += character_bytes(text, at);
        ++item;
      } else if (item < items_.size() && items_[item].letter == normal(text[at])) {
        ++at;
        ++item;
      } else if (star != none) {
        item = star + 1;
        at = ++star_at;
      } else {
        return false;
      }
    }
    return std::all_of(items_.begin() + static_cast<std::ptrdiff_t>(item), items_.end(),
                       [](const Item& each) { return each.kind == Item::Kind::any_text; });
  }

 private:
  struct Item {
    enum class Kind { letter, any_character, any_text };
    Kind kind;
    char letter;
  };
  char normal(char c) const { return fold_case_ ? folded(c) : c; }

  bool fold_case_;
  std::vector<Item> items_;
};

// Patterns come from whoever writes the query, so RE2: its time is linear in the text, and its
// memory bounded. The C library's regcomp() can run for ever, and regexec() with it.
class Regex : public TextPattern {
 public:
  explicit Regex(const std::string& pattern) : regex_(pattern, options()) {
    if (!regex_.ok()) throw std::invalid_argument(regex_.error());
  }
  bool matches(const std::string& text) const override {
    return re2::RE2::PartialMatch(text, regex_);
  }

 private:
  static re2::RE2::Options options() {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_dot_nl(true);
    return options;
  }

  re2::RE2 regex_;
};

}  // namespace

std::unique_ptr<TextPattern> like_pattern(const std::string& pattern, bool fold_case) {
  return std::make_unique<Like>(pattern, fold_case);
}

std::unique_ptr<TextPattern> regex_pattern(const std::string& pattern) {
  return std::make_unique<Regex>(pattern);
}

}  // namespace aimlog::cli
