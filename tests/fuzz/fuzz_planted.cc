// A planted fault: a harness that fails on inputs which the driver must find. Its test passes if it
// dies.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 3 && data[1] == 0xff) std::abort();
  return 0;
}
