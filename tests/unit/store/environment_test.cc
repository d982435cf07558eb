#include "plugin/store/environment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "plugin/base/file.h"
#include "plugin/base/unique_fd.h"
#include "plugin/store/keys.h"
#include "plugin/store/repo_files.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/child.h"

namespace aimlog::test {
namespace {

Key number_key(uint32_t number) { return std::move(Key().add(number)); }

void put_one(Environment& env, uint32_t number, ByteView value) {
  with_write_transaction(
      env, [&](WriteTransaction& txn) { txn.put(Table::losses, number_key(number), value); });
}

// The code and text of the Error that `work` throws.
struct Failure {
  ErrorCode code = ErrorCode::unknown;
  std::string text = "nothing was thrown";
  bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};
template <typename Work>
Failure failure_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {};
}

// Every file and directory that is synced while it lives.
class SyncedFiles {
 public:
  SyncedFiles() {
    paths_.clear();
    set_file_calls(noting_calls_);
  }
  ~SyncedFiles() { set_file_calls(system_file_calls); }
  bool have(const std::filesystem::path& path) const { return paths_.contains(path); }

 private:
  static int sync(int fd) {
    paths_.insert(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)));
    return system_file_calls.fsync(fd);
  }
  static FileCalls noting() {
    FileCalls calls = system_file_calls;
    calls.fsync = sync;
    return calls;
  }
  static inline std::set<std::filesystem::path> paths_;
  const FileCalls noting_calls_ = noting();
};

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::trunc) << text;
}

}  // namespace

TEST_CASE("ARepoIsMadeAndReadAgain") {
  TempDir dir;
  std::array<unsigned char, 16> id{};
  {
    const auto env = Environment::open(dir / "new/deep", OpenMode::create);
    id = env->repo_id();
    put_one(*env, 7, "seven");
    CHECK(env->writable());
  }
  const auto env = Environment::open(dir / "new/deep", OpenMode::read_only);
  CHECK(env->repo_id() == id);
  CHECK_FALSE(env->writable());
  CHECK(Transaction(*env).get(Table::losses, number_key(7)) == "seven");
  CHECK_FALSE(Transaction(*env).get(Table::losses, number_key(8)).has_value());
  CHECK(std::filesystem::is_directory(env->paths().journals));
  CHECK(failure_of([&] { WriteTransaction txn(*env); }).code == ErrorCode::invalid_argument);
}

TEST_CASE("ScansGoOverAPrefixInOrder") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  with_write_transaction(*env, [](WriteTransaction& txn) {
    for (const char* key : {"b1", "a", "b3", "c", "b2", "b\xff"}) txn.put(Table::series, key, key);
    CHECK(txn.erase(Table::series, "b2"));
    CHECK_FALSE(txn.erase(Table::series, "b2"));
  });
  const Transaction txn(*env);
  std::vector<Bytes> seen;
  const auto note = [&](ByteView key, ByteView) {
    seen.emplace_back(key);
    return true;
  };
  txn.scan(Table::series, "b", {}, note);
  CHECK(seen == std::vector<Bytes>{"b1", "b3", "b\xff"});
  seen.clear();
  txn.scan(Table::series, "b", "b2", note);
  CHECK(seen == std::vector<Bytes>{"b3", "b\xff"});
  CHECK(txn.last(Table::series, "b")->first == "b\xff");
  CHECK(txn.last(Table::series, "c")->first == "c");
  CHECK(txn.last(Table::series, "")->first == "c");
  CHECK_FALSE(txn.last(Table::series, "d").has_value());
  CHECK(txn.count(Table::series) == 5);
}

TEST_CASE("WhatIsNotCommittedIsGone") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  {
    WriteTransaction txn(*env);
    txn.put(Table::runs, "k", "v");
  }
  CHECK(Transaction(*env).count(Table::runs) == 0);
}

TEST_CASE("WhatNamesANewRepoIsSyncedBeforeItIsUsed") {
  const TempDir dir;
  const SyncedFiles synced;
  Environment::open(dir / "new/deep", OpenMode::create);
  for (const char* parent : {"", "new", "new/deep", "new/deep/.aimlog"}) {
    CAPTURE(parent);
    CHECK(synced.have(std::filesystem::canonical(dir / parent)));
  }
  // Whoever made its directory before came no further.
  std::filesystem::create_directories(dir / "begun/.aimlog/journals");
  Environment::open(dir / "begun", OpenMode::create);
  CHECK(synced.have(std::filesystem::canonical(dir / "begun")));
}

TEST_CASE("ARepoIsMadeAtAPathWithDots") {
  const TempDir dir;
  Environment::open(dir / "not-there/../new/./deep/", OpenMode::create);
  CHECK(std::filesystem::exists(dir / "new/deep/.aimlog/FORMAT"));
}

