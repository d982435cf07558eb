#include "plugin/store/block_codec.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <new>
#include <optional>

#include "plugin/store/bit_packing.h"
#include "plugin/store/decimal_codec.h"

namespace aimlog {
namespace {

constexpr int zstd_level = 1;  // 3 was no smaller on planes and half as fast

Bytes begin_block(BlockCodec codec) { return Bytes(1, static_cast<char>(codec)); }

void keep_smaller(Bytes& best, Bytes other) {
  if (other.size() < best.size()) best = std::move(other);
}

Bytes raw_block(const std::vector<uint64_t>& words) {
  Bytes block = begin_block(BlockCodec::raw);
  block.append(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t));
  return block;
}

Bytes packed_block(const std::vector<uint64_t>& words) {
  Bytes packed = begin_block(BlockCodec::packed);
  append_packed(packed, words);
  Bytes delta = begin_block(BlockCodec::delta_packed);
  append_signed(delta, static_cast<int64_t>(words[0]));
  std::vector<uint64_t> steps = differences(words);
  steps.erase(steps.begin());
  append_packed(delta, steps);
  keep_smaller(packed, std::move(delta));
  return packed;
}

// Doubles as float32 bits, where that loses nothing, NaN payloads included.
std::optional<std::vector<uint64_t>> narrow(const std::vector<uint64_t>& words) {
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

std::vector<uint64_t> xored(const std::vector<uint64_t>& words) {
  std::vector<uint64_t> result(words);
  for (size_t i = words.size(); i-- > 1;) result[i] ^= result[i - 1];
  return result;
}

Bytes decimal_block(const std::vector<uint64_t>& words, const Decimals& decimals) {
  Bytes block = begin_block(BlockCodec::decimal);
  block.push_back(static_cast<char>(decimals.exponent));
  append_varint(block, decimals.exceptions.size());
  uint32_t behind = 0;
  for (const uint32_t place : decimals.exceptions) {
    append_varint(block, place - behind);
    append_fixed(block, words[place]);
    behind = place;
  }
  block += packed_block(decimals.integers);
  return block;
}

std::vector<uint64_t> read_planes(ByteReader& in, size_t count, unsigned plane_count) {
  const ByteView frame = in.take(in.remaining());
  Bytes planes(count * plane_count, '\0');
  // The room is what the count says: a frame that claims more is an error, not an allocation.
  const size_t size = ZSTD_decompress(planes.data(), planes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0 || size != planes.size()) in.fail("a compressed block is broken");
  std::vector<uint64_t> words(count);
  for (unsigned plane = 0; plane < plane_count; ++plane) {
    const char* bytes = planes.data() + plane * count;
    for (size_t i = 0; i < count; ++i) {
      words[i] |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * plane);
    }
  }
  return words;
}

std::vector<uint64_t> read_integers(ByteReader& in, BlockCodec codec, size_t count) {
  std::vector<uint64_t> words(count);
  if (codec == BlockCodec::packed) {
    read_packed(in, words);
    return words;
  }
  if (codec != BlockCodec::delta_packed) in.fail("its codec is unknown");
  const auto first = static_cast<uint64_t>(in.signed_varint());
  words.pop_back();
  read_packed(in, words);
  words.insert(words.begin(), first);
  sum_up(words);
  return words;
}

std::vector<uint64_t> read_decimals(ByteReader& in, size_t count) {
  const auto exponent = in.fixed<uint8_t>();
  if (exponent > decimal_exponent_max) in.fail("an exponent is too large");
  const uint64_t exception_count = in.varint_up_to(count);
  std::vector<std::pair<uint64_t, uint64_t>> exceptions;
  uint64_t place = 0;
  for (uint64_t i = 0; i < exception_count; ++i) {
    place += in.varint_up_to(count - 1 - place);
    exceptions.emplace_back(place, in.fixed<uint64_t>());
  }
  std::vector<uint64_t> words =
      read_integers(in, static_cast<BlockCodec>(in.fixed<uint8_t>()), count);
  for (uint64_t& word : words) word = from_decimal(word, exponent);
  for (const auto& [index, bits] : exceptions) words[index] = bits;
  return words;
}

void undo_xor(std::vector<uint64_t>& words) {
  for (size_t i = 1; i < words.size(); ++i) words[i] ^= words[i - 1];
}

void widen(std::vector<uint64_t>& words) {
  for (uint64_t& word : words) {
    const double wide = std::bit_cast<float>(static_cast<uint32_t>(word));
    word = std::bit_cast<uint64_t>(wide);
  }
}

}  // namespace

