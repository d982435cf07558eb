/* SPDX-License-Identifier: Apache-2.0 */
/* A program beside ours on one repo that uses LMDB as it comes, under its process's id: what
 * mdb_stat does, and versions that link LMDB as a shared library.
 *
 * usage: lmdb_neighbour ROOT check          frees the slots of dead readers, says how many they
 * were lmdb_neighbour ROOT read           says a hash of all that one snapshot holds; once more
 *                                           after a line on its standard input
 *        lmdb_neighbour ROOT read careless  the same, without the lock that says that it lives
 *        lmdb_neighbour ROOT fill           takes all slots for readers, says how many it got, and
 *                                           waits for a line
 */
#include <fcntl.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where LMDB is built with the project, it asks for it. */
int aimlog_lmdb_process_id(void);
int aimlog_lmdb_process_id(void) { return getpid(); }

static void expect(int code, const char* what) {
  if (code == 0) return;
  fprintf(stderr, "lmdb_neighbour: %s: %s\n", what, mdb_strerror(code));
  exit(1);
}

static void mix(uint64_t* hash, MDB_val val) {
  for (size_t i = 0; i < val.mv_size; ++i) {
    *hash = (*hash ^ ((const unsigned char*)val.mv_data)[i]) * UINT64_C(0x100000001b3);
  }
}

static void mix_table(MDB_txn* txn, const char* name, uint64_t* hash) {
  MDB_dbi dbi;
  MDB_cursor* cursor;
  MDB_val key, value;
  int code;
  expect(mdb_dbi_open(txn, name, 0, &dbi), "mdb_dbi_open");
  expect(mdb_cursor_open(txn, dbi, &cursor), "mdb_cursor_open");
  while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
    mix(hash, key);
    mix(hash, value);
    if (name != NULL) continue;
    char table[64] = "";
    memcpy(table, key.mv_data, key.mv_size < sizeof table ? key.mv_size : sizeof table - 1);
    mix_table(txn, table, hash);
  }
  if (code != MDB_NOTFOUND) expect(code, "mdb_cursor_get");
  mdb_cursor_close(cursor);
}

static void say_hash(MDB_txn* txn) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  mix_table(txn, NULL, &hash);
  printf("%016llx\n", (unsigned long long)hash);
  fflush(stdout);
}

enum { slots_max = 4096 };
static MDB_txn* taken[slots_max];

static int take_all_slots(MDB_env* env) {
  int count = 0;
  int code = 0;
  while (count < slots_max && (code = mdb_txn_begin(env, NULL, MDB_RDONLY, &taken[count])) == 0)
    ++count;
  if (code != MDB_READERS_FULL) expect(code, "mdb_txn_begin");
  return count;
}

static void give_up(int count) {
  while (count > 0) mdb_txn_abort(taken[--count]);
}

int main(int count, char** words) {
  MDB_env* env;
  MDB_txn* txn;
  int dead = 0;
  char line[16];
  if (count < 3) return 2;
  expect(mdb_env_create(&env), "mdb_env_create");
  expect(mdb_env_set_maxdbs(env, 32), "mdb_env_set_maxdbs");
  expect(mdb_env_open(env, words[1], MDB_RDONLY | MDB_NOTLS, 0), words[1]);
  if (strcmp(words[2], "check") == 0) {
    expect(mdb_reader_check(env, &dead), "mdb_reader_check");
    printf("%d\n", dead);
  } else if (strcmp(words[2], "fill") == 0) {
    const int slots = take_all_slots(env);
    printf("%d\n", slots);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) return 1;
    give_up(slots);
  } else {
    expect(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    if (count > 3) {
      char file[4096];
      snprintf(file, sizeof file, "%s/lock.mdb", words[1]);
      close(open(file, O_RDWR)); /* and with it go all locks of this process */
    }
    say_hash(txn);
    if (fgets(line, sizeof line, stdin) == NULL) return 1;
    say_hash(txn);
    mdb_txn_abort(txn);
  }
  mdb_env_close(env);
  return 0;
}
