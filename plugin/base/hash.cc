#include "plugin/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace aimlog {

Hash128 hash128(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  Hash128 result;
  __builtin_memcpy(result.data(), canonical.digest, result.size());
  return result;
}

}  // namespace aimlog