struct BlockEncoder::Zstd {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ~Zstd() { ZSTD_freeCCtx(context); }
  Bytes planes;
  Bytes frame;
};

BlockEncoder::BlockEncoder() : zstd_(std::make_unique<Zstd>()) {
  if (zstd_->context == nullptr) throw std::bad_alloc();
}
BlockEncoder::~BlockEncoder() = default;

Bytes BlockEncoder::with_planes(BlockCodec codec, const std::vector<uint64_t>& words,
                                unsigned plane_count) {
  zstd_->planes.resize(words.size() * plane_count);
  for (unsigned plane = 0; plane < plane_count; ++plane) {
    char* bytes = zstd_->planes.data() + plane * words.size();
    for (size_t i = 0; i < words.size(); ++i) bytes[i] = static_cast<char>(words[i] >> (8 * plane));
  }
  zstd_->frame.resize(ZSTD_compressBound(zstd_->planes.size()));
  const size_t size = ZSTD_compressCCtx(zstd_->context, zstd_->frame.data(), zstd_->frame.size(),
                                        zstd_->planes.data(), zstd_->planes.size(), zstd_level);
  AIMLOG_CHECK(ZSTD_isError(size) == 0);
  Bytes block = begin_block(codec);
  block.append(zstd_->frame, 0, size);
  return block;
}

Bytes BlockEncoder::best_for_integers(const std::vector<uint64_t>& words) {
  Bytes best = packed_block(words);
  // Packing is faster to read; zstd is tried only where packing did little.
  if (best.size() > words.size() * 4) {
    keep_smaller(best, with_planes(BlockCodec::planes, words, 8));
    keep_smaller(best, raw_block(words));
  }
  return best;
}

Bytes BlockEncoder::best_for_reals(const std::vector<uint64_t>& words) {
  Bytes best = raw_block(words);
  if (const auto decimals = find_decimals(words)) {
    keep_smaller(best, decimal_block(words, *decimals));
    if (best.size() < words.size() + words.size() / 2) return best;
  }
  if (const auto narrowed = narrow(words)) {
    keep_smaller(best, with_planes(BlockCodec::float32_planes, *narrowed, 4));
    keep_smaller(best, with_planes(BlockCodec::float32_xor_planes, xored(*narrowed), 4));
  } else {
    keep_smaller(best, with_planes(BlockCodec::planes, words, 8));
    keep_smaller(best, with_planes(BlockCodec::xor_planes, xored(words), 8));
  }
  return best;
}

void BlockEncoder::append(Bytes& out, const std::vector<uint64_t>& words, WordKind kind) {
  AIMLOG_CHECK(!words.empty());
  if (std::all_of(words.begin(), words.end(), [&](uint64_t word) { return word == words[0]; })) {
    out.push_back(static_cast<char>(BlockCodec::constant));
    append_fixed(out, words[0]);
    return;
  }
  out += kind == WordKind::integer ? best_for_integers(words) : best_for_reals(words);
}

std::vector<uint64_t> read_block(ByteReader& in, size_t count) {
  const auto codec = static_cast<BlockCodec>(in.fixed<uint8_t>());
  std::vector<uint64_t> words;
  switch (codec) {
    case BlockCodec::raw: {
      const ByteView raw = in.take(count * sizeof(uint64_t));
      words.resize(count);
      std::memcpy(words.data(), raw.data(), raw.size());
      break;
    }
    case BlockCodec::constant:
      words.assign(count, in.fixed<uint64_t>());
      break;
    case BlockCodec::planes:
    case BlockCodec::xor_planes:
      words = read_planes(in, count, 8);
      if (codec == BlockCodec::xor_planes) undo_xor(words);
      break;
    case BlockCodec::float32_planes:
    case BlockCodec::float32_xor_planes:
      words = read_planes(in, count, 4);
      if (codec == BlockCodec::float32_xor_planes) undo_xor(words);
      widen(words);
      break;
    case BlockCodec::decimal:
      words = read_decimals(in, count);
      break;
    default:
      words = read_integers(in, codec, count);
  }
  in.expect_end();
  return words;
}

}  // namespace aimlog
