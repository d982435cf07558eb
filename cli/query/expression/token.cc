#include "cli/query/expression/token.h"

#include <algorithm>
#include <charconv>

#include "cli/query/expression/query_error.h"

namespace aimlog::cli {
namespace {

using Kind = Token::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Metrics are grouped by slashes, and there is no division that they could be taken for.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_quote(char c) { return c == '\'' || c == '"' || c == '`'; }
bool goes_on_in_name(char c) { return begins_name(c) || is_digit(c) || c == '/'; }

class Reader {
 public:
  explicit Reader(std::string_view query) : query_(query) {}

  std::vector<Token> read() {
    std::vector<Token> tokens;
    do {
      while (at_ < query_.size() && is_space(query_[at_])) ++at_;
      tokens.push_back(next());
    } while (tokens.back().kind != Kind::end);
    return tokens;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < query_.size() ? query_[at_ + ahead] : '\0';
  }

  Token next() {
    if (at_ == query_.size()) return {Kind::end, "", at_, {}};
    const char c = peek();
    if (is_quote(c)) return quoted(c == '`' ? Kind::name : Kind::text);
    if (begins_name(c)) return name();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    return sign();
  }

  // As in Python, a backslash takes a quote or a backslash as it is and stays before all else: the
  // pattern gets its \d whole.
  Token quoted(Kind kind) {
    Token token{kind, "", at_, {}, kind == Kind::name};
    const char quote = query_[at_++];
    for (; at_ < query_.size() && query_[at_] != quote; ++at_) {
      if (peek() == '\\' && (peek(1) == '\\' || is_quote(peek(1)))) ++at_;
      token.text += query_[at_];
    }
    if (at_ == query_.size())
      throw QueryError(token.at, std::string("the quote ") + quote + " is never closed");
    ++at_;
    return token;
  }

  Token name() {
    const size_t begin = at_;
    while (at_ < query_.size() && goes_on_in_name(query_[at_])) ++at_;
    return {Kind::name, std::string(query_.substr(begin, at_ - begin)), begin, {}};
  }

  Token number() {
    const size_t begin = at_;
    while (at_ < query_.size()) {
      const char c = query_[at_];
      const bool is_exponent_sign =
          (c == '+' || c == '-') && (query_[at_ - 1] == 'e' || query_[at_ - 1] == 'E');
      if (!goes_on_in_name(c) && c != '.' && !(at_ > begin && is_exponent_sign)) break;
      ++at_;
    }
    const std::string_view text = query_.substr(begin, at_ - begin);
    Token token{Kind::number, std::string(text), begin, {}};
    if (!read_as<int64_t>(text, token.number) && !read_as<uint64_t>(text, token.number) &&
        !read_as<double>(text, token.number))
      throw QueryError(begin, "'" + token.text + "' is no number");
    return token;
  }

  template <typename T>
  static bool read_as(std::string_view text, Number& number) {
    T value{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return false;
    number = Number::of(value);
    return true;
  }

  Token sign() {
    static constexpr std::string_view signs[] = {"==", "!=", "<>", "<=", ">=", "=~", "!~",
                                                 "<",  ">",  "=",  "(",  ")",  "[",  "]",
                                                 "{",  "}",  ",",  ".",  ":",  "-",  "+"};
    const std::string_view rest = query_.substr(at_);
    const auto* found = std::find_if(std::begin(signs), std::end(signs),
                                     [&](std::string_view sign) { return rest.starts_with(sign); });
    if (found == std::end(signs)) throw QueryError(at_, unknown(rest));
    Token token{Kind::sign, std::string(*found), at_, {}};
    at_ += found->size();
    return token;
  }

  static std::string unknown(std::string_view rest) {
    for (const auto& [wrong, right] : {std::pair{"&", "and"}, {"|", "or"}, {"!", "not"}})
      if (rest.starts_with(wrong))
        return "'" + std::string(wrong) + "' means nothing in a query; write '" + right + "'";
    return "'" + std::string(rest.substr(0, 1)) + "' means nothing in a query";
  }

  std::string_view query_;
  size_t at_ = 0;
};

}  // namespace

std::vector<Token> read_tokens(std::string_view query) { return Reader(query).read(); }

}  // namespace aimlog::cli
