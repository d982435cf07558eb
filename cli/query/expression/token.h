// A query's text in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugin/model/number.h"

namespace aimlog::cli {

struct Token {
  enum class Kind { name, text, number, sign, end };
  Kind kind = Kind::end;
  std::string text;        // without quotes; a sign as it is written
  size_t at = 0;           // in the query, in bytes
  Number number;           // of a number
  bool is_quoted = false;  // a name in back-quotes: never a keyword
  bool is(std::string_view sign) const { return kind == Kind::sign && text == sign; }
};

// Ends with a token `end`. Throws QueryError.
std::vector<Token> read_tokens(std::string_view query);

}  // namespace aimlog::cli
