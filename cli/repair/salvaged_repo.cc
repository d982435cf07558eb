#include "cli/repair/salvaged_repo.h"

#include <algorithm>

#include "plugin/model/value.h"
#include "plugin/store/tail_codec.h"

namespace aimlog::cli {
namespace {

constexpr Table in_this_order[] = {
    Table::meta,   Table::names,       Table::shapes, Table::experiments, Table::jobs,
    Table::runs,   Table::attempts,    Table::params, Table::series,      Table::objects,
    Table::chunks, Table::checkpoints, Table::tails,  Table::journals,    Table::losses};

}  // namespace

SalvagedRepo::SalvagedRepo(const Salvage& salvage) : salvage_(salvage) {
  for (const Table table : in_this_order) {
    for (const auto& [key, row] : salvage.rows(table)) {
      ++rows;
      rows_searched += row.searched ? 1 : 0;
      rows_stale += row.stale ? 1 : 0;
      try {
        take(table, key, row);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::io) throw;
        ++rows_undecodable;
      }
    }
  }
  take_damaged();
}

void SalvagedRepo::take(Table table, ByteView whole_key, const SalvagedRow& row) {
  if (table == Table::chunks) return take_chunk(whole_key, row);
  const Bytes payload = salvage_.payload(row);
  KeyReader key(whole_key);
  switch (table) {
    case Table::meta:
      return take_meta(key, payload);
    case Table::names:
      return take_name(key, payload);
    case Table::shapes:
      if (key.number<uint8_t>() == static_cast<uint8_t>(ShapeKind::shape))
        shapes[key.number<ShapeNumber>()] = decode_row<ShapeRow>(payload);
      return;
    case Table::experiments:
      if (key.number<uint8_t>() == static_cast<uint8_t>(ExperimentKind::experiment))
        experiments[key.number<ExperimentNumber>()] = decode_row<ExperimentRow>(payload);
      return;
    case Table::jobs:
      return take_job(key, row, payload);
    case Table::runs:
      return take_run(whole_key, key, row, payload);
    case Table::tails:
      return take_tail(key, payload);
    case Table::journals:
      return take_journal(key, row, payload);
    case Table::losses:
      decode_row<LossRow>(payload);
      losses.push_back(payload);
      return;
    default:
      return take_of_run(table, key, row, payload);
  }
}

void SalvagedRepo::take_meta(KeyReader key, const Bytes& payload) {
  const auto kind = static_cast<MetaKind>(key.number<uint8_t>());
  if (kind == MetaKind::repo_id) repo_id = payload;
  if (kind == MetaKind::next_number) counters[key.number<uint8_t>()] = decode_number_32(payload);
}

void SalvagedRepo::take_name(KeyReader key, const Bytes& payload) {
  const auto kind = static_cast<NameKind>(key.number<uint8_t>());
  if (kind != NameKind::name && kind != NameKind::context) return;  // indexes are made anew
  const Bytes text(without_version(payload, row_version, "name"));
  if (kind == NameKind::name) {
    names[key.number<NameId>()] = text;
  } else {
    decode_value(text);
    contexts[key.number<ContextId>()] = text;
  }
}

void SalvagedRepo::take_job(KeyReader key, const SalvagedRow& row, const Bytes& payload) {
  switch (static_cast<JobKind>(key.number<uint8_t>())) {
    case JobKind::job: {
      const auto number = key.number<JobNumber>();
      jobs[number] = decode_row<JobRow>(payload);
      if (row.stale) old_jobs.insert(number);
      return;
    }
    case JobKind::token:
      tokens[key.id<sizeof(JobToken)>()] = decode_number_32(payload);
      return;
    case JobKind::of_experiment: {
      const auto experiment = key.number<ExperimentNumber>();
      experiment_of_job[key.number<JobNumber>()] = experiment;
      return;
    }
  }
}

