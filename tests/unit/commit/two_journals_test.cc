// Several journals that write the same runs: workers of one study, or a process and its successor.
#include "plugin/store/journal_table.h"
#include "tests/unit/commit/shared_repo.h"

namespace aimlog::test {
namespace {

TEST_CASE("AnAttemptOfAnotherJournalOutlivesTheEndOfTheOneBefore") {
  SharedRepo repo;
  Host a = repo.host();
  a.start("a").results("a", 3).flush();
  Host b = repo.host();
  b.start("a").results("a", 5).end("a").flush();
  b.destroy();
  CHECK(repo.told("a") == "completed: stopped 3, completed 5");
  SECTION("its journal is closed") { a.destroy(); }
  SECTION("its writer dies") {
    a.die();
    repo.recover();
  }
  CHECK(repo.told("a") == "completed: stopped 3, completed 5");
  repo.check_sums();
}

TEST_CASE("WhatTwoJournalsSayOfOneTrialGoesToTheAttemptsThatTheyBegan") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").results("a", 3).flush();
  b.start("a").results("a", 2).flush();
  for (int64_t i = 0; i < 3; ++i) {
    a.results("a", 600, 10 + 600 * i).flush();
    b.results("a", 500, 10 + 500 * i).flush();
  }
  CHECK(repo.told("a") == "running: stopped 1803, running 1502");
  a.end("a", TrialStatus::stopped).flush();  // changes nothing: its attempt was followed
  CHECK(repo.told("a") == "running: stopped 1803, running 1502");
  b.end("a").flush();
  a.results("a", 1, 3000).destroy();
  CHECK(repo.told("a") == "completed: stopped 1804, completed 1502");
  b.destroy();
  repo.check_sums();
}

TEST_CASE("AnEndOfAFollowedAttemptIsKeptWithTheAttempt") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").flush();
  b.start("a").flush();
  a.tell(FailureEvent{trial_key("a"), 25, true, 0, "out of memory"}).flush();
  CHECK(repo.told("a") == "running: failed 0, running 0");
  CHECK(repo.run_row("a").error_text.empty());
  b.start("b").flush();
  a.start("b").flush();
  b.end("b").flush();
  CHECK(repo.told("b") == "running: completed 0, running 0");
}

TEST_CASE("AStartThatFollowsAnothersAttemptTakesCharge") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").results("a", 1).flush();
  b.start("a").results("a", 2).flush();
  a.start("a").results("a", 3).flush();
  CHECK(repo.told("a") == "running: stopped 1, stopped 2, running 3");
  b.destroy();
  CHECK(repo.told("a") == "running: stopped 1, stopped 2, running 3");
  a.die();
  repo.recover();
  CHECK(repo.told("a") == "crashed: stopped 1, stopped 2, crashed 3");
  repo.check_sums();
}

TEST_CASE("ARunThatAnotherJournalMadeWithoutAStartIsWhollyTheStarters") {
  SharedRepo repo;
  Host a = repo.host();
  a.checkpoint("a").flush();
  Host b = repo.host();
  b.start("a").results("a", 3).flush();
  SECTION("the maker is closed, then the starter dies") {
    a.destroy();
    CHECK(repo.told("a") == "running: running 3");
    b.die();
    repo.recover();
    CHECK(repo.told("a") == "crashed: crashed 3");
  }
  SECTION("the maker dies while the starter lives") {
    a.die();
    repo.recover();
    CHECK(repo.told("a") == "running: running 3");
    b.results("a", 1, 4).end("a").flush();
    CHECK(repo.told("a") == "completed: completed 4");
  }
  repo.check_sums();
}

TEST_CASE("ALeftoverOfAnOlderProgramHoldsNoRunOpen") {
  SharedRepo repo;
  Host a = repo.host();
  a.start("b").flush();
  Host b = repo.host();
  b.start("a").flush();
  with_write_transaction(*repo.environment, [&](WriteTransaction& txn) {
    put_open_run(txn, 1, find_run(txn, 1, trial_key("a")).value());
  });
  a.die();
  repo.recover();
  CHECK(repo.told("a") == "running: running 0");
  CHECK(repo.told("b") == "crashed: crashed 0");
}

