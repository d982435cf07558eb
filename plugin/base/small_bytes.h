// Few bytes, compared and stored in place, and asked for ahead of time. A call into the C library
// costs more than the work where caches are cold: its code lies in pages of its own, behind a jump
// table in another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace aimlog {

template <typename T>
T load_as(const char* place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

template <typename T>
void store_as(char* place, T value) {
  std::memcpy(place, &value, sizeof value);
}

// The last step overlaps the one before instead of going byte by byte.
template <typename T>
bool same_in_steps(const char* a, const char* b, size_t count) {
  for (size_t i = 0; i + sizeof(T) < count; i += sizeof(T))
    if (load_as<T>(a + i) != load_as<T>(b + i)) [[unlikely]]
      return false;
  return load_as<T>(a + count - sizeof(T)) == load_as<T>(b + count - sizeof(T));
}

inline bool same_bytes(const char* a, const char* b, size_t count) {
  if (count >= 8) [[likely]]
    return same_in_steps<uint64_t>(a, b, count);
  for (size_t i = 0; i < count; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

// Asks the processor for so many cache lines of what will be needed next, so that they come side by
// side and not one after the other; it goes on by itself from there. There may be fewer of them: a
// place that is not there does no harm, and asking how many there are would cost more.
template <size_t lines, bool for_writing = false>
void prefetch(const char* begin) {
  // As a number: behind what is there, or from NULL, a pointer may not be moved.
  const auto address = reinterpret_cast<uintptr_t>(begin);
#pragma GCC unroll 16
  for (size_t i = 0; i < lines; ++i)
    __builtin_prefetch(reinterpret_cast<const void*>(address + 64 * i), for_writing);
}

}  // namespace aimlog
