#include "cli/aim/tree_codec.h"

#include "tests/support/catch.h"

namespace aimlog::aim {
namespace {

Value text(const char* value) { return Value{std::string(value)}; }
Value whole(int64_t value) { return Value{Number::of(value)}; }

Value sample() {
  return Value{ValueMap{{"a", whole(1)},
                        {"b", Value{ValueList{whole(-1), text("x"), Value{ValueList{}}}}},
                        {"c", Value{ValueMap{}}},
                        {"d", Value{ValueMap{{"e", Value{}}, {"f", Value{BinaryBytes{"\xfe"}}}}}}}};
}

}  // namespace

TEST_CASE("PathsReadBackAlsoWithTheMarkInsideANumber") {
  const Path path = {"meta", int64_t{-1}, "x", int64_t{0x00fefefefefefe00}, int64_t{5}};
  const Bytes bytes = encode_path(path);
  CHECK(decode_path(bytes) == path);
  CHECK(decode_path("") == Path{});
}

TEST_CASE("DamagedPathsAreNoPaths") {
  CHECK_FALSE(decode_path("meta"));
  CHECK_FALSE(decode_path("meta\xfe\xfe"));
  CHECK_FALSE(decode_path("meta\xfe\xfe\x01\x02\xfe"));
  CHECK_FALSE(decode_path("\xfe\x01\x02\x03\x04\x05\x06\x07\x08!"));
}

TEST_CASE("ValuesFoldBackToWhatWasUnfolded") {
  Tree tree;
  const Bytes path = encode_path({"meta", "attrs"});
  unfold(tree, path, sample());
  tree[encode_path({"meta", "attrs2"})] = encode_text("beside");
  CHECK(fold(tree, path) == sample());
  CHECK_FALSE(fold(tree, encode_path({"meta", "nothing"})));
  CHECK(keys_below(tree, path) == std::vector<PathKey>{"a", "b", "c", "d"});
}

TEST_CASE("DamagedValuesAreLeftOut") {
  Tree tree;
  const Bytes path = encode_path({"x"});
  unfold(tree, path, sample());
  tree[path + Bytes("a\xfe")] = Bytes("\x02\x01", 2);
  tree[path + Bytes("\xfe\xfe")] = Bytes("\x01\x01", 2);
  tree[path + Bytes("g\xfe")] = "";
  const auto value = fold(tree, path);
  REQUIRE(value);
  REQUIRE(value->map() != nullptr);
  CHECK(value->map()->size() == 3);
}

TEST_CASE("EndlessPathsEnd") {
  Tree tree;
  Bytes path;
  for (int i = 0; i < 100'000; ++i) append_key(path, "a");
  tree[path] = encode_number(Number::of(int64_t{1}));
  CHECK_FALSE(fold(tree, encode_path({"a"})));
}

TEST_CASE("WhatAimCannotHoldIsMadeFit") {
  const Value value{ValueMap{{"", whole(1)},
                             {"\xff", text("\xfe!")},
                             {"n", Value{Number::of(UINT64_MAX)}},
                             {"m", Value{Number::of(uint64_t{7})}},
                             {"n", whole(2)}}};
  const Value fit{ValueMap{{"(empty)", whole(1)},
                           {"\xef\xbf\xbd", text("\xef\xbf\xbd!")},
                           {"n", whole(2)},
                           {"m", whole(7)}}};
  CHECK(fit_for_aim(value) == fit);
  CHECK(fit_number(Number::of(UINT64_MAX)) == Number::of(18446744073709551615.0));
}

}  // namespace aimlog::aim
