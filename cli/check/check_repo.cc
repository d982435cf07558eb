#include "cli/check/check_repo.h"

#include <algorithm>
#include <cstring>

#include "cli/check/child.h"
#include "cli/failure.h"
#include "plugin/store/damage_advice.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/repo_files.h"
#include "plugin/store/row_codec.h"
#include "plugin/store/snapshot_walk.h"

namespace aimlog::cli {
namespace {

// Kinds of messages from the children.
constexpr char kind_finding = 'f';
constexpr char kind_counts = 'c';
constexpr char kind_journal = 'j';
constexpr char kind_progress = 'p';

Bytes encode(const Finding& finding) {
  Bytes out;
  for (const std::string* text : {&finding.table, &finding.key, &finding.what, &finding.todo})
    append_string(out, *text);
  return out;
}

Finding decode_finding(ByteReader& in) {
  Finding finding;
  for (std::string* text : {&finding.table, &finding.key, &finding.what, &finding.todo})
    *text = in.string();
  return finding;
}

Bytes encode(const CheckCounts& counts, uint64_t found) {
  Bytes out;
  for (const uint64_t count :
       {found, counts.rows, counts.runs, counts.chunks, counts.results, counts.points})
    append_varint(out, count);
  return out;
}

void send_journal(ChildPipe& pipe, const RingId& ring, const JournalRow& row) {
  const Bytes id(reinterpret_cast<const char*>(ring.data()), ring.size());
  pipe.send(kind_journal, id + encode_row(row));
}

class RepoCheck {
 public:
  RepoCheck(const std::filesystem::path& directory, bool deep,
            const std::function<void(const std::string&)>& progress)
      : paths_(directory), deep_(deep), progress_(progress) {}

  CheckResult run() {
    look_at_files();
    if (has_data_) {
      look_at_rows();
      // LMDB must not open what lies on a network disk, where copies may lie.
      if (result_.found == 0 && network_disk(paths_.root) == nullptr) look_by_lmdb();
    }
    look_at_journals();
    return std::move(result_);
  }

 private:
  void add(const Finding& finding) {
    result_.findings.push_back(finding);
    ++result_.found;
  }

  void look_at_files() {
    std::error_code error;
    if (!std::filesystem::is_directory(paths_.root, error))
      throw usage_error("there is no .aimlog in '" + paths_.directory.string() + "'");
    try {
      if (!read_format(paths_))
        add({"file", "FORMAT", "it is missing: the repo was never made to its end, or has lost it",
             todo_repair});
    } catch (const Error& failed) {
      if (failed.code() != ErrorCode::corrupt) throw Failure(exit_usage, failed.what());
      add({"file", "FORMAT", without_damage_advice(failed.what()), todo_repair});
    }
    const auto bytes = std::filesystem::file_size(paths_.data, error);
    has_data_ = !error && bytes > 0;
    if (!has_data_)
      add({"file", "data.mdb", error ? "it is missing" : "it is empty",
           "restore it from a backup; what journals hold 'aimlog repair' saves"});
    if (!std::filesystem::is_directory(paths_.journals, error) &&
        std::filesystem::exists(paths_.journals, error))
      add({"file", "journals", "it is no directory", "move it away"});
  }

  // What a child has to say; false if it did not come to its end.
  void run_child(const std::function<void(ChildPipe&)>& work, const char* what) {
    const ChildEnd end = run_in_child(work, [&](char kind, ByteView message) {
      ByteReader in(message, "message");
      receive(kind, in);
    });
    if (end.done) return;
    if (!end.is_damage)
      throw not_looked(end.signal == 0 ? end.error
                                       : "the process that did it was ended (" +
                                             std::string(::strsignal(end.signal)) + ")");
    std::string text = std::string(what) + " ";
    if (end.signal != 0)
      text += "died of it (" + std::string(::strsignal(end.signal)) + ")";
    else
      text += "cannot read it: " + end.error;
    add({end.place.empty() ? "file" : end.place, "data.mdb", text, todo_repair});
  }

