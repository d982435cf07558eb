#include "plugin/store/integer_block.h"

#include "plugin/store/bit_packing.h"

namespace aimlog {
namespace {

// The words from `order` on become the differences of their neighbours. Each word before stays
// what it was: the first difference of its own order.
void difference(std::span<uint64_t> words, unsigned order) {
  for (size_t i = words.size(); i-- > order + 1;) words[i] -= words[i - 1];
}

void sum_up(std::span<uint64_t> words, unsigned order) {
  for (size_t i = order + 1; i < words.size(); ++i) words[i] += words[i - 1];
}

// The words in front of the packed ones, and the bytes that name codec and order.
Bytes head_of(std::span<const uint64_t> words, unsigned order) {
  Bytes head(1, static_cast<char>(order == 0   ? BlockCodec::packed
                                  : order == 1 ? BlockCodec::delta_packed
                                               : BlockCodec::differences_packed));
  if (order > 1) head.push_back(static_cast<char>(order));
  for (unsigned i = 0; i < order; ++i) append_signed(head, static_cast<int64_t>(words[i]));
  return head;
}

size_t size_of(std::span<const uint64_t> words, unsigned order) {
  return head_of(words, order).size() + packed_size(words.subspan(order));
}

}  // namespace

IntegerBlock::IntegerBlock(std::vector<uint64_t> words) : differences_(std::move(words)) {
  std::vector<uint64_t> next = differences_;
  size_t smallest = size_of(next, 0);
  for (unsigned order = 1; order <= difference_order_max && order < next.size(); ++order) {
    difference(next, order - 1);
    const size_t size = size_of(next, order);
    if (size >= smallest) return;
    differences_ = next;
    order_ = order;
    smallest = size;
  }
}

void IntegerBlock::append_to(Bytes& out) const {
  out += head_of(differences_, order_);
  append_packed(out, std::span(differences_).subspan(order_));
}

void read_integers(ByteReader& in, BlockCodec codec, std::span<uint64_t> words) {
  unsigned order = 0;
  if (codec == BlockCodec::delta_packed) order = 1;
  if (codec == BlockCodec::differences_packed) order = in.fixed<uint8_t>();
  if (order > difference_order_max || order > words.size()) in.fail("an order is too large");
  if (order == 0 && codec != BlockCodec::packed) in.fail("its codec is unknown");
  for (unsigned i = 0; i < order; ++i) words[i] = static_cast<uint64_t>(in.signed_varint());
  read_packed(in, words.subspan(order));
  while (order-- > 0) sum_up(words, order);
}

}  // namespace aimlog
