// A query as a tree: what was written, with names that nobody has looked up yet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/query/expression/text_match.h"
#include "plugin/model/value.h"

namespace aimlog::cli {

// One step of a name: `.lr`, `["lr"]`, `[0]`, or `["loss", {"subset": "val"}]`.
struct FieldPart {
  std::string name;
  std::optional<int64_t> index;     // in place of the name
  std::optional<ValueMap> context;  // beside the name
  size_t at = 0;
};

// What a run has under a name: `run.hparams.lr`.
struct Field {
  std::vector<FieldPart> path;  // never empty; `run` is a part of it
  size_t at = 0, end = 0;       // in the query
};

enum class CompareSign { equal, unequal, less, less_equal, greater, greater_equal };

struct Node {
  enum class Kind {
    constant,
    list,
    field,
    negate,   // not child
    both,     // all children
    either,   // any child
    compare,  // a < b <= c: one sign less than children
    member,   // child 0 in child 1
    is_none,  // child is None
    match,    // child 0 matches `pattern`
    begins,   // child 0 begins with child 1
    ends,
    contains,
  };
  Kind kind = Kind::constant;
  size_t at = 0;
  std::vector<Node> children = {};
  Value value = {};                     // of a constant
  size_t field = 0;                     // its place in Query::fields
  std::vector<CompareSign> signs = {};  // of a comparison
  std::shared_ptr<TextPattern> pattern = {};
  bool is_not = false;  // not in, not like, !~
};

struct Query {
  Node root;
  std::vector<Field> fields;  // each as often as it is written
};

}  // namespace aimlog::cli
