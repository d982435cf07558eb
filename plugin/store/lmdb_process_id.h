// Who LMDB takes this process for. Its table of readers tells processes apart by their ids: each
// locks the byte of lock.mdb at that offset. In two containers on one machine two processes can
// have the same id, often 1. So the copy of LMDB that is linked in asks us instead of getpid() (see
// meson.build), and each environment gets a number that no process can have.
#pragma once

#include <sys/types.h>

#include "plugin/store/lmdb_handles.h"

namespace aimlog {

// Linux gives out ids below this one (PID_MAX_LIMIT).
constexpr pid_t process_id_limit = pid_t{1} << 22;

// How often an environment is made anew because its number is somebody else's. By chance that does
// not happen twice; with a shared LMDB, which uses the process's id, it happens every time.
constexpr int process_id_tries = 16;

// Locks the byte of a newly opened environment. False if another process holds it: the environment
// then has to be made anew, with another number.
bool claim_process_id(MDB_env* env);

}  // namespace aimlog

// What LMDB calls for getpid(), when an environment is made and when one is closed: a number by
// chance each time. On closing LMDB would give free the slots of readers that still carry its
// number; there are none, as transactions here end before their environment.
extern "C" pid_t aimlog_lmdb_process_id() noexcept;
