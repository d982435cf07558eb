// What a disk holds of one file, beside what the page cache holds of it.
//
// A write is in the cache at once, and may reach the disk at any time or never until a sync is
// done; of a page that was written several times any version may be there. A sync that failed
// leaves its pages in doubt: the kernel takes them for clean, so a later sync does not bring them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulator/random.h"

namespace aimlog::sim {

inline constexpr uint64_t page_bytes = 4096;
inline constexpr uint64_t sector_bytes = 512;

// How much of what is not synced a power cut leaves.
enum class Survival { nothing, everything, prefix, pages, sectors };
inline constexpr uint64_t survival_count = 5;

class PageStore {
 public:
  // As the file is now, all of it on the disk.
  void reset(std::string content);

  void write(uint64_t offset, const void* bytes, uint64_t count);
  void sync();
  void fail_sync(Random& random);
  // The pages of the last write, for a file that is written through.
  void sync_range(uint64_t offset, uint64_t count);

  // What the file is after a power cut now.
  std::string cut(Survival survival, Random& random) const;

 private:
  struct Version {
    std::string content;
    uint64_t order = 0;
    bool in_doubt = false;
  };

  void make_durable(uint64_t page, const std::string& content);

  std::string cache_;
  std::string disk_;
  std::map<uint64_t, std::vector<Version>> pending_;  // by page
  uint64_t writes_ = 0;
};

}  // namespace aimlog::sim
