// Which job a session belongs to: the rules of resuming, where the repo can be looked into.
#pragma once

#include <functional>

#include "plugin/model/event.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

// Tells whether the writer of a journal lives.
using IsLive = std::function<bool(const RingId&)>;

// In this order: the job of the session's token (it came from a saved state); for a host that says
// "resumed" or "not known", the newest job of that experiment with the host's job id; for
// "resumed", the job of another experiment with that id, if it is the only one; where the host gave
// no id, the newest job of the experiment that no live process writes (for "not known" only if its
// end was not reached); else a new job. The token is bound to it from then on. A job stays in its
// experiment, and a name that no job has yet is made for a new job only.
JobNumber bind_job(WriteTransaction& txn, const RingId& ring, const SessionEvent& session,
                   const IsLive& is_live);

// Whether another live journal writes this job, and its host did not say yet that the job is over.
bool has_other_working_journal(const Transaction& txn, const RingId& ring, JobNumber job,
                               const IsLive& is_live);

}  // namespace aimlog