TEST_CASE("TwoPathsToOneRepoGiveOneEnvironment") {
  TempDir dir;
  const auto env = Environment::open(dir / "real", OpenMode::create);
  std::filesystem::create_directory_symlink(dir / "real", dir / "link");
  CHECK(Environment::open(dir / "link", OpenMode::read_write) == env);
}

TEST_CASE("AReaderBecomesAWriterWhenSomebodyWantsToWrite") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  const auto reader = Environment::open(dir.path(), OpenMode::read_only);
  const auto writer = Environment::open(dir.path(), OpenMode::create);
  CHECK(reader == writer);
  put_one(*writer, 1, "x");
  CHECK(Transaction(*reader).count(Table::losses) == 1);
}

TEST_CASE("ASecondCopyOfTheLibraryIsRefused") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  const UniqueFd other(::open((dir / ".aimlog/lock.mdb").c_str(), O_RDWR | O_CLOEXEC));
  const Failure failure = failure_of([&] { Environment::open(dir.path(), OpenMode::read_only); });
  CHECK(failure.code == ErrorCode::busy);
  CHECK(failure.says("another copy of this library"));
}

TEST_CASE("PlacesThatCannotHoldARepoAreRefusedWithTheirPath") {
  TempDir dir;
  CHECK(failure_of([&] { Environment::open(dir / "no", OpenMode::read_only); }).code ==
        ErrorCode::not_found);
  write_text(dir / "file", "x");
  const Failure on_file = failure_of([&] { Environment::open(dir / "file", OpenMode::create); });
  CHECK(on_file.code == ErrorCode::unsupported);
  CHECK(on_file.says((dir / "file").string()));
}

TEST_CASE("ANewerFormatIsRefusedNamingBothVersions") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  write_text(dir / ".aimlog/FORMAT", "aimlog repo, format 7\n");
  for (const OpenMode mode : {OpenMode::create, OpenMode::read_write, OpenMode::read_only}) {
    const Failure failure = failure_of([&] { Environment::open(dir.path(), mode); });
    CHECK(failure.code == ErrorCode::too_new);
    CHECK(failure.says("format 7"));
    CHECK(failure.says("format 1"));
  }
  write_text(dir / ".aimlog/FORMAT", "something else");
  CHECK(failure_of([&] { Environment::open(dir.path(), OpenMode::create); }).code ==
        ErrorCode::corrupt);
}

TEST_CASE("LostDataIsNotReplacedByAnEmptyRepo") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::resize_file(dir / ".aimlog/data.mdb", 0);
  Failure failure = failure_of([&] { Environment::open(dir.path(), OpenMode::create); });
  CHECK(failure.code == ErrorCode::corrupt);
  CHECK(failure.says("is empty"));
  std::filesystem::remove(dir / ".aimlog/data.mdb");
  failure = failure_of([&] { Environment::open(dir.path(), OpenMode::create); });
  CHECK(failure.says("is missing"));
}

TEST_CASE("ARepoWhoseMakingWasCutShortIsMadeToTheEnd") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::remove(dir / ".aimlog/FORMAT");
  CHECK(failure_of([&] { Environment::open(dir.path(), OpenMode::read_only); }).code ==
        ErrorCode::not_found);
  Environment::open(dir.path(), OpenMode::create);
  CHECK(std::filesystem::exists(dir / ".aimlog/FORMAT"));
}

TEST_CASE("ADataFileWhoseMakingWasCutShortIsMadeAnew") {
  for (const size_t written : {0u, 100u, 4096u, 8192u, 16384u}) {
    const TempDir dir;
    std::filesystem::create_directories(dir / ".aimlog");
    write_text(dir / ".aimlog/data.mdb", std::string(written, '\0'));
    CHECK_NOTHROW(Environment::open(dir.path(), OpenMode::create));
  }
  // What is longer than an empty repo may hold something, so it stays.
  const TempDir dir;
  std::filesystem::create_directories(dir / ".aimlog");
  write_text(dir / ".aimlog/data.mdb", std::string(300 << 10, '\0'));
  CHECK_THROWS_AS(Environment::open(dir.path(), OpenMode::create), Error);
  CHECK(std::filesystem::file_size(dir / ".aimlog/data.mdb") == 300 << 10);
}

TEST_CASE("WhatAPowerCutLeftOfARepoThatWasBeingMadeIsPutAside") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::remove(dir / ".aimlog/FORMAT");
  std::ofstream(dir / ".aimlog/data.mdb", std::ios::trunc) << std::string(8192, '\0');
  Environment::open(dir.path(), OpenMode::create);
  CHECK(std::filesystem::exists(dir / ".aimlog/FORMAT"));
  CHECK(std::filesystem::file_size(dir / ".aimlog/data.mdb.unfinished") == 8192);
}

