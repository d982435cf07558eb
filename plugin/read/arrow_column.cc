#include "plugin/read/arrow_column.h"

#include <algorithm>

#include "plugin/base/error.h"
#include "plugin/base/utf8.h"

namespace aimlog {
namespace {

// What an exported node owns. Children are nodes of their own: a receiver may move one out and
// release the rest.
template <typename Node>
struct Owned {
  ArrowColumn column;  // of an array: its buffers; of a schema: name and format only
  std::vector<const void*> buffers;
  std::vector<Node> children;
  std::vector<Node*> child_pointers;
  Node dictionary{};
};

template <typename Node>
void release(Node* node) noexcept {
  auto* owned = static_cast<Owned<Node>*>(node->private_data);
  for (Node& child : owned->children) {
    if (child.release != nullptr) child.release(&child);
  }
  if (owned->dictionary.release != nullptr) owned->dictionary.release(&owned->dictionary);
  delete owned;
  node->release = nullptr;
}

// Room for the children, and the pointers to it that the node shows.
template <typename Node>
void give_children(Owned<Node>& owned, size_t count, Node& out) {
  owned.children.resize(count);
  for (Node& child : owned.children) owned.child_pointers.push_back(&child);
  out.n_children = static_cast<int64_t>(count);
  out.children = owned.child_pointers.data();
}

// Readers trust Arrow's texts to be UTF-8.
std::string sound_text(const std::string& text) {
  if (is_utf8(text)) return text;
  std::string sound;
  append_repaired_utf8(sound, text);
  return sound;
}

// Names of columns end at a NUL for whoever reads them, and two would then be called alike.
std::string without_nul(std::string name) {
  for (size_t at = name.find('\0'); at != std::string::npos; at = name.find('\0', at))
    name.replace(at, 1, "\\x00");
  return name;
}

}  // namespace

ArrowColumn text_column(std::string name, const std::vector<std::string>& texts) {
  std::vector<char> bytes;
  std::vector<int64_t> ends = {0};
  ends.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    const std::string sound = sound_text(text);
    bytes.insert(bytes.end(), sound.begin(), sound.end());
    ends.push_back(static_cast<int64_t>(bytes.size()));
  }
  ArrowColumn column{std::move(name), "U", static_cast<int64_t>(texts.size())};
  if (bytes.size() <= INT32_MAX) {
    // The narrow form is the one that every reader takes.
    column.format = "u";
    column.buffers = {ArrowBuffer(), ArrowBuffer(std::vector<int32_t>(ends.begin(), ends.end())),
                      ArrowBuffer(std::move(bytes))};
  } else {
    column.buffers = {ArrowBuffer(), ArrowBuffer(std::move(ends)), ArrowBuffer(std::move(bytes))};
  }
  return column;
}

ArrowColumn dictionary_column(std::string name, RawVector<int32_t> indexes,
                              std::shared_ptr<const ArrowColumn> dictionary) {
  const auto is_null = [](int32_t index) { return index < 0; };
  ArrowBits valid;
  if (std::all_of(indexes.begin(), indexes.end(), is_null)) {
    valid = ArrowBits::of(indexes.size(), false);
    std::fill(indexes.begin(), indexes.end(), 0);
  } else if (std::none_of(indexes.begin(), indexes.end(), is_null)) {
    valid = ArrowBits::of(indexes.size(), true);
  } else {
    for (int32_t& index : indexes) {
      valid.push(!is_null(index));
      index = std::max(index, 0);
    }
  }
  ArrowColumn column = number_column(std::move(name), "i", std::move(indexes));
  column.dictionary = std::move(dictionary);
  set_validity(column, std::move(valid));
  return column;
}

void set_validity(ArrowColumn& column, ArrowBits valid) {
  column.null_count = valid.zeros();
  column.has_validity = column.null_count > 0;
  column.buffers.at(0) = valid.take();
}

ArrowColumn batch_of(std::vector<ArrowColumn> columns, int64_t rows) {
  ArrowColumn batch{"", "+s", rows};
  batch.buffers = {ArrowBuffer()};
  batch.children = std::move(columns);
  return batch;
}

void export_schema(const ArrowColumn& column, ArrowSchema& out) {
  auto owned = std::make_unique<Owned<ArrowSchema>>();
  owned->column.name = without_nul(sound_text(column.name));
  owned->column.format = column.format;
  out = {};
  out.format = owned->column.format.c_str();
  out.name = owned->column.name.c_str();
  out.flags = column.format == "+s" ? 0 : ARROW_FLAG_NULLABLE;
  give_children(*owned, column.children.size(), out);
  for (size_t i = 0; i < column.children.size(); ++i)
    export_schema(column.children[i], owned->children[i]);
  if (column.dictionary) {
    export_schema(*column.dictionary, owned->dictionary);
    out.dictionary = &owned->dictionary;
  }
  out.release = release<ArrowSchema>;
  out.private_data = owned.release();
}

void export_array(ArrowColumn column, ArrowArray& out) {
  auto owned = std::make_unique<Owned<ArrowArray>>();
  owned->column = std::move(column);
  const ArrowColumn& mine = owned->column;
  for (const ArrowBuffer& buffer : mine.buffers) owned->buffers.push_back(buffer.data());
  AIMLOG_CHECK(!owned->buffers.empty());
  if (!mine.has_validity) owned->buffers[0] = nullptr;
  out = {};
  out.length = mine.length;
  out.null_count = mine.null_count;
  out.n_buffers = static_cast<int64_t>(owned->buffers.size());
  out.buffers = owned->buffers.data();
  give_children(*owned, mine.children.size(), out);
  for (size_t i = 0; i < mine.children.size(); ++i)
    export_array(std::move(owned->column.children[i]), owned->children[i]);
  if (mine.dictionary) {
    export_array(*mine.dictionary, owned->dictionary);
    out.dictionary = &owned->dictionary;
  }
  out.release = release<ArrowArray>;
  out.private_data = owned.release();
}

}  // namespace aimlog
