// An input as a sequence of choices: harnesses of what keeps a state take their steps from it.
// Where it ends, every choice is 0 and every text empty.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aimlog::test {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool is_empty() const { return rest_.empty(); }
  template <typename T>
  T number() {
    T value{};
    const std::string_view bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  uint8_t byte() { return number<uint8_t>(); }
  size_t below(size_t limit) { return byte() % limit; }
  bool flag() { return (byte() & 1) != 0; }
  std::string_view take(size_t count) {
    const std::string_view part = rest_.substr(0, count);
    rest_.remove_prefix(part.size());
    return part;
  }
  // Behind its length: in one byte, and in two where that is above 250.
  std::string_view text() {
    size_t length = byte();
    if (length > 250) length = number<uint16_t>() % 8192;
    return take(length);
  }

 private:
  std::string_view rest_;
};

}  // namespace aimlog::test
