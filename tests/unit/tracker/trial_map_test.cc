#include "plugin/tracker/trial_map.h"

#include <new>

#include "tests/support/catch.h"

namespace aimlog::test {

TEST_CASE("ATrialThatCouldNotBeMadeIsMadeWholeTheNextTime") {
  TrialMap trials;
  const auto fails = [](std::string_view) -> std::string { throw std::bad_alloc(); };
  const auto same = [](std::string_view id) { return std::string(id); };
  CHECK_THROWS_AS(trials.find(1, "first", fails), std::bad_alloc);
  CHECK_THROWS_AS(trials.find(2, "second", fails), std::bad_alloc);
  CHECK(trials.size() == 0);
  const TrackedTrial& first = trials.find(1, "first", same);
  CHECK((first.raw_id == "first" && first.key == trial_key("first")));
  CHECK(trials.find(2, "second", same).key == trial_key("second"));
}

}  // namespace aimlog::test
