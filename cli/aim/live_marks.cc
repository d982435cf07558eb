#include "cli/aim/live_marks.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>

#include "plugin/base/clock.h"
#include "plugin/base/file.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

// As Aim's: a new one every 5 s, each good for 30 s.
constexpr int64_t beat_interval_ns = 5 * INT64_C(1'000'000'000);
constexpr int beat_valid_s = 30;

void touch(const fs::path& path) {
  const UniqueFd file = open_file(path, O_WRONLY | O_CREAT);
  (void)::futimens(file.get(), nullptr);
}

double now_s() { return static_cast<double>(wall_clock_ns()) / 1e9; }

uint64_t hardware_address(const ifaddrs* list, const std::string& interface) {
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_PACKET) continue;
    if (interface != each->ifa_name) continue;
    const auto* address = reinterpret_cast<const sockaddr_ll*>(each->ifa_addr);
    uint64_t number = 0;
    for (int i = 0; i < address->sll_halen && i < 6; ++i)
      number = number << 8 | address->sll_addr[i];
    return number;
  }
  return 0;
}

// By it Aim tells whether a lock is of this machine, so that its process may be looked for: the
// hardware address of the first interface that has an address of its own, as libuuid finds it.
uint64_t machine_number() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return 0;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if (const uint64_t number = hardware_address(list, each->ifa_name); number != 0) return number;
  }
  return 0;
}

}  // namespace

LiveMarks::LiveMarks(const AimPaths& paths) : paths_(paths) {}

void LiveMarks::beat(const std::string& hash, Beat& beat) {
  std::array<char, 64> tail{};
  std::snprintf(tail.data(), tail.size(), "-%016llu-progress-%011.2f-%05d",
                static_cast<unsigned long long>(++beat.number), now_s(), beat_valid_s);
  const std::string name = hash + tail.data();
  touch(paths_.root / "meta/progress" / hash);
  touch(paths_.root / "check_ins" / name);
  if (!beat.file.empty()) remove_file(paths_.root / "check_ins" / beat.file);
  beat.file = name;
  beat.due_ns = monotonic_ns() + beat_interval_ns;
}

void LiveMarks::begin(const std::string& hash) {
  if (beats_.count(hash) > 0) return;
  end(hash);
  const fs::path path = paths_.root / "locks" / (hash + ".softlock");
  const UniqueFd lock = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  const std::string text = std::to_string(machine_number()) + "-" + std::to_string(::getpid()) +
                           "-" + std::to_string(now_s());
  write_all_at(lock.get(), text, 0, path);
  touch(paths_.root / "seqs/progress" / hash);
  beat(hash, beats_[hash]);  // from here on one that fails is due again
}

void LiveMarks::beat() {
  const int64_t now = monotonic_ns();
  for (auto& [hash, each] : beats_)
    if (each.due_ns <= now) beat(hash, each);
}

void LiveMarks::end(const std::string& hash) {
  beats_.erase(hash);
  remove_file(paths_.root / "meta/progress" / hash);
  remove_file(paths_.root / "seqs/progress" / hash);
  const std::string prefix = hash + "-";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths_.root / "check_ins", error))
    if (entry.path().filename().string().starts_with(prefix)) remove_file(entry.path());
  remove_file(paths_.root / "locks" / (hash + ".softlock"));
}

void LiveMarks::end_all() {
  while (!beats_.empty()) end(std::string(beats_.begin()->first));
}

}  // namespace aimlog::aim