TEST_CASE("LateResultsOfADeadWriterGoToItsAttemptAndLeaveTheRunToWhoHasIt") {
  SharedRepo repo;
  Host first = repo.host();
  first.start("a").results("a", 4).flush();
  first.results("a", 7, 5);  // stopped before it could commit them
  Host second = repo.host();
  second.start("a").results("a", 2).flush();
  const auto finish = [&] {
    second.results("a", 2, 3).destroy();
    CHECK(repo.told("a") == "stopped: stopped 11, stopped 4");
  };
  SECTION("which lives") {
    first.die();
    repo.recover();
    CHECK(repo.told("a") == "running: stopped 11, running 2");
    finish();
  }
  SECTION("which has ended") {
    second.results("a", 2, 3).destroy();
    first.die();
    repo.recover();
    CHECK(repo.told("a") == "stopped: stopped 11, stopped 4");
  }
  SECTION("which is dead, too") {
    first.die();
    second.die();
    repo.recover();
    CHECK(repo.told("a") == "crashed: stopped 11, crashed 2");
  }
  repo.check_sums();
}

TEST_CASE("ALateStartOfADeadWriterTakesNoRunAway") {
  SharedRepo repo;
  Host first = repo.host();
  first.start("a").results("a", 7);
  Host second = repo.host();
  second.start("a").results("a", 2).flush();
  SECTION("from one that lives") {
    first.die();
    repo.recover();
    CHECK(repo.told("a") == "running: running 2, crashed 7");
    second.results("a", 1, 3).end("a").flush();
    CHECK(repo.told("a") == "completed: completed 3, crashed 7");
  }
  SECTION("that was completed since") {
    first.start("a").results("a", 1);
    second.end("a").destroy();
    first.die();
    repo.recover();
    CHECK(repo.told("a") == "completed: completed 2, crashed 7, crashed 1");
  }
  repo.check_sums();
}

TEST_CASE("WhereTheNewestAttemptsWriterIsGoneTheOneBeforeCountsAgain") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").results("a", 1).flush();
  b.start("a").results("a", 2).flush();
  b.die();
  repo.recover();
  CHECK(repo.told("a") == "crashed: stopped 1, crashed 2");
  a.results("a", 1, 2).flush();
  CHECK(repo.told("a") == "running: running 2, crashed 2");
  SECTION("to its end") { a.end("a").flush(); }
  SECTION("to its end, with other commits between") {
    repo.host().destroy();
    a.end("a").flush();
  }
  CHECK(repo.told("a") == "completed: completed 2, crashed 2");
  a.destroy();
  CHECK(repo.told("a") == "completed: completed 2, crashed 2");
}

TEST_CASE("WhoSpeaksOfARunWithoutAStartTakesItUpFromALiveJournal") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").results("a", 2).flush();
  b.results("a", 3, 3).flush();
  a.results("a", 1, 6).flush();
  CHECK(repo.told("a") == "running: running 6");
  b.destroy();
  CHECK(repo.told("a") == "running: running 6");
  a.end("a").destroy();
  CHECK(repo.told("a") == "completed: completed 6");
  repo.check_sums();
}

TEST_CASE("LateResultsInASharedAttemptDoNotCrashIt") {
  SharedRepo repo;
  Host a = repo.host();
  Host b = repo.host();
  a.start("a").results("a", 2).flush();
  b.results("a", 3, 3).flush();
  a.results("a", 1, 6);
  a.die();
  repo.recover();
  CHECK(repo.told("a") == "running: running 6");
  b.end("a").destroy();
  CHECK(repo.told("a") == "completed: completed 6");
  repo.check_sums();
}

}  // namespace
}  // namespace aimlog::test
