#include "cli/aim/live_run.h"

namespace aimlog::aim {

LiveRun::LiveRun(const AimPaths& paths, std::string hash, LiveSeed seed)
    : paths_(paths), hash_(std::move(hash)), params_(std::move(seed.meta)) {
  for (auto& [place, each] : seed.series) {
    Series& series = series_[place];
    add_series_tree(series.keys, hash_, each.placed, each.head);
    for (const auto& [key, value] : series.keys) params_.erase(key);
    series.state = std::move(each);
  }
}

void LiveRun::open() {
  if (is_open()) return;
  meta_ = std::make_unique<DatabaseWriter>(paths_.meta_chunks / hash_);
  seqs_ = std::make_unique<DatabaseWriter>(paths_.seqs_chunks / hash_);
}

void LiveRun::write_points(const PlacedSeries& placed) {
  for (const int64_t step : placed.series.gone)
    for (const Bytes& key : keys_at_step(hash_, placed, step)) seqs_->erase(key);
  each_point_key(hash_, {placed}, [&](ByteView key, ByteView value) { seqs_->put(key, value); });
}

void LiveRun::write_difference(Tree& written, Tree now) {
  for (const auto& [key, value] : written)
    if (now.count(key) == 0) meta_->erase(key);
  for (const auto& [key, value] : now) {
    const auto before = written.find(key);
    if (before == written.end() || before->second != value) meta_->put(key, value);
  }
  written = std::move(now);
}

bool LiveRun::write(AimRun news) {
  open();
  bool has_new_series = false;
  write_difference(params_, run_tree(news));
  for (AimSeries& each : news.series) {
    PlacedSeries placed = place_one(std::move(each));
    const auto found = series_.find(placed.place);
    if (placed.series.points.empty() && found == series_.end()) continue;
    write_points(placed);
    has_new_series = has_new_series || found == series_.end();
    Series& series = series_[placed.place];
    for (const AimPoint& point : placed.series.points) series.state.head.add(point);
    Tree keys;
    add_series_tree(keys, hash_, placed, series.state.head);
    write_difference(series.keys, std::move(keys));
  }
  // Heads never speak of points that are not there.
  seqs_->commit();
  meta_->commit();
  return has_new_series;
}

void LiveRun::close() {
  const std::unique_ptr<DatabaseWriter> meta = std::move(meta_), seqs = std::move(seqs_);
  if (seqs) seqs->close();
  if (meta) meta->close();
}

void LiveRun::abandon() {
  meta_.reset();
  seqs_.reset();
}

}  // namespace aimlog::aim
