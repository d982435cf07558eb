// The disk under a history. It sees each call that changes a file of the repo, keeps what a power
// cut would leave, and makes trouble where the history planned it.
//
// The calls come through definitions of pwrite, fdatasync and their kin in system_calls.cc, which
// go before the C library's. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "tests/simulator/page_store.h"

namespace aimlog::sim {

enum class Death { none, kill, power_cut };

class Disk {
 public:
  explicit Disk(Random& random) : random_(random), random_of_files_(random) {}

  // Calls for files of this repo count from now on; its data is on the disk as it stands.
  void watch(const std::filesystem::path& root);

  // --- plans. `calls` from now, 0 = the next one.
  void die_in(uint64_t calls, Death death);
  // The calls fail with this error, as many as `times`; 0 stands for a short write.
  void fail_in(uint64_t calls, int error_number, uint64_t times);
  void plan_nothing();
  // Called in the middle of calls, now and then: what the other thread does meanwhile.
  std::function<void()> meanwhile;

  // --- death. From then on every call fails and changes nothing.
  Death death() const { return death_; }
  void die(Death death);
  // After everything of the dead process is closed: the files as the next one finds them.
  void settle();
  uint64_t failed_calls() const { return failed_; }

  // --- the calls, as system_calls.cc passes them on.
  bool owns(int fd);
  ssize_t write(int fd, const void* bytes, uint64_t count, uint64_t offset);
  int sync(int fd);
  int rename(const char* from, const char* to);
  int unlink(const char* path);

 private:
  // A change of a directory that is not synced.
  struct NameChange {
    std::filesystem::path from, to;  // `to` empty: unlinked
    bool had_content = false;        // there was a file of that name before
    std::string content;
  };
  // Bytes of a file other than the data file that are written over and not synced.
  struct Overwritten {
    ino_t inode;
    std::filesystem::path path;
    uint64_t offset;
    std::string before;
  };
  enum class Verdict { go_on, fail, die };

  Verdict begin_call();
  bool is_data(int fd);
  void undo(const NameChange& change);
  void forget_changes_in(ino_t directory);
  void keep_before(int fd, uint64_t offset, uint64_t count);
  void cut_files();
  void put(int fd, const void* bytes, uint64_t count, uint64_t offset);

  Random& random_;
  Random random_of_files_;  // of its own, so that what histories of known seeds meet stays
  std::filesystem::path root_, data_;
  dev_t device_ = 0;
  ino_t data_inode_ = 0;
  PageStore pages_;
  std::vector<NameChange> name_changes_;
  std::vector<Overwritten> overwritten_;

  uint64_t calls_ = 0, failed_ = 0;
  uint64_t death_call_ = 0;  // 0 = none is planned
  Death planned_death_ = Death::none;
  uint64_t failure_call_ = 0, failures_left_ = 0;
  int failure_ = 0;
  Death death_ = Death::none;
  bool in_meanwhile_ = false;
  std::string image_;  // of the data file, made when the power was cut
};

// The disk of the history that runs, or null.
extern Disk* current_disk;

// A file as it is, and put as it is, past the disk.
std::string read_whole(const std::filesystem::path& path);
void write_whole(const std::filesystem::path& path, const std::string& content);

}  // namespace aimlog::sim
