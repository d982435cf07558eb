#include "tests/fuzz/hostile_host.h"

namespace aimlog::test {
namespace {

constexpr std::string_view words[] = {"t1",
                                      "t2",
                                      "loss",
                                      "eval/loss",
                                      "training_iteration",
                                      "timesteps_total",
                                      "context",
                                      "epoch",
                                      "default",
                                      "job-1",
                                      "a/b",
                                      "timestamp",
                                      "\xff\xfe",
                                      "\xe2\x82",
                                      "last",
                                      "@1",
                                      "metric",
                                      "pid",
                                      std::string_view("n\0l", 3)};

}  // namespace

tuner_string HostileHost::copy(std::string_view text) {
  auto* bytes = static_cast<char*>(block(text.size()));
  std::copy(text.begin(), text.end(), bytes);
  return {bytes, text.size()};
}

tuner_string HostileHost::text() {
  const uint8_t choice = input_.byte();
  if (choice == 0) return {nullptr, input_.number<uint64_t>()};
  if (choice < 64) return copy(words[choice % std::size(words)]);
  if (choice == 64) return copy(std::string(70000, static_cast<char>(input_.byte())));
  return copy(input_.text());
}

tuner_value HostileHost::value(unsigned depth) {
  tuner_value value{};
  const uint8_t choice = input_.byte();
  value.tag = choice % 16;
  if (choice % 16 > TUNER_TAG_MAP) value.tag = choice % 2 == 0 ? TUNER_TAG_DOUBLE : choice;
  if (choice == 255) value.tag = input_.number<int32_t>();
  value.reserved = choice;
  switch (value.tag) {
    case TUNER_TAG_STRING:
    case TUNER_TAG_BYTES:
      value.as.string = text();
      break;
    case TUNER_TAG_LIST:
      fill_list(value, depth);
      break;
    case TUNER_TAG_MAP:
      fill_map(value, depth);
      break;
    default:
      value.as.uint64 = input_.number<uint64_t>();
  }
  return value;
}

const tuner_value* HostileHost::tree(bool& is_map) {
  auto* root = static_cast<tuner_value*>(block(sizeof(tuner_value)));
  const uint8_t choice = input_.byte();
  *root = choice < 250 ? map() : value();
  is_map = choice != 255 && root->tag == TUNER_TAG_MAP;
  return choice == 255 ? nullptr : root;
}

tuner_value HostileHost::map(unsigned depth) {
  tuner_value value{};
  value.tag = TUNER_TAG_MAP;
  fill_map(value, depth);
  return value;
}

// How many children: the root may be wide, and a chain goes deeper than what is allowed.
size_t HostileHost::children(unsigned depth) {
  if (depth > 200 || nodes_left_ == 0) return 0;
  const uint8_t choice = input_.byte();
  const size_t wanted = choice == 255 ? 300 : depth < 4 ? choice % 12 : choice % 2;
  const size_t count = std::min(wanted, nodes_left_);
  nodes_left_ -= count;
  return count;
}

// An empty one may lie about its count where it has no items.
void HostileHost::fill_list(tuner_value& value, unsigned depth) {
  const size_t count = children(depth);
  auto* items = static_cast<tuner_value*>(block(count * sizeof(tuner_value)));
  for (size_t i = 0; i < count; ++i) items[i] = this->value(depth + 1);
  value.as.list = {items, count};
  if (count == 0 && input_.flag()) value.as.list = {nullptr, input_.number<uint64_t>()};
}

void HostileHost::fill_map(tuner_value& value, unsigned depth) {
  const size_t count = children(depth);
  auto* entries = static_cast<tuner_entry*>(block(count * sizeof(tuner_entry)));
  for (size_t i = 0; i < count; ++i) {
    entries[i].key = text();
    entries[i].value = this->value(depth + 1);
  }
  value.as.map = {entries, count};
  if (count == 0 && input_.flag()) value.as.map = {nullptr, input_.number<uint64_t>()};
}

}  // namespace aimlog::test
