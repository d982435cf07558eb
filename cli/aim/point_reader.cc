#include "cli/aim/point_reader.h"

#include <algorithm>
#include <array>

#include "cli/aim/aim_format.h"

namespace aimlog::aim {
namespace {

constexpr size_t index_key_bytes = 10;  // fe, 8 bytes, fe
enum Column : size_t { epoch, step, time, value, column_count };
constexpr const char* column_names[] = {"epoch", "step", "time", "val"};

// Most values are numbers: without the detour over Value.
Number read_number(ByteView bytes) {
  if (bytes.size() == 9) {
    uint64_t bits = 0;
    std::memcpy(&bits, bytes.data() + 1, sizeof bits);
    if (bytes[0] == static_cast<char>(ValueType::real)) return {NumberType::float64, bits};
    if (bytes[0] == static_cast<char>(ValueType::integer)) return {NumberType::int64, bits};
  }
  if (bytes.size() == 2 && bytes[0] == static_cast<char>(ValueType::boolean))
    return Number::of(bytes[1] != 0);
  return {};
}

int64_t to_step(const Number& number) {
  if (number.type != NumberType::float64) return static_cast<int64_t>(number.bits);
  const double real = number.as_double();
  return real > -9.2e18 && real < 9.2e18 ? static_cast<int64_t>(real) : 0;
}

struct Cell {
  std::array<unsigned char, index_key_bytes> key;
  Number number;
};
using Columns = std::array<std::vector<Cell>, column_count>;

// Columns are in the order of their keys and normally have the same ones.
const Number* find(const std::vector<Cell>& column, const Cell& cell, size_t& at) {
  while (at < column.size() && column[at].key < cell.key) ++at;
  return at < column.size() && column[at].key == cell.key ? &column[at].number : nullptr;
}

std::vector<AimPoint> join(const Columns& columns) {
  std::vector<AimPoint> points;
  points.reserve(columns[value].size());
  std::array<size_t, column_count> at{};
  for (const Cell& cell : columns[value]) {
    const Number* of_step = find(columns[step], cell, at[step]);
    const Number* of_time = find(columns[time], cell, at[time]);
    const Number* of_epoch = find(columns[epoch], cell, at[epoch]);
    if (!cell.number.exists() || of_step == nullptr || !of_step->exists()) continue;
    AimPoint point;
    point.step = to_step(*of_step);
    if (of_time != nullptr && of_time->exists()) point.time_s = of_time->as_double();
    if (of_epoch != nullptr) point.epoch = *of_epoch;
    point.value = cell.number;
    points.push_back(point);
  }
  std::sort(points.begin(), points.end(),
            [](const AimPoint& a, const AimPoint& b) { return a.step < b.step; });
  return points;
}

// Where a series' place ends at the front of `rest`, or npos.
size_t place_end(ByteView rest) {
  if (rest.size() < index_key_bytes || rest[0] != key_end) return ByteView::npos;
  const size_t end = rest.find(key_end, index_key_bytes);
  return end == ByteView::npos ? end : end + 1;
}

size_t column_of(ByteView name) {
  const auto* found = std::find(std::begin(column_names), std::end(column_names), name);
  return static_cast<size_t>(found - std::begin(column_names));
}

// Gathers the cells of one series after the other.
class Gatherer {
 public:
  explicit Gatherer(const std::function<void(ByteView, std::vector<AimPoint>)>& visit)
      : visit_(visit) {}

  void add(ByteView rest, ByteView bytes) {
    if (place_.empty() || !rest.starts_with(place_)) {
      finish();
      const size_t end = place_end(rest);
      if (end == ByteView::npos) return;
      place_ = rest.substr(0, end);
    }
    ByteView tail = rest.substr(place_.size());
    if (tail.size() <= index_key_bytes) return;
    const size_t name_end = tail.size() - index_key_bytes - 1;
    if (tail[name_end] != key_end || tail[name_end + 1] != key_end) return;
    const size_t column = column_of(tail.substr(0, name_end));
    if (column == column_count) return;
    Cell cell{{}, read_number(bytes)};
    std::memcpy(cell.key.data(), tail.data() + tail.size() - index_key_bytes, index_key_bytes);
    columns_[column].push_back(cell);
  }

  void finish() {
    if (!place_.empty() && !columns_[value].empty()) {
      std::vector<AimPoint> points = join(columns_);
      if (!points.empty()) visit_(place_, std::move(points));
    }
    place_.clear();
    for (auto& column : columns_) column.clear();
  }

 private:
  const std::function<void(ByteView, std::vector<AimPoint>)>& visit_;
  Bytes place_;
  Columns columns_;
};

}  // namespace

void each_series(const DatabaseReader& seqs, const std::string& hash,
                 const std::function<void(ByteView, std::vector<AimPoint>)>& visit) {
  const Bytes path = points_path(hash);
  Gatherer gatherer(visit);
  seqs.scan(path, [&](ByteView key, ByteView bytes) {
    gatherer.add(key.substr(path.size()), bytes);
    return true;
  });
  gatherer.finish();
}

std::vector<AimPoint> read_old_series(const DatabaseReader& seqs, const std::string& hash,
                                      ByteView place) {
  std::map<int64_t, AimPoint> points;
  const Bytes path = encode_path({"seqs", "chunks", hash}) + Bytes(place);
  seqs.scan(path, [&](ByteView key, ByteView bytes) {
    const auto rest = decode_path(key.substr(path.size()));
    if (!rest || rest->size() != 2) return true;
    const auto* column = std::get_if<std::string>(rest->data());
    const auto* at = std::get_if<int64_t>(&(*rest)[1]);
    if (column == nullptr || at == nullptr) return true;
    AimPoint& point = points[*at];
    point.step = *at;
    const Number number = read_number(bytes);
    if (*column == "val") point.value = number;
    if (*column == "epoch") point.epoch = number;
    if (*column == "time" && number.exists()) point.time_s = number.as_double();
    return true;
  });
  std::vector<AimPoint> result;
  for (const auto& [at, point] : points)
    if (point.value.exists()) result.push_back(point);
  return result;
}

}  // namespace aimlog::aim
