// A planted fault behind six comparisons, one after the other: an engine that sees which ways an
// input took finds it in seconds, one that does not see them never does.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 6) return 0;
  if (data[0] != 'a') return 0;
  if (data[1] != 'i') return 0;
  if (data[2] != 'm') return 0;
  if (data[3] != 'l') return 0;
  if (data[4] != 'o') return 0;
  if (data[5] != 'g') return 0;
  std::abort();
}
