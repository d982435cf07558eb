// The only file that includes yaml-cpp (slow to compile). It is used as a stream of events, which
// can be stopped at any depth; its own tree recurses without a limit and hides duplicate keys.
#include "plugin/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

#include "plugin/config/yaml_text.h"

namespace aimlog {
namespace {

constexpr const char* alias_hint =
    "an unquoted * or & starts a YAML alias or anchor, which are not used here; put a text that "
    "begins with it into quotes, for example \"*loss\"";

YamlPlace place_of(const YAML::Mark& mark) {
  if (mark.line < 0 || mark.column < 0) return {};
  return {static_cast<size_t>(mark.line), static_cast<size_t>(mark.column)};
}

// Builds the tree. `open_` are the lists and maps around the next value; a parent's `items` does
// not move while a child is open, because values are put in when they are complete.
class TreeBuilder : public YAML::EventHandler {
 public:
  std::optional<YamlNode> take() { return std::move(root_); }

  // Where the innermost open list or map began; the default if there is none.
  YamlPlace opening(YamlKind kind, YamlPlace otherwise) const {
    for (auto node = open_.rbegin(); node != open_.rend(); ++node) {
      if (node->kind == kind) return node->place;
    }
    return otherwise;
  }
  YamlPlace last_place() const { return last_place_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) {
      throw YamlMistake{place_of(mark), "a second document; there must be only one"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(start(YamlKind::null, mark, anchor));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw YamlMistake{place_of(mark), alias_hint};
  }

  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw YamlMistake{place_of(mark), alias_hint};
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node = start(YamlKind::scalar, mark, anchor);
    node.quoted = tag == "!";
    node.text = value;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(YamlKind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(YamlKind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // "?" is an untagged plain value, "!" an untagged quoted one.
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw YamlMistake{place_of(mark),
                      "an unquoted ! starts a YAML tag, which are not used here; put a text that "
                      "begins with it into quotes, for example \"!eval/*\""};
  }

  YamlNode start(YamlKind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw YamlMistake{place_of(mark), alias_hint};
    if (++nodes_ > max_yaml_nodes) throw YamlMistake{place_of(mark), "too many values"};
    YamlNode node;
    node.kind = kind;
    node.place = place_of(mark);
    last_place_ = node.place;
    return node;
  }

  void open(YamlKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() >= max_yaml_depth) throw YamlMistake{place_of(mark), "nested too deeply"};
    open_.push_back(start(kind, mark, anchor));
  }

  void close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().items.push_back(std::move(node));
    }
  }

  std::optional<YamlNode> root_;
  std::vector<YamlNode> open_;
  YamlPlace last_place_;  // of the last value or key
  size_t nodes_ = 0;
  int documents_ = 0;
};

// The parser's words, for people who do not know its inside.
std::string explain(const std::string& message) {
  struct Explanation {
    const char* begins;
    const char* text;
  };
  static constexpr const char* misfit = "this does not belong here; check quotes and indentation";
  static constexpr Explanation explanations[] = {
      {"the referenced anchor", alias_hint},
      {"alias not found", alias_hint},
      {"anchor not found", alias_hint},
      {"illegal character found while scanning", alias_hint},
      {"illegal map value",
       "a : that does not fit here; keys of one map need the same indentation, and a text with a "
       "colon and a space needs quotes"},
      {"unknown token", "this character cannot begin a value; put the text into quotes"},
      {"end of map not found", misfit},
      {"end of sequence not found", misfit},
  };
  for (const Explanation& explanation : explanations) {
    if (message.starts_with(explanation.begins)) return explanation.text;
  }
  return "not YAML: " + message;
}

// The parser blames the place where it gave up; what is never closed is better shown at its start.
YamlMistake mistake_of(const YAML::Exception& error, const TreeBuilder& builder) {
  const YamlPlace place = place_of(error.mark);
  const std::string& message = error.msg;
  if (message.starts_with("end of sequence flow")) {
    return {builder.opening(YamlKind::list, place), "this list is never closed with ]"};
  }
  if (message.starts_with("end of map flow")) {
    return {builder.opening(YamlKind::map, place), "this map is never closed with }"};
  }
  if (message.starts_with("illegal EOF in scalar")) {
    return {builder.last_place(), "a text in quotes that begins after this is never closed"};
  }
  return {place, explain(message)};
}

// The parser takes a text in quotes that is open at the end for closed if the last line is blank.
// A comment in that place leaves everything else as it is.
std::string with_closing_comment(std::string_view text) {
  std::string result(text);
  const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
  if (text.find_first_not_of(" \t\r", line) != std::string_view::npos) return result;
  return result + (text.ends_with('\n') ? "#" : "\n#");
}

}  // namespace

std::optional<YamlNode> parse_yaml(std::string_view text) {
  text = without_byte_order_mark(text);
  check_yaml_text(text);
  std::istringstream input(with_closing_comment(text));
  TreeBuilder builder;
  try {
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    YamlPlace tab;
    if (tab_in_indentation(text, place_of(error.mark).line, tab)) fail_for_tab(tab);
    throw mistake_of(error, builder);
  }
  return builder.take();
}

}  // namespace aimlog
