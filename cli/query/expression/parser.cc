#include "cli/query/expression/parser.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "cli/args/suggest.h"
#include "cli/query/expression/query_error.h"
#include "cli/query/expression/time_words.h"
#include "cli/query/expression/token.h"

namespace aimlog::cli {
namespace {

using Kind = Node::Kind;
using TokenKind = Token::Kind;

// Parentheses and nots in each other: the parser's and the evaluator's stack.
constexpr unsigned depth_max = 200;
constexpr size_t query_bytes_max = 100'000;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

const std::map<std::string, CompareSign>& compare_signs() {
  static const std::map<std::string, CompareSign> signs = {
      {"==", CompareSign::equal},   {"=", CompareSign::equal},
      {"!=", CompareSign::unequal}, {"<>", CompareSign::unequal},
      {"<", CompareSign::less},     {"<=", CompareSign::less_equal},
      {">", CompareSign::greater},  {">=", CompareSign::greater_equal},
  };
  return signs;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(read_tokens(text)) {}

  Query parse() {
    query_.root = either();
    if (now().kind != TokenKind::end) {
      if (now().is(")") || now().is("]") || now().is("}"))
        throw QueryError(now().at, "'" + now().text + "' closes nothing");
      throw QueryError(now().at, "'and' or 'or' is missing before " + shown(now()));
    }
    return std::move(query_);
  }

 private:
  const Token& now() const { return tokens_[next_]; }
  const Token& ahead(size_t by) const { return tokens_[std::min(next_ + by, tokens_.size() - 1)]; }
  const Token& take() { return tokens_[next_ + 1 < tokens_.size() ? next_++ : next_]; }

  static bool is_word(const Token& token, const char* word) {
    return token.kind == TokenKind::name && !token.is_quoted && lower(token.text) == word;
  }
  bool take_word(const char* word) {
    if (!is_word(now(), word)) return false;
    take();
    return true;
  }
  bool take_sign(const char* sign) {
    if (!now().is(sign)) return false;
    take();
    return true;
  }
  void want_sign(const char* sign) {
    if (!take_sign(sign))
      throw QueryError(now().at, std::string("'") + sign + "' is missing before " + shown(now()));
  }

  static std::string shown(const Token& token) {
    if (token.kind == TokenKind::end) return "the end";
    return "'" + token.text + "'";
  }

  // Guards the recursions: every cycle of them passes one of these.
  class Deeper {
   public:
    Deeper(Parser& parser, size_t at) : parser_(parser) {
      if (++parser_.depth_ > depth_max) throw QueryError(at, "the query is nested too deeply");
    }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

   private:
    Parser& parser_;
  };

  Node either() { return chain(Kind::either, "or", &Parser::both); }
  Node both() { return chain(Kind::both, "and", &Parser::negation); }

  Node chain(Kind kind, const char* word, Node (Parser::*part)()) {
    Node first = (this->*part)();
    if (!is_word(now(), word)) return first;
    Node node{kind, first.at, {}};
    node.children.push_back(std::move(first));
    while (take_word(word)) node.children.push_back((this->*part)());
    return node;
  }

  Node negation() {
    const Deeper deeper(*this, now().at);
    if (!is_word(now(), "not")) return comparison();
    const size_t at = take().at;
    return negated(at, negation());
  }

  static Node negated(size_t at, Node node) {
    Node result{Kind::negate, at, {}};
    result.children.push_back(std::move(node));
    return result;
  }

  Node comparison() {
    Node left = operand();
    const Token& sign = now();
    if (sign.kind == TokenKind::sign && compare_signs().count(sign.text) > 0)
      return ordered(std::move(left));
    if (is_word(sign, "is")) return none_test(std::move(left));
    const bool is_not = is_word(sign, "not") || sign.is("!~");
    if (is_word(sign, "not")) take();
    const Token& word = now();
    Node node;
    if (take_word("in")) {
      node = two(Kind::member, sign.at, std::move(left), operand());
    } else if (is_word(word, "like") || is_word(word, "ilike") || word.is("=~") || word.is("!~")) {
      node = pattern_test(std::move(left));
    } else {
      if (is_not)
        throw QueryError(
            word.at, "'not' is followed by 'in', 'like' or 'ilike' here, not by " + shown(word));
      return left;
    }
    node.is_not = is_not;
    return node;
  }

  Node ordered(Node left) {
    Node node{Kind::compare, now().at, {}};
    node.children.push_back(std::move(left));
    while (now().kind == TokenKind::sign) {
      const auto sign = compare_signs().find(now().text);
      if (sign == compare_signs().end()) break;
      take();
      node.signs.push_back(sign->second);
      node.children.push_back(operand());
    }
    return node;
  }

  static Node two(Kind kind, size_t at, Node left, Node right) {
    Node node{kind, at, {}};
    node.children.push_back(std::move(left));
    node.children.push_back(std::move(right));
    return node;
  }

  Node none_test(Node left) {
    const size_t at = take().at;
    const bool is_not = take_word("not");
    const size_t of_right = now().at;
    Node right = operand();
    if (right.kind != Kind::constant || !right.value.is_null())
      throw QueryError(of_right, "'is' takes None here; other values are compared with '=='");
    Node node{Kind::is_none, at, {}};
    node.children.push_back(std::move(left));
    return is_not ? negated(at, std::move(node)) : node;
  }

  Node pattern_test(Node left) {
    const Token word = take();
    const Token& right = now();
    const std::string name = lower(word.text);
    if (right.kind != TokenKind::text)
      throw QueryError(right.at, "'" + name + "' takes a text in quotes, not " + shown(right));
    Node node{Kind::match, word.at, {}};
    node.children.push_back(std::move(left));
    try {
      if (word.kind == TokenKind::sign)
        node.pattern = regex_pattern(right.text);
      else
        node.pattern = like_pattern(right.text, name == "ilike");
    } catch (const std::invalid_argument& error) {
      throw QueryError(right.at, std::string("the pattern cannot be used: ") + error.what());
    }
    take();
    return node;
  }

  Node operand() {
    const Deeper deeper(*this, now().at);
    Node node = primary();
    while (now().is(".") && ahead(1).kind == TokenKind::name && ahead(2).is("("))
      node = text_test(std::move(node));
    if (now().is("[")) throw QueryError(now().at, "only a run's fields have something in brackets");
    return node;
  }

  Node text_test(Node left) {
    take();
    const Token& name = take();
    static const std::map<std::string, Kind> tests = {
        {"startswith", Kind::begins}, {"endswith", Kind::ends}, {"contains", Kind::contains}};
    const auto test = tests.find(name.text);
    if (test == tests.end())
      throw QueryError(name.at,
                       "there is no '" + name.text + "()'" +
                           did_you_mean(name.text, {"startswith", "endswith", "contains"}) +
                           " (a text has startswith, endswith and contains)");
    want_sign("(");
    Node right = operand();
    want_sign(")");
    return two(test->second, name.at, std::move(left), std::move(right));
  }

  Node primary() {
    const Token& token = now();
    if (token.is("(")) return parenthesis();
    if (token.is("[")) return list();
    if (token.is("-") || token.is("+") || token.kind == TokenKind::number) return number();
    if (token.kind == TokenKind::text) return constant(take().at, Value{token.text});
    if (token.kind != TokenKind::name)
      throw QueryError(token.at, "a name or a value is missing before " + shown(token));
    if (const auto value = named_constant(token)) return constant(take().at, *value);
    for (const char* word : {"and", "or", "in", "is", "like", "ilike"})
      if (is_word(token, word) && !ahead(1).is("."))
        throw QueryError(token.at, "a name or a value is missing before " + shown(token) +
                                       " (a field of that name is written in back-quotes)");
    if (is_word(token, "datetime") && ahead(1).is("(")) return date();
    return field();
  }

  static std::optional<Value> named_constant(const Token& token) {
    if (token.is_quoted) return std::nullopt;
    const std::string word = lower(token.text);
    if (word == "none" || word == "null") return Value{};
    if (word == "true" || word == "false") return Value{Number::of(word == "true")};
    return std::nullopt;
  }

  static Node constant(size_t at, Value value) {
    return {Kind::constant, at, {}, std::move(value)};
  }

  Node number() {
    const size_t at = now().at;
    const bool is_negative = now().is("-");
    if (now().is("-") || now().is("+")) take();
    if (now().kind != TokenKind::number)
      throw QueryError(now().at, "a number is missing before " + shown(now()));
    Number number = take().number;
    if (is_negative && number.type == NumberType::int64)
      number = Number::of(-static_cast<int64_t>(number.bits));
    else if (is_negative)
      number = Number::of(-number.as_double());
    return constant(at, Value{number});
  }

  // (a and b), or a list as SQL and Python write it: ('a', 'b').
  Node parenthesis() {
    const size_t at = take().at;
    if (now().is(")")) return rest_of_list({Kind::list, at, {}}, ")");
    Node inside = either();
    if (now().is(",")) {
      Node node{Kind::list, at, {}};
      node.children.push_back(std::move(inside));
      take();
      return rest_of_list(std::move(node), ")");
    }
    want_sign(")");
    return inside;
  }

  Node list() { return rest_of_list({Kind::list, take().at, {}}, "]"); }

  Node rest_of_list(Node node, const char* end) {
    while (!now().is(end)) {
      node.children.push_back(operand());
      if (!take_sign(",")) break;
    }
    want_sign(end);
    return node;
  }

  // datetime(2026, 11, 24, 13, 30)
  Node date() {
    const size_t at = take().at;
    want_sign("(");
    std::vector<int64_t> parts;
    while (now().kind == TokenKind::number && parts.size() < 7) {
      if (now().number.type != NumberType::int64)
        throw QueryError(now().at, "a date is made of whole numbers");
      parts.push_back(static_cast<int64_t>(take().number.bits));
      if (!take_sign(",")) break;
    }
    want_sign(")");
    const auto seconds = time_of_parts(parts);
    if (!seconds) throw QueryError(at, "there is no such date");
    return constant(at, Value{Number::of(*seconds)});
  }

  Node field() {
    Field field;
    field.at = now().at;
    const Token& first = take();
    field.path.push_back({first.text, {}, {}, first.at});
    while (field_part(field)) {
    }
    field.end = next_ < tokens_.size() ? now().at : field.at;
    Node node{Kind::field, field.at, {}};
    node.field = query_.fields.size();
    query_.fields.push_back(std::move(field));
    return node;
  }

  bool field_part(Field& field) {
    if (now().is(".")) {
      const Token& name = ahead(1);
      if (name.kind == TokenKind::name && ahead(2).is("(")) return false;
      if (name.kind != TokenKind::name && name.kind != TokenKind::text)
        throw QueryError(name.at, "a name is missing before " + shown(name));
      take();
      take();
      field.path.push_back({name.text, {}, {}, name.at});
      return true;
    }
    if (!now().is("[")) return false;
    take();
    FieldPart part = key();
    if (take_sign(",")) part.context = context();
    want_sign("]");
    field.path.push_back(std::move(part));
    return true;
  }

  FieldPart key() {
    const Token& token = now();
    if (token.kind == TokenKind::text) return {take().text, {}, {}, token.at};
    if (token.kind == TokenKind::number && token.number.type == NumberType::int64)
      return {"", static_cast<int64_t>(take().number.bits), {}, token.at};
    throw QueryError(token.at, "a name in quotes is missing before " + shown(token));
  }

  // {"subset": "val", "fold": 3}
  ValueMap context() {
    ValueMap map;
    want_sign("{");
    while (now().kind == TokenKind::text || now().kind == TokenKind::name) {
      std::string name = take().text;
      if (!take_sign(":")) want_sign("=");
      const size_t at = now().at;
      const Node value = operand();
      if (value.kind != Kind::constant)
        throw QueryError(at, "a context is made of values, as in {\"subset\": \"val\"}");
      map.emplace_back(std::move(name), value.value);
      if (!take_sign(",")) break;
    }
    want_sign("}");
    return map;
  }

  std::vector<Token> tokens_;  // the last is `end`
  size_t next_ = 0;
  unsigned depth_ = 0;
  Query query_;
};

}  // namespace

Query parse_query(std::string_view text) {
  if (text.size() > query_bytes_max) throw QueryError(0, "the query is too long");
  return Parser(text).parse();
}

}  // namespace aimlog::cli
