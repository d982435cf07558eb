// Summaries of series as bytes: a row of them is what a small run takes most room for.
//
//   varint flags; name, context, count (varints); then what the flags do not leave out:
//   first, last, least, greatest: u8 NumberForm and the number; steps as zigzag differences;
//   the sum and what rounding took from it; counts of NaN and infinities
#pragma once

#include "plugin/base/bytes.h"
#include "plugin/store/series_table.h"

namespace aimlog {

void append_summary(Bytes& out, const SeriesKey& key, const SeriesSummary& summary);
// Takes what append_summary() wrote. Throws Error(corrupt).
NamedSummary read_summary(ByteReader& in);

}  // namespace aimlog