  void receive(char kind, ByteReader& in) {
    if (kind == kind_finding) {
      result_.findings.push_back(decode_finding(in));
    } else if (kind == kind_progress) {
      progress_(std::string(in.take(in.remaining())));
    } else if (kind == kind_counts) {
      result_.found += in.varint();
      for (uint64_t* count : {&result_.counts.rows, &result_.counts.runs, &result_.counts.chunks,
                              &result_.counts.results, &result_.counts.points})
        *count = in.varint();
    } else if (kind == kind_journal) {
      RingId ring;
      std::memcpy(ring.data(), in.take(ring.size()).data(), ring.size());
      journals_[ring] = decode_row<JournalRow>(in.take(in.remaining()));
    }
  }

  void look_at_rows() {
    run_child(
        [&](ChildPipe& pipe) {
          Findings findings([&](const Finding& each) { pipe.send(kind_finding, encode(each)); });
          RowCheck rows(paths_.data, deep_, findings, [&](const std::string& place) {
            pipe.at(place);
            pipe.send(kind_progress, place);
          });
          walk_snapshot(paths_, rows);
          rows.finish();
          findings.tell_held_back();
          for (const auto& [ring, row] : rows.journals()) send_journal(pipe, ring, row);
          pipe.send(kind_counts, encode(rows.counts(), findings.total()));
        },
        "the check of its rows");
  }

  // Our own reading found nothing: now everything as every other verb would see it.
  void look_by_lmdb() {
    run_child(
        [&](ChildPipe& pipe) {
          pipe.send(kind_progress, "once more by LMDB");
          const auto environment = Environment::open(paths_.directory, OpenMode::read_only);
          const Transaction txn(*environment);
          for (unsigned i = 0; i < table_count; ++i) {
            pipe.at("table " + std::to_string(i));
            txn.scan(static_cast<Table>(i), {}, {}, [](ByteView, ByteView) { return true; });
          }
        },
        "LMDB");
  }

  // The rows of journals as they are now. Where they cannot be read, those of before stand.
  void read_journal_rows() {
    run_in_child(
        [&](ChildPipe& pipe) {
          const auto environment = Environment::open(paths_.directory, OpenMode::read_only);
          const Transaction txn(*environment);
          each_journal(txn, [&](const RingId& ring, const JournalRow& row) {
            send_journal(pipe, ring, row);
          });
        },
        [&](char kind, ByteView message) {
          ByteReader in(message, "message");
          receive(kind, in);
        });
  }

  void look_at_journals() {
    result_.journals = aimlog::look_at_journals(paths_.journals, journals_);
    // Since the rows were read a writer may have gone round its ring, and died. What stands where
    // they say that the ring goes on is then newer, and looks like damage or like nothing.
    const auto& states = result_.journals;
    const auto is_dead = [](const JournalState& state) { return !state.live; };
    if (result_.found == 0 && std::any_of(states.begin(), states.end(), is_dead)) {
      read_journal_rows();
      result_.journals = aimlog::look_at_journals(paths_.journals, journals_);
    }
    std::string not_looked_at;
    for (const JournalState& state : result_.journals) {
      const std::string name = state.path.filename().string();
      if (!state.problem.empty() && !state.is_damaged) not_looked_at = state.problem;
      if (state.is_damaged)
        add({"journal", name, state.problem,
             "its events cannot be replayed; move the file away to be rid of it"});
      if (state.bytes_unreadable > 0)
        add({"journal", name, std::to_string(state.bytes_unreadable) + " bytes cannot be read",
             "it is replayed once they can be; where the disk has lost them, 'aimlog repair' "
             "saves the rest"});
      if (state.bytes_damaged > 0 || state.records_damaged > 0)
        add({"journal", name,
             std::to_string(state.records_damaged) + " records (" +
                 std::to_string(state.bytes_damaged) + " bytes) cannot be read back",
             "whoever opens the repo next replays the rest and counts these as lost"});
    }
    // Of a repo that is damaged it is told in any case.
    if (!not_looked_at.empty() && result_.found == 0) throw not_looked(not_looked_at);
  }

  Failure not_looked(const std::string& why) const {
    return Failure(exit_usage,
                   "'" + paths_.directory.string() + "' could not be looked at: " + why);
  }

  const RepoPaths paths_;
  const bool deep_;
  const std::function<void(const std::string&)>& progress_;
  bool has_data_ = false;
  CheckResult result_;
  std::map<RingId, JournalRow> journals_;
};

}  // namespace

CheckResult check_repo(const std::filesystem::path& directory, bool deep,
                       const std::function<void(const std::string&)>& progress) {
  return RepoCheck(directory, deep, progress).run();
}

}  // namespace aimlog::cli
