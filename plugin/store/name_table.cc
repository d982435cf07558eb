#include "plugin/store/name_table.h"

#include "plugin/base/hash.h"
#include "plugin/store/table_access.h"

namespace aimlog {
namespace {

// Texts of any length, so they are found by their hash.
struct TextKinds {
  NameKind text;
  NameKind hash;
  Counter counter;
  const char* what;
};
constexpr TextKinds names = {NameKind::name, NameKind::name_hash, Counter::name, "name"};
constexpr TextKinds contexts = {NameKind::context, NameKind::context_hash, Counter::context,
                                "context"};

Bytes get_text(const Transaction& txn, const TextKinds& kinds, uint32_t number) {
  const auto row = txn.get(Table::names, Key(kinds.text).add(number));
  if (!row) {
    throw Error(ErrorCode::corrupt,
                std::string("the repo has no ") + kinds.what + " number " + std::to_string(number));
  }
  return Bytes(without_version(*row, row_version, kinds.what));
}

std::optional<uint32_t> find_text(const Transaction& txn, const TextKinds& kinds, ByteView text) {
  return find_number(txn, Table::names, Key(kinds.hash).add(hash128(text)));
}

uint32_t intern_text(WriteTransaction& txn, const TextKinds& kinds, ByteView text) {
  if (const auto known = find_text(txn, kinds, text)) return *known;
  const uint32_t number = next_number(txn, kinds.counter);
  Bytes row(1, static_cast<char>(row_version));
  row.append(text);
  txn.put(Table::names, Key(kinds.text).add(number), row);
  txn.put(Table::names, Key(kinds.hash).add(hash128(text)), encode_number(number));
  return number;
}

}  // namespace

NameId intern_name(WriteTransaction& txn, ByteView name) { return intern_text(txn, names, name); }

ContextId intern_context(WriteTransaction& txn, ByteView encoded_context) {
  return encoded_context.empty() ? 0 : intern_text(txn, contexts, encoded_context);
}

std::optional<NameId> find_name(const Transaction& txn, ByteView name) {
  return find_text(txn, names, name);
}

std::string get_name(const Transaction& txn, NameId id) { return get_text(txn, names, id); }

Bytes get_context(const Transaction& txn, ContextId context) {
  return context == 0 ? Bytes() : get_text(txn, contexts, context);
}

ShapeNumber put_shape(WriteTransaction& txn, const ShapeRow& row) {
  if (const auto known = find_shape(txn, row.hash)) return *known;
  const ShapeNumber number = next_number(txn, Counter::shape);
  txn.put(Table::shapes, Key(ShapeKind::shape).add(number), encode_row(row));
  txn.put(Table::shapes, Key(ShapeKind::hash).add(row.hash), encode_number(number));
  return number;
}

std::optional<ShapeNumber> find_shape(const Transaction& txn, const Hash128& hash) {
  return find_number(txn, Table::shapes, Key(ShapeKind::hash).add(hash));
}

ShapeRow get_shape(const Transaction& txn, ShapeNumber number) {
  return expect_row<ShapeRow>(txn, Table::shapes, Key(ShapeKind::shape).add(number), "shape");
}

}  // namespace aimlog
