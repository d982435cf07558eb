// Preloaded: a directory that is called "network", and what lies below it, says to be on NFS.
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

// By its symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))

namespace {

// On 64-bit machines both structures are the kernel's own.
int answer(const char* path, struct statfs* info) {
  constexpr long nfs = 0x6969;
  const auto code = static_cast<int>(::syscall(SYS_statfs, path, info));
  if (code == 0 && std::strstr(path, "/network") != nullptr) info->f_type = nfs;
  return code;
}

}  // namespace

extern "C" {
int network_statfs(const char* path, struct statfs* info) REPLACES("statfs");
int network_statfs64(const char* path, struct statfs* info) REPLACES("statfs64");
int network_statfs(const char* path, struct statfs* info) { return answer(path, info); }
int network_statfs64(const char* path, struct statfs* info) { return answer(path, info); }
}
