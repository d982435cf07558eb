// Preloaded into the command: a directory that is called "network", and what lies below it, says to
// be on NFS.
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cstring>

extern "C" int statfs(const char* path, struct statfs* info) noexcept {
  constexpr long nfs = 0x6969;
  const auto code = static_cast<int>(::syscall(SYS_statfs, path, info));
  if (code == 0 && std::strstr(path, "/network") != nullptr) info->f_type = nfs;
  return code;
}