TEST_CASE("ARepoThatCouldNotBeMadeCanBeMadeLaterInTheSameProcess") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  std::filesystem::remove(dir / ".aimlog/FORMAT");
  bool was_made = false;
  for (uint64_t call = 1; !was_made; ++call) {
    FaultyFile faulty;
    faulty.fail_call(call, ENOSPC);
    try {
      Environment::open(dir.path(), OpenMode::create);
      was_made = true;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::no_space);
    }
  }
  CHECK(std::filesystem::exists(dir / ".aimlog/FORMAT"));
}

TEST_CASE("NetworkFileSystemsAreKnown") {
  for (const long magic : {0x6969L, 0x517bL, 0xff534d42L, 0xfe534d42L, 0x01021997L, 0x65735546L,
                           0x0bd00bd0L, 0x47504653L, 0x5346414fL, 0x00c36400L}) {
    CHECK(refused_file_system(magic) != nullptr);
  }
  for (const long magic : {0xef53L, 0x58465342L, 0x9123683eL, 0x01021994L, 0x794c7630L}) {
    CHECK(refused_file_system(magic) == nullptr);  // ext4, XFS, Btrfs, tmpfs, overlay
  }
}

TEST_CASE("ProcessesWriteInTurns") {
  TempDir dir;
  const auto add = [&](uint32_t first) {
    const auto env = Environment::open(dir.path(), OpenMode::create);
    for (uint32_t i = first; i < first + 20; ++i) put_one(*env, i, "x");
    return 0;
  };
  std::vector<pid_t> children;
  for (uint32_t c = 0; c < 4; ++c) {
    const pid_t child = fork();
    if (child == 0) {
      int code = 1;
      try {
        code = add(c * 100);
      } catch (const std::exception&) {
      }
      _exit(code);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(exited_with(status, 0));
  }
  const auto env = Environment::open(dir.path(), OpenMode::read_only);
  CHECK(Transaction(*env).count(Table::losses) == 80);
}

TEST_CASE("ThreadsWriteInTurns") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 20; ++i) {
        put_one(*env, t * 100 + i, "x");
        const Transaction reader(*env);
        (void)reader.count(Table::losses);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(Transaction(*env).count(Table::losses) == 60);
}

TEST_CASE("AKilledReaderOrWriterIsInNobodysWay") {
  TempDir dir;
  Environment::open(dir.path(), OpenMode::create);
  const int status = run_in_child([&] {
    const auto env = Environment::open(dir.path(), OpenMode::read_write);
    const Transaction reader(*env);
    WriteTransaction writer(*env);
    writer.put(Table::losses, number_key(1), "never committed");
    raise(SIGKILL);
    return 0;
  });
  CHECK(WIFSIGNALED(status));
  const auto env = Environment::open(dir.path(), OpenMode::read_write);
  put_one(*env, 2, "x");
  CHECK(Transaction(*env).count(Table::losses) == 1);
}

TEST_CASE("AForkedChildIsRefused") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  const auto count = [&] {
    (void)Transaction(*env).count(Table::losses);
    return 0;
  };
  CHECK(exited_with(run_in_child(count), 99));
  const auto abandon = [&] {
    env->abandon_in_child();
    return count();
  };
  CHECK(exited_with(run_in_child(abandon), 99));
  const auto abandon_twice = [&] {
    env->abandon_in_child();
    std::vector<UniqueFd> own;
    for (int i = 0; i < 20; ++i) own.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    env->abandon_in_child();
    const auto is_closed = [](const UniqueFd& fd) { return ::fcntl(fd.get(), F_GETFD) < 0; };
    return std::any_of(own.begin(), own.end(), is_closed) ? 1 : 0;
  };
  CHECK(exited_with(run_in_child(abandon_twice), 0));
  put_one(*env, 1, "the parent goes on");
}

TEST_CASE("ItIsOpenedAgainAfterAFailure") {
  TempDir dir;
  const auto env = Environment::open(dir.path(), OpenMode::create);
  put_one(*env, 1, "x");
  env->reopen();
  put_one(*env, 2, "y");
  CHECK(Transaction(*env).count(Table::losses) == 2);
}

TEST_CASE("NoDescriptorIsLeftAndNoneIsInherited") {
  TempDir dir;
  const auto count = [] {
    const std::filesystem::directory_iterator descriptors("/proc/self/fd");
    return std::distance(begin(descriptors), end(descriptors));
  };
  const auto before = count();
  for (int i = 0; i < 3; ++i) {
    const auto env = Environment::open(dir.path(), OpenMode::create);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(entry, gone).string();
      if (target.find(".aimlog") == std::string::npos) continue;
      CHECK((fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0);
    }
  }
  CHECK(count() == before);
}

}  // namespace aimlog::test
