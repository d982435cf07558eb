#include "plugin/read/series_source.h"

#include "plugin/base/parallel.h"
#include "plugin/read/series_points.h"

namespace aimlog {
namespace {

constexpr size_t batch_points = 64 * 1024;  // 3 MB in memory
constexpr size_t task_points = 16 * 1024;
constexpr size_t parallel_from = 128 * 1024;  // fewer points are done before a thread has begun

// A chunk or an unsealed point, and where its points go.
struct Piece {
  const PlannedSeries* series;
  const SeriesSegment* segment;
  ByteView chunk;
  size_t at;

  void put_into(SeriesPoints& points) const {
    if (segment->sealed)
      points.put(at, segment->points, RowGroupReader(chunk), *series, segment->place.attempt);
    else
      points.put(at, segment->point, *series);
  }
};

class SeriesSource : public BatchSource {
 public:
  SeriesSource(std::shared_ptr<Environment> environment, SeriesPlan plan)
      : environment_(std::move(environment)),
        plan_(std::move(plan)),
        run_ids_(std::make_shared<ArrowColumn>(text_column("", plan_.run_ids))),
        contexts_(std::make_shared<ArrowColumn>(text_column("", plan_.contexts))) {}

  ArrowColumn schema() override { return room_for(0).take(run_ids_, contexts_); }

  std::optional<ArrowColumn> next() override {
    if (done_ == plan_.series.size()) return std::nullopt;
    std::vector<size_t> begins = {0};
    size_t last = done_;
    while (last < plan_.series.size() && begins.back() < batch_points)
      begins.push_back(begins.back() + plan_.series[last++].points);
    SeriesPoints points = room_for(begins.back());
    read(last, points);
    if (!plan_.all_attempts) points.keep_default_views(begins);
    // Only now, so that a failed read can be tried again; their segments are needed no more.
    for (; done_ < last; ++done_) plan_.series[done_].segments = {};
    return points.take(run_ids_, contexts_);
  }

 private:
  SeriesPoints room_for(size_t points) const {
    const NumberKinds& kinds = plan_.kinds;
    for (const NumberType type :
         {NumberType::boolean, NumberType::int64, NumberType::uint64, NumberType::float64})
      if (kinds.all(type)) return {type, false, points};
    return {NumberType::float64, true, points};
  }

  // The chunks are found by this thread, whose transaction stays open; taking them apart, which is
  // the work, needs their bytes only.
  void read(size_t last, SeriesPoints& points) const {
    const Transaction txn(*environment_);
    const size_t per_task = points.size() < parallel_from ? points.size() : task_points;
    std::vector<Piece> pieces;
    std::vector<size_t> tasks = {0};  // the pieces that they begin with, and the end
    size_t at = 0, task_begin = 0;
    for (size_t i = done_; i < last; ++i) {
      for (const SeriesSegment& segment : plan_.series[i].segments) {
        if (at - task_begin >= per_task) {
          tasks.push_back(pieces.size());
          task_begin = at;
        }
        const ByteView chunk = segment.sealed ? get_chunk(txn, segment.place) : ByteView();
        pieces.push_back({&plan_.series[i], &segment, chunk, at});
        at += segment.points;
      }
    }
    tasks.push_back(pieces.size());
    try {
      parallel_each(tasks.size() - 1, [&](size_t task) {
        for (size_t i = tasks[task]; i < tasks[task + 1]; ++i) pieces[i].put_into(points);
      });
    } catch (const Error&) {
      txn.expect_one_commit();
      throw;
    }
    txn.expect_one_commit();
  }

  std::shared_ptr<Environment> environment_;
  SeriesPlan plan_;
  std::shared_ptr<const ArrowColumn> run_ids_, contexts_;
  size_t done_ = 0;  // series that batches have been made of
};

}  // namespace

std::unique_ptr<BatchSource> series_source(std::shared_ptr<Environment> environment,
                                           const SeriesRequest& request) {
  SeriesPlan plan = plan_series(*environment, request);
  return std::make_unique<SeriesSource>(std::move(environment), std::move(plan));
}

}  // namespace aimlog
