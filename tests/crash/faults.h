// Troubles made in this process: definitions of fdatasync, pwrite and their kin, and of
// clock_gettime, that come before the C library's for every library loaded into the program. Of all
// files they touch data.mdb only.
#pragma once

namespace crash {

// From now on each sync of the data file takes so much longer; 0 = as ever.
void slow_down_syncs(int milliseconds);
// From now on each write to the data file, and each sync of it, fails so; 0 = as ever.
void fail_writes(int error_number);
// From now on the wall clock says so much more than it should; `all`: the monotonic one too, which
// no system does.
void set_clock_ahead(long seconds, bool all);

}  // namespace crash
