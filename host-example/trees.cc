// SPDX-License-Identifier: Apache-2.0
#include "host-example/trees.h"

#include <cmath>

namespace example {
namespace {

void begin_result(tuner::ResultBuilder& tree, const char* subset, const ResultFacts& facts) {
  tree.clear();
  tree.begin_map("context");
  tree.add("subset", subset);
  tree.end();
  tree.add("training_iteration", facts.epoch.iteration);
  tree.add("epoch", facts.epoch.iteration);
  tree.add("timestamp", facts.time_ns / 1'000'000'000);
}

void add_params(tuner::ResultBuilder& tree, const Params& params) {
  tree.add("learning_rate", params.rule.learning_rate);
  tree.add("momentum", params.rule.momentum);
  tree.add("weight_decay", params.rule.weight_decay);
  tree.add("batch_size", params.rule.batch_size);
  tree.add("width", params.width);
}

}  // namespace

void build_params(tuner::ResultBuilder& tree, const Params& params) {
  tree.clear();
  add_params(tree, params);
}

void build_config(tuner::ResultBuilder& tree, const Params& params, const JobState& job,
                  const Digits& digits) {
  tree.clear();
  add_params(tree, params);
  tree.add("epochs", job.epochs);
  tree.add("seed", job.seed);
  tree.add("optimizer", "sgd");
  tree.begin_map("data");
  tree.add("name", "digits");
  tree.add("train", digits.train.size());
  tree.add("validation", digits.validation.size());
  tree.begin_list("classes");
  for (int label = 0; label < class_count; ++label) tree.push(label);
  tree.end();
  tree.end();
}

void build_train_result(tuner::ResultBuilder& tree, const ResultFacts& facts) {
  const EpochReport& epoch = facts.epoch;
  begin_result(tree, "train", facts);
  tree.add("loss", epoch.train.loss);
  tree.add("accuracy", epoch.train.accuracy);
  tree.add("gradient_norm", epoch.train.gradient_norm);
  tree.add("weight_norm", epoch.weight_norm);
  tree.add("learning_rate", facts.trial.params.rule.learning_rate);
  tree.add("momentum", facts.trial.params.rule.momentum);
  tree.add("samples_seen", facts.samples_seen);
  tree.add("batches_seen", facts.batches_seen);
  tree.add("seconds", facts.seconds);
  tree.add("time_total_s", facts.total_seconds);
  tree.add("done", facts.done);
  if (!std::isfinite(epoch.train.loss)) {
    tree.add("note", "the loss is no longer a number");
  } else if (epoch.iteration % 5 == 1) {
    tree.add("note", "accuracy in training: " +
                         std::to_string(std::lround(100 * epoch.train.accuracy)) + " %");
  }
}

void build_validation_result(tuner::ResultBuilder& tree, const ResultFacts& facts) {
  const Evaluation& validation = facts.epoch.validation;
  begin_result(tree, "val", facts);
  tree.add("loss", validation.loss);
  tree.add("accuracy", validation.accuracy);
  tree.add("error_rate", 1.0 - validation.accuracy);
  tree.add("best_accuracy", facts.trial.best_score);
  tree.add("overfit", validation.loss - facts.epoch.train.loss);
  tree.begin_map("recall");
  for (int label = 0; label < class_count; ++label) {
    const char digit[2] = {static_cast<char>('0' + label), '\0'};
    tree.add(digit, validation.recall[static_cast<std::size_t>(label)]);
  }
  tree.end();
  tree.add("learning_rate", facts.trial.params.rule.learning_rate);
  tree.add("samples_seen", facts.samples_seen);
  tree.add("time_total_s", facts.total_seconds);
  tree.add("done", facts.done);
}

}  // namespace example
