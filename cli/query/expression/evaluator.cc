#include "cli/query/expression/evaluator.h"

#include <algorithm>

namespace aimlog::cli {
namespace {

using Kind = Node::Kind;

bool is_condition(const Node& node) {
  return node.kind != Kind::constant && node.kind != Kind::list && node.kind != Kind::field;
}

bool truth(const Value& value) {
  if (const Number* number = value.number()) return number->as_double() != 0;
  if (const std::string* text = value.text()) return !text->empty();
  if (const ValueList* list = value.list()) return !list->empty();
  if (const ValueMap* map = value.map()) return !map->empty();
  return !value.is_null();
}

// Whether two values can be compared at all; bytes, lists and maps only for being equal.
bool same_kind(const Value& a, const Value& b) { return a.data.index() == b.data.index(); }

bool is_equal(const Value& a, const Value& b) {
  if (a.number() != nullptr && b.number() != nullptr)
    return aimlog::compare(*a.number(), *b.number()) == 0;
  if (a.list() != nullptr && b.list() != nullptr)
    return std::equal(a.list()->begin(), a.list()->end(), b.list()->begin(), b.list()->end(),
                      is_equal);
  return a == b;
}

bool has_item(const ValueList& list, const Value& item) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Value& each) { return is_equal(item, each); });
}

std::partial_ordering order_of(const Value& a, const Value& b) {
  if (a.number() != nullptr && b.number() != nullptr)
    return aimlog::compare(*a.number(), *b.number());
  if (a.text() != nullptr && b.text() != nullptr) return a.text()->compare(*b.text()) <=> 0;
  return std::partial_ordering::unordered;
}

}  // namespace

Evaluator::Evaluator(const Query& query) : query_(query) {}

bool Evaluator::matches(const std::function<Value(size_t)>& value_of) {
  value_of_ = &value_of;
  const bool result = is_true(query_.root);
  value_of_ = nullptr;
  return result;
}

std::vector<size_t> Evaluator::never_comparable() const {
  std::vector<size_t> places;
  for (const Kinds& each : kinds_)
    if (each.differed && !each.fit) places.push_back(each.node->at);
  return places;
}

void Evaluator::note_kinds(const Node& node, bool fit) {
  auto at = std::find_if(kinds_.begin(), kinds_.end(),
                         [&](const Kinds& each) { return each.node == &node; });
  if (at == kinds_.end()) at = kinds_.insert(at, {&node});
  (fit ? at->fit : at->differed) = true;
}

Value Evaluator::value(const Node& node) {
  if (node.kind == Kind::field) return (*value_of_)(node.field);
  if (node.kind != Kind::list) return node.value;
  ValueList list;
  for (const Node& each : node.children) list.push_back(operand(each));
  return Value{std::move(list)};
}

bool Evaluator::is_true(const Node& node) {
  const auto child_is_true = [&](const Node& child) { return is_true(child); };
  switch (node.kind) {
    case Kind::negate:
      return !is_true(node.children[0]);
    case Kind::both:
      return std::all_of(node.children.begin(), node.children.end(), child_is_true);
    case Kind::either:
      return std::any_of(node.children.begin(), node.children.end(), child_is_true);
    case Kind::compare:
      return compare(node);
    case Kind::member:
      return with_value(node, &Evaluator::is_member);
    case Kind::is_none:
      return operand(node.children[0]).is_null();
    case Kind::match:
    case Kind::begins:
    case Kind::ends:
    case Kind::contains:
      return with_value(node, &Evaluator::tests_text);
    default:
      return truth(value(node));
  }
}

// A condition in brackets is a value too: (a < 1) == True.
Value Evaluator::operand(const Node& node) {
  return is_condition(node) ? Value{Number::of(is_true(node))} : value(node);
}

bool Evaluator::compare(const Node& node) {
  Value left = operand(node.children[0]);
  for (size_t i = 0; i < node.signs.size(); ++i) {
    Value right = operand(node.children[i + 1]);
    if (!holds(node, node.signs[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

bool Evaluator::holds(const Node& node, CompareSign sign, const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    const auto is_none = [](const Node& each) {
      return each.kind == Kind::constant && each.value.is_null();
    };
    // Only who writes None asks for it.
    if (std::none_of(node.children.begin(), node.children.end(), is_none)) return false;
    if (sign == CompareSign::equal) return a.is_null() && b.is_null();
    return sign == CompareSign::unequal && a.is_null() != b.is_null();
  }
  note_kinds(node, same_kind(a, b));
  switch (sign) {
    case CompareSign::equal:
      return is_equal(a, b);
    case CompareSign::unequal:
      return !is_equal(a, b);
    case CompareSign::less:
      return order_of(a, b) < 0;
    case CompareSign::less_equal:
      return order_of(a, b) <= 0;
    case CompareSign::greater:
      return order_of(a, b) > 0;
    case CompareSign::greater_equal:
      return order_of(a, b) >= 0;
  }
  return false;
}

bool Evaluator::with_value(const Node& node, bool (Evaluator::*test)(const Node&, const Value&)) {
  const Value left = operand(node.children[0]);
  return !left.is_null() && (this->*test)(node, left) != node.is_not;
}

bool Evaluator::is_member(const Node& node, const Value& item) {
  const Value whole = operand(node.children[1]);
  if (const ValueList* list = whole.list()) return has_item(*list, item);
  const std::string* name = item.text();
  if (const ValueMap* map = whole.map())
    return name != nullptr && std::any_of(map->begin(), map->end(),
                                          [&](const auto& each) { return each.first == *name; });
  if (const std::string* text = whole.text())
    return name != nullptr && text->find(*name) != std::string::npos;
  if (!whole.is_null()) note_kinds(node, false);
  return false;
}

bool Evaluator::tests_text(const Node& node, const Value& left) {
  if (node.kind == Kind::contains && left.list() != nullptr)
    return has_item(*left.list(), operand(node.children[1]));
  note_kinds(node, left.text() != nullptr);
  if (left.text() == nullptr) return false;
  if (node.kind == Kind::match) return node.pattern->matches(*left.text());
  const Value right = operand(node.children[1]);
  if (right.text() == nullptr) return false;
  if (node.kind == Kind::begins) return left.text()->starts_with(*right.text());
  if (node.kind == Kind::ends) return left.text()->ends_with(*right.text());
  return left.text()->find(*right.text()) != std::string::npos;
}

}  // namespace aimlog::cli
