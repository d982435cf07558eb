#include "plugin/model/number.h"

#include <charconv>
#include <limits>
#include <random>
#include <vector>

#include "plugin/model/ids.h"
#include "plugin/model/status.h"
#include "tests/support/catch.h"

using namespace aimlog;

namespace {

constexpr int64_t two_53 = int64_t{1} << 53;
constexpr int64_t int64_lowest = std::numeric_limits<int64_t>::min();
constexpr int64_t int64_highest = std::numeric_limits<int64_t>::max();

}  // namespace

TEST_CASE("NumbersAreOrderedByTheirExactValue") {
  // Each is above the one before, whatever the types.
  const std::vector<Number> ascending = {
      Number::of(-std::numeric_limits<double>::infinity()),
      Number::of(-1e300),
      Number::of(-9223372036854777856.0),
      Number::of(int64_lowest),
      Number::of(int64_lowest + 1),
      Number::of(-1.5),
      Number::of(int64_t{-1}),
      Number::of(-std::numeric_limits<double>::denorm_min()),
      Number::of(false),
      Number::of(std::numeric_limits<double>::denorm_min()),
      Number::of(0.5),
      Number::of(true),
      Number::of(1.5),
      Number::of(uint64_t{2}),
      Number::of(static_cast<double>(two_53)),
      Number::of(two_53 + 1),
      Number::of(static_cast<double>(two_53 + 2)),
      Number::of(int64_highest),
      Number::of(9223372036854775808.0),
      Number::of((uint64_t{1} << 63) + 1),
      Number::of(UINT64_MAX),
      Number::of(18446744073709551616.0),
      Number::of(1e300),
      Number::of(std::numeric_limits<double>::infinity()),
  };
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      INFO(to_text(ascending[i]) << " and " << to_text(ascending[j]));
      CHECK(compare(ascending[i], ascending[j]) == (i <=> j));
    }
  }
}

TEST_CASE("EqualValuesOfDifferentTypesCompareEqualButAreNotTheSame") {
  CHECK(compare(Number::of(int64_t{1}), Number::of(1.0)) == std::partial_ordering::equivalent);
  CHECK(compare(Number::of(true), Number::of(uint64_t{1})) == std::partial_ordering::equivalent);
  CHECK(compare(Number::of(0.0), Number::of(-0.0)) == std::partial_ordering::equivalent);
  CHECK_FALSE(Number::of(int64_t{1}) == Number::of(1.0));
  CHECK_FALSE(Number::of(0.0) == Number::of(-0.0));
}

TEST_CASE("NaNAndNothingAreUnordered") {
  const Number nan = Number::of(std::nan(""));
  CHECK(nan == nan);
  CHECK(nan.is_nan());
  for (const Number& other : {nan, Number::of(1.0), Number::of(int64_t{1}), Number()}) {
    CHECK(compare(nan, other) == std::partial_ordering::unordered);
    CHECK(compare(other, nan) == std::partial_ordering::unordered);
  }
  CHECK(compare(Number(), Number()) == std::partial_ordering::unordered);
  CHECK_FALSE(Number::of(std::numeric_limits<double>::infinity()).is_nan());
  CHECK(Number::of(-std::numeric_limits<double>::infinity()).is_infinite());
}

TEST_CASE("TextsAreShortAndReadBackExactly") {
  CHECK(to_text(Number::of(0.1)) == "0.1");
  CHECK(to_text(Number::of(1e-7)) == "1e-07");
  CHECK(to_text(Number::of(-0.0)) == "-0");
  CHECK(to_text(Number::of(two_53 + 1)) == "9007199254740993");
  CHECK(to_text(Number::of(int64_lowest)) == "-9223372036854775808");
  CHECK(to_text(Number::of(UINT64_MAX)) == "18446744073709551615");
  CHECK(to_text(Number::of(true)) == "1");
  CHECK(to_text(Number::of(-std::nan(""))) == "nan");
  CHECK(to_text(Number::of(-std::numeric_limits<double>::infinity())) == "-inf");
  CHECK(to_text(Number()).empty());
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const Number number = {NumberType::float64, random()};
    if (number.is_nan()) continue;
    const std::string text = to_text(number);
    double back = 0;
    std::from_chars(text.data(), text.data() + text.size(), back);
    CHECK(Number::of(back) == number);
  }
}

TEST_CASE("RunIdsFollowFromJobAndTrialAlone") {
  JobToken token{};
  const RunId run = make_run_id(token, "trial_1");
  CHECK(run == make_run_id(token, "trial_1"));
  CHECK(run != make_run_id(token, "trial_2"));
  token[15] = 1;
  CHECK(run != make_run_id(token, "trial_1"));
  CHECK(run.hex().size() == 24);
  CHECK(RunId::from_hex(run.hex()) == run);
}

TEST_CASE("OnlyTwentyFourHexDigitsAreARunId") {
  CHECK(RunId::from_hex("00112233445566778899aAbB").has_value());
  for (const char* text : {"", "0", "00112233445566778899aab", "00112233445566778899aabbc",
                           "00112233445566778899aabg", "0x112233445566778899aabb"}) {
    CHECK_FALSE(RunId::from_hex(text).has_value());
  }
}

TEST_CASE("StatusesHaveNames") {
  for (uint8_t i = 0; i < 8; ++i) {
    const auto status = static_cast<TrialStatus>(i);
    CHECK(status_from_name(status_name(status)) == status);
  }
  CHECK_FALSE(status_from_name("dead").has_value());
  CHECK(status_name(static_cast<TrialStatus>(99)) == std::string("unknown"));
  CHECK(is_open(TrialStatus::paused));
  CHECK_FALSE(is_open(TrialStatus::crashed));
}
