// Makes the repo that the tests of the command look at: the same ids and times each time.
//
// usage: make_repo DIRECTORY [many]
#include <cmath>
#include <cstring>
#include <iostream>

#include "plugin/model/result_codec.h"
#include "plugin/store/job_table.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t start_ns = 1'795'503'600 * second_ns;  // 2026-11-24T07:00:00Z

Number real(double value) { return Number::of(value); }
Number whole(int64_t value) { return Number::of(value); }
Value text(const char* value) { return Value{std::string(value)}; }

Bytes encoded(const Value& value) {
  Bytes bytes;
  append_value(bytes, value);
  return bytes;
}

// One result, column by column: a number, or some other value.
struct MadeResult {
  int64_t step = 0;
  std::vector<Value> values;
  Number epoch = {};
};

class Maker {
 public:
  explicit Maker(WriteTransaction& txn) : txn_(txn) {}

  JobNumber job(const char* experiment, const char* metric, const char* mode) {
    JobRow row;
    row.experiment = intern_experiment(txn_, experiment, start_ns);
    row.token = {static_cast<unsigned char>(++tokens_)};
    row.host_job_id = "job-" + std::to_string(tokens_);
    row.created_ns = start_ns;
    row.machine = "host.example";
    row.experiment_dir = "/results/digits";
    row.host_name = "example-tuner";
    row.host_version = "1.0";
    row.metric = metric;
    row.mode = mode;
    row.num_samples = 3;
    row.total_num_samples = 3;
    row.stop = encoded(Value{ValueMap{{"epochs", Value{whole(10)}}}});
    row.tags = {"baseline", "digits"};
    row.description = "A first search.";
    return add_job(txn_, row);
  }

  RunNumber run(JobNumber job, const std::string& trial, TrialStatus status, uint32_t attempts,
                const ValueMap& params) {
    RunRow row;
    row.job = job;
    row.id = make_run_id(get_job(txn_, job).token, trial);
    row.trial_id = trial;
    row.trial_name = "train_" + trial;
    row.trainable_name = "train";
    row.local_dir = "/results/digits/" + trial;
    row.status = status;
    row.created_ns = start_ns + 60 * second_ns * ++runs_;
    row.ended_ns = is_open(status) ? 0 : row.created_ns + 95 * second_ns;
    row.attempts = attempts;
    if (status == TrialStatus::failed) {
      row.failures = 1;
      row.error_text = "out of memory\nat layer 3";
    }
    const RunNumber number = add_run(txn_, trial_key(trial), row);
    for (uint32_t i = 1; i <= attempts; ++i) attempt(number, i, attempts, row);
    ParamsRow params_row;
    params_row.time_ns = row.created_ns;
    params_row.attempt = 1;
    params_row.params = encoded(Value{params});
    params_row.config = encoded(Value{ValueMap{{"seed", Value{whole(7)}}, {"p", Value{params}}}});
    add_params(txn_, number, params_row);
    return number;
  }

  // Columns of the results that follow.
  void shape(const std::vector<std::string>& names, const ValueMap& context) {
    ShapeRow row;
    row.context = context.empty() ? 0 : intern_context(txn_, encoded(Value{context}));
    for (const std::string& name : names) row.names.push_back(intern_name(txn_, name));
    context_ = row.context;
    names_ = row.names;
    const Bytes context_bytes = context.empty() ? Bytes{} : encoded(Value{context});
    row.hash = shape_hash_of(context_bytes, names);
    shape_ = put_shape(txn_, row);
  }

  void tail(RunNumber run, uint32_t attempt, const std::vector<MadeResult>& results) {
    Bytes rows;
    for (const MadeResult& each : results) {
      ResultView view;
      view.step = each.step;
      view.time_ns = start_ns + each.step * second_ns + 250'000'000;
      view.epoch = each.epoch;
      std::vector<Bytes> objects(each.values.size());
      for (size_t i = 0; i < each.values.size(); ++i) {
        const Number* number = each.values[i].number();
        view.numbers.push_back(number != nullptr ? *number : Number{});
        if (number == nullptr) objects[i] = encoded(each.values[i]);
      }
      for (const Bytes& object : objects) view.objects.push_back(object);
      const Bytes result = encode_result(view);
      append_tail_row(rows, {run, attempt, ++sequence_, shape_, result});
    }
    ZstdCompressor zstd;
    put_tail(txn_, 1, ++tails_, rows, zstd);
  }

