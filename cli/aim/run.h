// A run as Aim holds it, and the two trees it is stored in.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/aim/tree_codec.h"

namespace aimlog::aim {

struct SeriesHead;

struct AimPoint {
  int64_t step = 0;
  double time_s = 0;  // since the Unix epoch
  Number epoch;       // none where there was none
  Number value;
};

struct AimSeries {
  std::string name;
  ValueMap context;
  std::vector<AimPoint> points;    // in the order in which they were tracked
  std::vector<int64_t> gone = {};  // steps that have no point any more
};

struct AimRun {
  std::string hash;
  // In the trees.
  ValueMap params;
  std::vector<AimSeries> series;
  std::optional<double> end_time_s;  // none while it is open
  // In the SQLite file.
  std::string name;
  std::string description;
  std::string experiment;
  std::vector<std::string> tags;
  std::vector<std::string> notes;
  bool is_archived = false;
  int64_t created_us = 0;
};

// Series as they go into the trees: fit for Aim, none twice, in the trees' order. One that lost all
// of its points is there, too: what an older export wrote of it is ours.
struct PlacedSeries {
  int64_t context_id = 0;
  Bytes place;  // context id and name, as the end of a path
  AimSeries series;
};
std::vector<PlacedSeries> place_series(std::vector<AimSeries> series);

// One series so; its points are fit, and may be none.
PlacedSeries place_one(AimSeries series);

// Keys of the trees that speak of this run.
Bytes run_path(const std::string& hash);     // in meta: meta chunks H
Bytes points_path(const std::string& hash);  // in seqs: seqs v2 chunks H

// What of meta/chunks/<hash> does not depend on the series; what speaks of one series; all of it.
Tree run_tree(const AimRun& run);
void add_series_tree(Tree& tree, const std::string& hash, const PlacedSeries& placed,
                     const SeriesHead& head);
Tree meta_tree(const AimRun& run, const std::vector<PlacedSeries>& series);

// All of seqs/chunks/<hash>, in order. Of points at the same step the last counts.
void each_point_key(const std::string& hash, const std::vector<PlacedSeries>& series,
                    const std::function<void(ByteView key, ByteView value)>& visit);
// The keys of one point of a series.
std::vector<Bytes> keys_at_step(const std::string& hash, const PlacedSeries& placed, int64_t step);

}  // namespace aimlog::aim
