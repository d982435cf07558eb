// Results of a run out of tails and memory into chunks, with the summaries that cover them.
#pragma once

#include "plugin/commit/journal_image.h"
#include "plugin/commit/live_run.h"
#include "plugin/store/environment.h"

namespace aimlog {

// Seals all pending rows of the run: chunks, summaries, objects, the attempt's
// counts. Erases tails that held nothing else. Does nothing without pending rows.
void seal_run(WriteTransaction& txn, JournalImage& image, LiveRun& run);

// The row of a shape, read once.
const ShapeRow& shape_row(const Transaction& txn, JournalImage& image, ShapeNumber number);

}  // namespace aimlog