  void chunk(RunNumber run, uint32_t attempt, const std::vector<MadeResult>& results) {
    RowGroup group;
    group.first_sequence = sequence_ + 1;
    SummaryMap summaries = get_summaries(txn_, run, attempt);
    for (const NameId name : names_) group.columns.push_back({{name, context_}, {}});
    for (const MadeResult& each : results) {
      ++sequence_;
      group.steps.push_back(each.step);
      group.times_ns.push_back(start_ns + each.step * second_ns + 250'000'000);
      group.epochs.push_back(each.epoch);
      for (size_t i = 0; i < names_.size(); ++i) {
        const Number* number = each.values[i].number();
        group.columns[i].values.push_back(number != nullptr ? *number : Number{});
        if (number != nullptr) summaries[group.columns[i].key].add(each.step, *number);
      }
    }
    group.last_sequence = sequence_;
    put_chunk(txn_, {run, attempt, 1, group.first_sequence}, encode_row_group(group));
    put_summaries(txn_, run, attempt, summaries);
    AttemptRow row = *get_attempt(txn_, run, attempt);
    row.sealed_results += results.size();
    put_attempt(txn_, run, attempt, row);
  }

 private:
  void attempt(RunNumber run, uint32_t number, uint32_t attempts, const RunRow& of) {
    AttemptRow row;
    row.status = number == attempts ? of.status : TrialStatus::failed;
    row.started_ns = of.created_ns + 10 * second_ns * (number - 1);
    row.ended_ns = number == attempts ? of.ended_ns : row.started_ns + 9 * second_ns;
    row.journal = 1;
    row.host_attempt = number;
    row.restored = number > 1;
    row.pid = 4242;
    row.node_ip = "127.0.0.1";
    if (number > 1) row.checkpoint_path = "/results/digits/checkpoint_1";
    if (row.status == TrialStatus::failed) row.error_text = "out of memory\nat layer 3";
    put_attempt(txn_, run, number, row);
  }

  static Hash128 shape_hash_of(ByteView context, const std::vector<std::string>& names) {
    Bytes all(context);
    for (const std::string& name : names) append_string(all, name);
    return hash128(all);
  }

  WriteTransaction& txn_;
  int64_t runs_ = 0;
  unsigned tokens_ = 0;
  uint64_t sequence_ = 0;
  uint64_t tails_ = 0;
  ContextId context_ = 0;
  ShapeNumber shape_ = 0;
  std::vector<NameId> names_;
};

void make_digits(WriteTransaction& txn, Maker& maker) {
  const JobNumber job = maker.job("digits", "loss", "min");
  const auto params = [](double lr, int64_t width) {
    return ValueMap{{"lr", Value{real(lr)}},
                    {"width", Value{whole(width)}},
                    {"optimizer", text("adam")},
                    {"layers", Value{ValueList{Value{whole(64)}, Value{whole(width)}}}}};
  };
  const RunNumber first = maker.run(job, "t1", TrialStatus::completed, 1, params(0.1, 32));
  const RunNumber second = maker.run(job, "t2", TrialStatus::failed, 2, params(0.01, 64));
  const RunNumber third = maker.run(job, "t3", TrialStatus::running, 1, params(1e-7, 128));

  maker.shape({"loss", "acc", "note"}, {});
  std::vector<MadeResult> results;
  for (int64_t step = 1; step <= 10; ++step)
    results.push_back({step,
                       {Value{real(1.0 / static_cast<double>(step))},
                        Value{real(1 - 0.5 / static_cast<double>(step))}, Value{}},
                       whole(step / 2)});
  maker.chunk(first, 1, results);
  // A second attempt goes back over steps 3 and 4, and one value diverges.
  maker.chunk(second, 1,
              {{1, {Value{real(2)}, Value{real(0.1)}, Value{}}},
               {2, {Value{real(1.5)}, Value{real(0.2)}, Value{}}},
               {3, {Value{real(0.001)}, Value{real(0.3)}, Value{}}},
               {4, {Value{real(std::nan(""))}, Value{real(0.3)}, Value{}}}});
  maker.tail(second, 2,
             {{3, {Value{real(1.25)}, Value{real(0.35)}, text("went back")}},
              {4, {Value{real(INFINITY)}, Value{real(0.4)}, text("went back")}}});
  maker.tail(third, 1,
             {{1, {Value{whole(3)}, Value{real(-0.0)}, text("\x1b[31mred\xe2\x80\xae")}},
              {2, {Value{whole(INT64_C(9007199254740993))}, Value{Number::of(true)}, Value{}}}});
  maker.shape({"eval/loss"}, {{"subset", text("val")}});
  maker.tail(first, 1, {{10, {Value{real(0.25)}}}});
  maker.tail(third, 1, {{1, {Value{Number::of(UINT64_MAX)}}}});
  maker.shape({"eval/loss"}, {{"subset", text("train")}});
  maker.tail(first, 1, {{10, {Value{real(0.125)}}}});
  add_checkpoint(txn, second, {start_ns + 70 * second_ns, 1, true, true, 2, "/results/ckpt_2"});
  add_params(txn, second,
             {start_ns + 150 * second_ns, 2, encoded(Value{params(0.005, 64)}),
              encoded(Value{ValueMap{{"seed", Value{whole(7)}}, {"p", Value{params(0.01, 64)}}}})});
}

