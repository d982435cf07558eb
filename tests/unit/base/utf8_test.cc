#include "plugin/base/utf8.h"

#include "tests/support/catch.h"

using namespace aimlog;

namespace {

std::string repaired(std::string_view text) {
  std::string out = ">";
  append_repaired_utf8(out, text);
  return out.substr(1);
}

const std::string bad = "\xef\xbf\xbd";  // U+FFFD

}  // namespace

TEST_CASE("WellFormedTextIsLeftAlone") {
  for (const std::string text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                 "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(is_utf8(text));
    CHECK(repaired(text) == text);
  }
  CHECK(is_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("EachBadByteBecomesOneReplacement") {
  const std::pair<std::string, std::string> cases[] = {
      {"\xff", bad},
      {"a\x80z", "a" + bad + "z"},
      {"\xc3", bad},
      {"\xc3(", bad + "("},
      {"\xe2\x82", bad + bad},
      {"\xe2\x82z", bad + bad + "z"},
      {"\xc0\xaf", bad + bad},                      // overlong
      {"\xe0\x80\xaf", bad + bad + bad},            // overlong
      {"\xed\xa0\x80", bad + bad + bad},            // a surrogate
      {"\xf4\x90\x80\x80", bad + bad + bad + bad},  // above U+10FFFF
      {"\xf5\x80\x80\x80", bad + bad + bad + bad},
  };
  for (const auto& [text, expected] : cases) {
    CHECK_FALSE(is_utf8(text));
    CHECK(repaired(text) == expected);
    CHECK(is_utf8(repaired(text)));
  }
}

TEST_CASE("CuttingLeavesWholeCharacters") {
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";  // 1, 2, 3 and 4 bytes
  const size_t lengths[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (size_t limit = 0; limit < std::size(lengths); ++limit) {
    CHECK(cut_utf8(text, limit).size() == lengths[limit]);
  }
}
