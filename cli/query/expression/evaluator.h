// Whether a run fits a query.
//
// What a run does not have is None. A comparison with None is false, whatever the sign; `== None`
// and `is None` ask for it. Values of different kinds are unequal and in no order. As a condition,
// None, False, 0 and what is empty are false.
#pragma once

#include <functional>
#include <vector>

#include "cli/query/expression/syntax.h"

namespace aimlog::cli {

class Evaluator {
 public:
  explicit Evaluator(const Query& query);  // must outlive this

  // `value_of` gives what the run has for a place in Query::fields.
  bool matches(const std::function<Value(size_t field)>& value_of);

  // Comparisons that met values only of kinds that cannot be compared, as places in the query: most
  // likely not what was meant.
  std::vector<size_t> never_comparable() const;

 private:
  struct Kinds {
    const Node* node = nullptr;
    bool fit = false, differed = false;
  };

  Value value(const Node& node);
  Value operand(const Node& node);
  bool is_true(const Node& node);
  bool compare(const Node& node);
  bool holds(const Node& node, CompareSign sign, const Value& a, const Value& b);
  bool with_value(const Node& node, bool (Evaluator::*test)(const Node&, const Value& left));
  bool is_member(const Node& node, const Value& item);
  bool tests_text(const Node& node, const Value& left);
  void note_kinds(const Node& node, bool fit);

  const Query& query_;
  const std::function<Value(size_t)>* value_of_ = nullptr;  // while matches() runs
  std::vector<Kinds> kinds_;
};

}  // namespace aimlog::cli
