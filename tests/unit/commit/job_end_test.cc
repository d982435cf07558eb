// A job that several instances work on ends with the last of them.
#include "tests/unit/commit/shared_repo.h"

namespace aimlog::test {
namespace {

TEST_CASE("AJobEndsWithTheLastInstanceThatSaysSo") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.tell(ExperimentEndEvent{30, false}).flush();
  CHECK(repo.job().ended_ns == 0);
  b.tell(ExperimentEndEvent{31, true}).flush();
  CHECK(repo.job().ended_ns == 31);
  CHECK(repo.job().interrupted);
  a.destroy();
  b.destroy();
  CHECK(repo.job().ended_ns == 31);
}

TEST_CASE("AJobWhoseEndWasSaidEndsWithTheLastInstanceThatWorksOnIt") {
  SharedRepo repo;
  Host first = repo.host();
  first.start("a").end("a", TrialStatus::paused).flush();
  first.die();
  Host a = repo.host();
  Host b = repo.host();
  b.start("b").flush();
  a.tell(ExperimentEndEvent{30, false}).flush();
  SECTION("which is closed") {
    const bool a_lives = GENERATE(true, false);
    if (!a_lives) a.destroy();
    CHECK(repo.told("a") == "crashed: paused 0");
    CHECK(repo.job().ended_ns == 0);
    b.destroy();
    CHECK(repo.told("b") == "stopped: stopped 0");
  }
  SECTION("which dies") {
    b.die();
    repo.recover();
    CHECK(repo.told("b") == "crashed: crashed 0");
  }
  CHECK(repo.job().ended_ns == 30);
  CHECK(repo.told("a") == "stopped: paused 0");
}

TEST_CASE("AJobThatIsGoneOnWithForgetsThatItsEndWasSaid") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.tell(ExperimentEndEvent{30, false}).flush();
  Host c = repo.host();
  b.destroy();
  c.destroy();
  CHECK(repo.job().ended_ns == 0);
  a.tell(ExperimentEndEvent{35, false}).flush();
  CHECK(repo.job().ended_ns == 35);
}

}  // namespace
}  // namespace aimlog::test
