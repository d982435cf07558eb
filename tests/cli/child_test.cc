// What a child meets never takes the command with it.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "cli/check/child.h"
#include "tests/support/catch.h"

namespace aimlog::cli {
namespace {

struct Heard {
  ChildEnd end;
  std::string messages;
};

Heard hear(const std::function<void(ChildPipe&)>& work) {
  Heard heard;
  heard.end = run_in_child(work, [&](char kind, ByteView message) {
    heard.messages += kind;
    heard.messages += message;
  });
  return heard;
}

}  // namespace

TEST_CASE("MessagesOfAChildArriveInOrder") {
  const std::string large(300000, 'x');
  const Heard heard = hear([&](ChildPipe& pipe) {
    pipe.send('a', "one");
    pipe.send('b', large);
  });
  CHECK(heard.end.done);
  CHECK(heard.end.signal == 0);
  CHECK(heard.messages == "aoneb" + large);
}

TEST_CASE("AKilledChildIsReportedWithItsSignalAndWhereItWas") {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) {
    const Heard heard = hear([&](ChildPipe& pipe) {
      pipe.send('f', "before");
      pipe.at("chunks");
      // As a page that is not there would do it; a sanitizer's handler is not asked.
      ::signal(signal, SIG_DFL);
      ::raise(signal);
    });
    CHECK_FALSE(heard.end.done);
    CHECK(heard.end.signal == signal);
    CHECK(heard.end.is_damage);
    CHECK(heard.end.place == "chunks");
    CHECK(heard.messages == "fbefore");
  }
}

TEST_CASE("AnExceptionInAChildIsItsError") {
  const Heard heard =
      hear([](ChildPipe&) { throw Error(ErrorCode::corrupt, "page 7 is damaged"); });
  CHECK_FALSE(heard.end.done);
  CHECK(heard.end.error == "page 7 is damaged");
  CHECK(heard.end.is_damage);
}

TEST_CASE("WhatIsAboutTheChildIsNoDamage") {
  CHECK_FALSE(hear([](ChildPipe&) { throw system_error("cannot open", EMFILE); }).end.is_damage);
  CHECK_FALSE(hear([](ChildPipe&) { throw std::bad_alloc(); }).end.is_damage);
  CHECK_FALSE(hear([](ChildPipe&) { ::raise(SIGKILL); }).end.is_damage);
  // A sector that is lost.
  CHECK(hear([](ChildPipe&) { throw system_error("cannot read", EIO); }).end.is_damage);
}

TEST_CASE("AChildThatEndsWithoutAWordIsNotDone") {
  const Heard heard = hear([](ChildPipe&) { ::_exit(0); });
  CHECK_FALSE(heard.end.done);
  CHECK_FALSE(heard.end.error.empty());
}

}  // namespace aimlog::cli