void SalvagedRepo::take_run(ByteView whole_key, KeyReader key, const SalvagedRow& row,
                            const Bytes& payload) {
  switch (static_cast<RunKind>(key.number<uint8_t>())) {
    case RunKind::run: {
      SalvagedRun& run = runs[key.number<RunNumber>()];
      run.row = decode_row<RunRow>(payload);
      run.old = row.stale;
      return;
    }
    case RunKind::id: {
      const RunId id{key.id<sizeof(RunId::bytes)>()};
      runs[decode_number_32(payload)].id = id;
      return;
    }
    case RunKind::trial: {
      SalvagedRun& run = runs[decode_number_32(payload)];
      run.job = key.number<JobNumber>();
      run.has_trial = true;
      trials.emplace_back(whole_key, payload);
      return;
    }
    case RunKind::trial_id:
      trials.emplace_back(whole_key, payload);
      return;
  }
}

void SalvagedRepo::take_of_run(Table table, KeyReader key, const SalvagedRow& row,
                               const Bytes& payload) {
  SalvagedRun& run = runs[key.number<RunNumber>()];
  if (table == Table::objects) {
    run.objects = decode_row<ObjectMap>(payload);
    return;
  }
  const auto number = key.number<uint32_t>();
  if (table == Table::attempts) {
    SalvagedAttempt& attempt = run.attempts[number];
    attempt.row = decode_row<AttemptRow>(payload);
    attempt.old = row.stale;
  } else if (table == Table::series) {
    run.attempts[number].summaries = decode_row<SummaryMap>(payload);
  } else if (table == Table::params) {
    const auto params = decode_row<ParamsRow>(payload);
    for (const Bytes& map : {params.params, params.config})
      if (!map.empty()) decode_value(map);
    run.params[number] = payload;
  } else if (table == Table::checkpoints) {
    decode_row<CheckpointRow>(payload);
    run.checkpoints[number] = payload;
  }
}

void SalvagedRepo::take_chunk(ByteView whole_key, const SalvagedRow& row) {
  const ChunkKey key = read_chunk_key(whole_key);
  runs[key.run].attempts[key.attempt].chunks.emplace_back(key, row);
}

void SalvagedRepo::take_tail(KeyReader key, const Bytes& payload) {
  if (key.number<uint8_t>() != static_cast<uint8_t>(TailKind::tail)) return;
  const auto journal = key.number<JournalNumber>();
  const ByteView rest = without_version(payload, tail_version, "tail");
  const Bytes rows = payload[0] == tail_version_plain ? Bytes(rest) : unpack_tail(rest);
  each_tail_row(rows, [&](const TailRow& row) {
    runs[row.run].attempts[row.attempt].waiting.push_back(
        {journal, row.sequence, row.shape, Bytes(row.result)});
  });
}

void SalvagedRepo::take_journal(KeyReader key, const SalvagedRow& row, const Bytes& payload) {
  if (key.number<uint8_t>() == static_cast<uint8_t>(JournalKind::open_run)) {
    const auto journal = key.number<JournalNumber>();
    opened_through[key.number<RunNumber>()] = journal;
    return;
  }
  const auto ring = key.id<sizeof(RingId)>();
  journals[ring] = decode_row<JournalRow>(payload);
  if (row.stale || !salvage_.tree_is_newest()) old_journals.insert(ring);
}

void SalvagedRepo::take_damaged() {
  for (const auto& [table, key] : salvage_.damaged_rows()) {
    if (salvage_.rows(table).count(key) > 0) continue;  // found elsewhere
    try {
      note_damaged(table, key);
    } catch (const Error&) {
      // The key itself is damaged.
    }
  }
}

// What a damaged row was about, by its key: which may be damaged too, so it makes no run.
void SalvagedRepo::note_damaged(Table table, ByteView whole_key) {
  KeyReader key(whole_key);
  const bool of_run = table == Table::chunks || table == Table::params ||
                      table == Table::checkpoints || table == Table::objects;
  if (!of_run) return;
  const auto run = runs.find(key.number<RunNumber>());
  if (run == runs.end()) return;
  if (table == Table::chunks) {
    const auto attempt = run->second.attempts.find(key.number<uint32_t>());
    if (attempt != run->second.attempts.end()) ++attempt->second.chunks_damaged;
  } else if (table == Table::params) {
    run->second.damaged.insert("params");
  } else if (table == Table::checkpoints) {
    run->second.damaged.insert("checkpoints");
  } else {
    run->second.damaged.insert("last values of what is no number");
  }
}

}  // namespace aimlog::cli
