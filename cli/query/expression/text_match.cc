#include "cli/query/expression/text_match.h"

#include <regex.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace aimlog::cli {
namespace {

constexpr uint64_t pattern_size_max = 5'000;  // of characters with copies of what repeats

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

// Behind an opening brace at `at`: the largest count there; leaves `at` at the closing one.
uint64_t largest_count(const std::string& pattern, size_t& at) {
  uint64_t largest = 1, count = 0;
  while (++at < pattern.size() && pattern[at] != '}') {
    const bool is_digit = pattern[at] >= '0' && pattern[at] <= '9';
    count = is_digit ? std::min<uint64_t>(count * 10 + (pattern[at] - '0'), pattern_size_max) : 0;
    largest = std::max(largest, count);
  }
  return largest;
}

void skip_bracket(const std::string& pattern, size_t& at) {
  if (at + 1 < pattern.size() && pattern[at + 1] == '^') ++at;
  if (at + 1 < pattern.size()) ++at;  // a first ] is an ordinary character
  while (at + 1 < pattern.size() && pattern[++at] != ']') {
  }
}

// The C library makes copies of what repeats: a{1000}{1000}, or + on a group in a group in a group,
// would take all memory. So the characters are counted with their copies.
void check_repeats(const std::string& pattern) {
  std::vector<uint64_t> groups(1);  // sizes of those that are open
  uint64_t last = 0;                // the size of what a repeat would be of
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    uint64_t copies = 1;
    if (c == '(') {
      groups.push_back(0);
      continue;
    }
    if (c == '+' || c == '*' || c == '?') {
      copies = c == '+' ? 2 : 1;
    } else if (c == '{') {
      copies = largest_count(pattern, i);
    } else if (c == ')' && groups.size() > 1) {
      last = groups.back();
      groups.pop_back();
      groups.back() += last;
    } else {
      if (c == '\\') ++i;
      if (c == '[') skip_bracket(pattern, i);
      last = 1;
      ++groups.back();
    }
    groups.back() += last * (copies - 1);
    last *= copies;
    if (groups.back() > pattern_size_max) throw std::invalid_argument("it repeats too often");
  }
}

class Regex : public TextPattern {
 public:
  explicit Regex(const std::string& pattern) {
    check_repeats(pattern);
    if (pattern.find('\0') != std::string::npos) throw std::invalid_argument("it has a NUL");
    const int problem = ::regcomp(&regex_, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
    if (problem == 0) return;
    char text[256];
    ::regerror(problem, &regex_, text, sizeof text);
    throw std::invalid_argument(text);
  }
  ~Regex() override { ::regfree(&regex_); }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;

  bool matches(const std::string& text) const override {
    return ::regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t regex_{};
};

}  // namespace

std::unique_ptr<TextPattern> like_pattern(const std::string& pattern, bool fold_case) {
  return std::make_unique<Like>(pattern, fold_case);
}

std::unique_ptr<TextPattern> regex_pattern(const std::string& pattern) {
  constexpr size_t longest_pattern = 1000;
  if (pattern.size() > longest_pattern) throw std::invalid_argument("it is too long");
  return std::make_unique<Regex>(pattern);
}

}  // namespace aimlog::cli