// Names that try to do something to a terminal, a table or a document.
void make_hostile(Maker& maker) {
  const JobNumber job = maker.job("\x1b]0;owned\x07 <b>&\"'", "", "");
  const std::string trial = "\xff\xfe|`t4`\xe2\x80\xae,\"x\"";
  const RunNumber run = maker.run(job, trial, TrialStatus::crashed, 1,
                                  {{"\x1b[2J", text("\x9b"
                                                    "31m\nnew line")},
                                   {"\xe5\xad\xa6\xe7\xbf\x92", text("\xc3\xa9t\xc3\xa9")}});
  maker.shape({"\x1b[31mloss", "a,b", "x{y}", "dots.last"}, {});
  maker.tail(run, 1,
             {{1, {Value{real(1)}, Value{real(2)}, Value{real(3)}, Value{real(4)}}},
              {2, {Value{real(1.5)}, Value{real(2)}, Value{real(3)}, Value{real(5)}}}});
}

void make_losses(WriteTransaction& txn) {
  LossRow loss;
  loss.kind = LossKind::dropped;
  loss.job = 1;
  loss.journal = 1;
  loss.first_ns = start_ns;
  loss.last_ns = start_ns + second_ns;
  loss.results = 12;
  loss.others = 1;
  add_loss(txn, loss);
}

void make_many(Maker& maker) {
  const JobNumber job = maker.job("many", "loss", "min");
  const RunNumber run = maker.run(job, "long", TrialStatus::completed, 1,
                                  {{"comment", Value{std::string(20000, 'x')}}});
  std::vector<MadeResult> results;
  for (int64_t step = 1; step <= 5000; ++step) {
    results.push_back({step, {Value{real(step == 777 ? 500.0 : 1.0)}}});
    if (step % 1000 != 0) continue;
    if (step == 1000) maker.shape({"long"}, {});
    maker.chunk(run, 1, results);
    results.clear();
  }
  maker.shape({"loss"}, {});
  for (int i = 0; i < 10000; ++i) {
    const RunNumber each = maker.run(job, "m" + std::to_string(i), TrialStatus::completed, 1,
                                     {{"lr", Value{real(i * 0.001)}}});
    results.clear();
    for (int64_t step = 1; step <= 4; ++step)
      results.push_back({step, {Value{real(i * 0.5 + static_cast<double>(step))}}});
    maker.chunk(each, 1, results);
  }
}

}  // namespace
}  // namespace aimlog

int main(int argc, char** argv) {
  using namespace aimlog;
  if (argc < 2) return 2;
  try {
    const auto environment = Environment::open(argv[1], OpenMode::create);
    with_write_transaction(*environment, [&](WriteTransaction& txn) {
      Maker maker(txn);
      if (argc > 2 && std::strcmp(argv[2], "many") == 0) return make_many(maker);
      make_digits(txn, maker);
      make_hostile(maker);
      make_losses(txn);
    });
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
