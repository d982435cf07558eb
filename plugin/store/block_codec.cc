#include "plugin/store/block_codec.h"

#include <algorithm>
#include <optional>

#include "plugin/store/dictionary_block.h"
#include "plugin/store/integer_block.h"
#include "plugin/store/plane_block.h"
#include "plugin/store/quotient_block.h"
#include "plugin/store/real_block.h"

namespace aimlog {
namespace {

void keep_smaller(Bytes& best, Bytes other) {
  if (other.size() < best.size()) best = std::move(other);
}

void keep_smaller(Bytes& best, std::optional<Bytes> other) {
  if (other) keep_smaller(best, *std::move(other));
}

Bytes raw_block(const std::vector<uint64_t>& words) {
  Bytes block(1, static_cast<char>(BlockCodec::raw));
  block.append(reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t));
  return block;
}

void undo_xor(std::span<uint64_t> words) {
  for (size_t i = 1; i < words.size(); ++i) words[i] ^= words[i - 1];
}

}  // namespace

Bytes BlockEncoder::best_for_integers(const std::vector<uint64_t>& words) {
  Bytes best;
  IntegerBlock(words).append_to(best);
  // Packing is faster to read; the rest is tried only where packing did little.
  if (best.size() > words.size() * 2) keep_smaller(best, dictionary_block(words));
  if (best.size() > words.size() * 4) {
    keep_smaller(best, plane_block(BlockCodec::planes, words, 8, zstd_));
    keep_smaller(best, raw_block(words));
  }
  return best;
}

Bytes BlockEncoder::best_for_reals(const std::vector<uint64_t>& words) {
  Bytes best = raw_block(words);
  keep_smaller(best, decimal_block(words));
  if (best.size() < words.size() + words.size() / 2) return best;
  const auto narrowed = narrow(words);
  keep_smaller(best, fraction_block(words, narrowed.has_value()));
  keep_smaller(best, real_block(words, narrowed));
  keep_smaller(best, dictionary_block(words));
  // zstd takes longer than all the rest, to write and to read: only where nothing else helped.
  const size_t planes = narrowed ? 4 : 8;
  if (best.size() * 10 < words.size() * planes * 9) return best;
  keep_smaller(best, narrowed ? plane_block(BlockCodec::float32_planes, *narrowed, 4, zstd_)
                              : plane_block(BlockCodec::planes, words, 8, zstd_));
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

void read_block(ByteReader& in, std::span<uint64_t> words) {
  const auto codec = static_cast<BlockCodec>(in.fixed<uint8_t>());
  switch (codec) {
    case BlockCodec::raw: {
      const ByteView raw = in.take(words.size_bytes());
      std::copy(raw.begin(), raw.end(), reinterpret_cast<char*>(words.data()));
      break;
    }
    case BlockCodec::constant:
      std::fill(words.begin(), words.end(), in.fixed<uint64_t>());
      break;
    case BlockCodec::planes:
    case BlockCodec::xor_planes:
      read_planes(in, words, 8);
      if (codec == BlockCodec::xor_planes) undo_xor(words);
      break;
    case BlockCodec::float32_planes:
    case BlockCodec::float32_xor_planes:
      read_planes(in, words, 4);
      if (codec == BlockCodec::float32_xor_planes) undo_xor(words);
      widen(words);
      break;
    case BlockCodec::decimal:
      read_decimals(in, words);
      break;
    case BlockCodec::fraction:
      read_fractions(in, words);
      break;
    case BlockCodec::real_packed:
      read_real_block(in, words);
      break;
    case BlockCodec::dictionary:
      read_dictionary(in, words);
      break;
    default:
      read_integers(in, codec, words);
  }
  in.expect_end();
}

}  // namespace aimlog
