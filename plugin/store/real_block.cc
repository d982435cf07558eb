#include "plugin/store/real_block.h"

#include <bit>

#include "plugin/store/chunk_format.h"
#include "plugin/store/integer_block.h"

namespace aimlog {
namespace {

constexpr uint64_t sign_of_double = uint64_t{1} << 63;
constexpr uint64_t sign_of_float = uint64_t{1} << 31;

unsigned common_zeros(std::span<const uint64_t> words, uint64_t sign) {
  uint64_t used = 0;
  for (const uint64_t word : words) used |= word;
  used &= ~sign;
  return used == 0 ? 0 : static_cast<unsigned>(std::countr_zero(used));
}

// Sign and magnitude to an integer that rises with the value; -0.0 comes right below 0.0.
uint64_t ordered(uint64_t word, uint64_t sign, unsigned zeros) {
  const uint64_t magnitude = (word & (sign - 1)) >> zeros;
  return (word & sign) != 0 ? ~magnitude : magnitude;
}

uint64_t unordered(uint64_t integer, uint64_t sign, unsigned zeros) {
  const uint64_t negative = integer >> 63 != 0 ? ~uint64_t{0} : 0;
  return ((integer ^ negative) << zeros & (sign - 1)) | (negative & sign);
}

}  // namespace

std::optional<std::vector<uint64_t>> narrow(std::span<const uint64_t> words) {
  std::vector<uint64_t> result(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const auto real = std::bit_cast<double>(words[i]);
    const auto narrow_bits = std::bit_cast<uint32_t>(static_cast<float>(real));
    const double back = std::bit_cast<float>(narrow_bits);
    if (std::bit_cast<uint64_t>(back) != words[i]) return std::nullopt;
    result[i] = narrow_bits;
  }
  return result;
}

void widen(std::span<uint64_t> words) {
  for (uint64_t& word : words) {
    const double wide = std::bit_cast<float>(static_cast<uint32_t>(word));
    word = std::bit_cast<uint64_t>(wide);
  }
}

Bytes real_block(std::span<const uint64_t> words,
                 const std::optional<std::vector<uint64_t>>& narrowed) {
  if (narrowed) words = *narrowed;
  const uint64_t sign = narrowed ? sign_of_float : sign_of_double;
  const unsigned zeros = common_zeros(words, sign);
  std::vector<uint64_t> integers(words.size());
  for (size_t i = 0; i < words.size(); ++i) integers[i] = ordered(words[i], sign, zeros);
  Bytes block(1, static_cast<char>(BlockCodec::real_packed));
  block.push_back(static_cast<char>(narrowed ? real_packed_narrow : 0));
  block.push_back(static_cast<char>(zeros));
  IntegerBlock(std::move(integers)).append_to(block);
  return block;
}

void read_real_block(ByteReader& in, std::span<uint64_t> words) {
  const auto flags = in.fixed<uint8_t>();
  const unsigned zeros = in.fixed<uint8_t>();
  if (flags > real_packed_narrow) in.fail("its flags are unknown");
  if (zeros > 63) in.fail("it leaves out more bits than there are");
  read_integers(in, static_cast<BlockCodec>(in.fixed<uint8_t>()), words);
  const bool is_narrow = flags == real_packed_narrow;
  const uint64_t sign = is_narrow ? sign_of_float : sign_of_double;
  for (uint64_t& word : words) word = unordered(word, sign, zeros);
  if (is_narrow) widen(words);
}

}  // namespace aimlog
