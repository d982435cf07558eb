// Any bytes as a query: a tree, or an error that points into the text; nothing else. A tree is
// tried on runs of all kinds of values.
#include <cstdlib>
#include <limits>

#include "cli/query/expression/evaluator.h"
#include "cli/query/expression/parser.h"
#include "cli/query/expression/query_error.h"

namespace {

using namespace aimlog;

Value some_value(size_t which) {
  switch (which % 8) {
    case 0:
      return Value{Number::of(0.5)};
    case 1:
      return Value{Number::of(int64_t{-3})};
    case 2:
      return Value{Number::of(std::numeric_limits<double>::quiet_NaN())};
    case 3:
      return Value{std::string("adam\xc3\xa9")};
    case 4:
      return Value{ValueList{Value{Number::of(int64_t{1})}, Value{std::string("a")}}};
    case 5:
      return Value{ValueMap{{"a", Value{}}}};
    case 6:
      return Value{Number::of(true)};
    default:
      return Value{};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const cli::Query query = cli::parse_query(text);
    for (const cli::Field& field : query.fields)
      if (field.path.empty() || field.at >= text.size() || field.end > text.size()) std::abort();
    cli::Evaluator evaluator(query);
    for (size_t run = 0; run < 8; ++run)
      evaluator.matches([&](size_t field) { return some_value(run + field); });
    for (const size_t at : evaluator.never_comparable())
      if (at > text.size()) std::abort();
  } catch (const cli::QueryError& error) {
    if (error.at() > text.size() || *error.what() == '\0') std::abort();
  }
  return 0;
}
