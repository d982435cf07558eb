#include "plugin/read/series_source.h"

#include "plugin/read/series_points.h"

namespace aimlog {
namespace {

constexpr size_t batch_points = 64 * 1024;

class SeriesSource : public BatchSource {
 public:
  SeriesSource(std::shared_ptr<Environment> environment, SeriesPlan plan)
      : environment_(std::move(environment)),
        plan_(std::move(plan)),
        run_ids_(std::make_shared<ArrowColumn>(text_column("", plan_.run_ids))),
        contexts_(std::make_shared<ArrowColumn>(text_column("", plan_.contexts))) {}

  ArrowColumn schema() override { return empty().take(run_ids_, contexts_); }

  std::optional<ArrowColumn> next() override {
    if (done_ == plan_.series.size()) return std::nullopt;
    SeriesPoints points = empty();
    size_t last = done_;
    size_t expected = 0;
    while (last < plan_.series.size() && expected < batch_points)
      expected += plan_.series[last++].points;
    points.reserve(expected);
    {
      const Transaction txn(*environment_);
      for (size_t i = done_; i < last; ++i) read(txn, plan_.series[i], points);
    }
    // Only now, so that a failed read can be tried again; their segments are needed no more.
    for (; done_ < last; ++done_) plan_.series[done_].segments = {};
    return points.take(run_ids_, contexts_);
  }

 private:
  SeriesPoints empty() const {
    const NumberKinds& kinds = plan_.kinds;
    for (const NumberType type :
         {NumberType::boolean, NumberType::int64, NumberType::uint64, NumberType::float64})
      if (kinds.all(type)) return {type, false};
    return {NumberType::float64, true};
  }

  void read(const Transaction& txn, const PlannedSeries& series, SeriesPoints& points) const {
    const size_t begin = points.size();
    for (const SeriesSegment& segment : series.segments) {
      if (segment.sealed)
        points.add(RowGroupReader(get_chunk(txn, segment.place)), series, segment.place.attempt);
      else
        points.add(segment.point, series);
    }
    if (!plan_.all_attempts) points.keep_default_view(begin);
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
