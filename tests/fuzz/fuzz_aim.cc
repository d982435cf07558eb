// Bytes as a database of Aim's: short keys and values, each behind its length.
#include <cstdint>
#include <cstdlib>

#include "cli/aim/merge_run.h"

namespace {

using namespace aimlog;

aim::Tree read_tree(ByteView bytes) {
  aim::Tree tree;
  while (bytes.size() >= 2) {
    const auto key = static_cast<unsigned char>(bytes[0]);
    const auto value = static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < size_t{key} + value) break;
    tree[Bytes(bytes.substr(0, key))] = bytes.substr(key, value);
    bytes.remove_prefix(size_t{key} + value);
  }
  return tree;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const aim::Tree tree = read_tree({reinterpret_cast<const char*>(data), size});
  for (const auto& [key, value] : tree) {
    const auto path = aim::decode_path(key);
    if (path && aim::encode_path(*path) != key) std::abort();
    aim::keys_below(tree, key);
    aim::read_columns(tree, key);
    const auto folded = aim::fold(tree, key);
    // What was folded is unfolded to something that folds to the same.
    if (!folded || !path) continue;
    aim::Tree again;
    const Value fit = aim::fit_for_aim(*folded);
    aim::unfold(again, key, fit);
    if (!aim::fold(again, key)) std::abort();
  }
  return 0;
}
