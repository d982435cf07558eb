// Troubles of the disk, made in this process: definitions of fdatasync, pwrite and their kin that
// come before the C library's for every library loaded into the program. They touch data.mdb only.
#pragma once

namespace crash {

// From now on each sync of the data file takes so much longer; 0 = as ever.
void slow_down_syncs(int milliseconds);
// From now on each write to the data file, and each sync of it, fails so; 0 = as ever.
void fail_writes(int error_number);

}  // namespace crash
