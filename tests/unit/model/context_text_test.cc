#include "plugin/model/context_text.h"

#include <limits>
#include <set>

#include "tests/support/catch.h"

namespace aimlog::test {

TEST_CASE("ValuesOfDifferentTypesReadDifferently") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::pair<Value, std::string> expected[] = {
      {Value{}, "null"},
      {Value{std::string("null")}, "\"null\""},
      {Value{Number::of(true)}, "true"},
      {Value{std::string("true")}, "\"true\""},
      {Value{Number::of(int64_t{1})}, "1"},
      {Value{Number::of(1.0)}, "1.0"},
      {Value{std::string("1")}, "\"1\""},
      {Value{std::string("1.0")}, "\"1.0\""},
      {Value{std::string("1e400")}, "\"1e400\""},
      {Value{Number::of(-0.0)}, "-0.0"},
      {Value{Number::of(1e5)}, "1e+05"},
      {Value{Number::of(0.1)}, "0.1"},
      {Value{Number::of(infinity)}, "Infinity"},
      {Value{std::string("Infinity")}, "\"Infinity\""},
      {Value{std::string("inf")}, "\"inf\""},
      {Value{std::string()}, "\"\""},
      {Value{std::string("val")}, "val"},
      {Value{std::string("1a")}, "1a"},
      {Value{std::string("\"a\\")}, "\"\\\"a\\\\\""},
  };
  std::set<std::string> texts;
  for (const auto& [value, text] : expected) {
    CHECK(context_value_text(value) == text);
    CHECK(texts.insert(text).second);
  }
  CHECK_FALSE(context_value_text(Value{ValueList{}}));
}

}  // namespace aimlog::test
