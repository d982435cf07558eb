// Preloaded: whatever is asked about, its file system is NFS.
#include <dlfcn.h>
#include <sys/vfs.h>

// Named by the symbol, as a header may have renamed the one to the other (_FILE_OFFSET_BITS).
#define REPLACES(NAME) asm(NAME) __attribute__((visibility("default"), used))
#define REPLACE_STATFS(FUNCTION, NAME, TARGET)                                                \
  int FUNCTION(TARGET target, struct statfs* out) REPLACES(NAME);                             \
  int FUNCTION(TARGET target, struct statfs* out) {                                           \
    static const auto call = reinterpret_cast<decltype(&FUNCTION)>(::dlsym(RTLD_NEXT, NAME)); \
    const int code = call(target, out);                                                       \
    out->f_type = 0x6969;                                                                     \
    return code;                                                                              \
  }

extern "C" {
REPLACE_STATFS(network_statfs, "statfs", const char*)
REPLACE_STATFS(network_statfs64, "statfs64", const char*)
REPLACE_STATFS(network_fstatfs, "fstatfs", int)
REPLACE_STATFS(network_fstatfs64, "fstatfs64", int)
}
