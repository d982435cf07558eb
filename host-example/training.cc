// SPDX-License-Identifier: Apache-2.0
#include "host-example/training.h"

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "host-example/files.h"
#include "host-example/random.h"

namespace example {
namespace {

// A checkpoint file: this header, the parameters, the velocities, and a checksum of all that.
struct CheckpointHeader {
  char magic[8];
  std::int32_t width;
  std::int32_t iteration;
};
constexpr char checkpoint_magic[8] = {'M', 'L', 'P', 'C', 'K', 'P', 'T', '1'};

template <class Item>
void append(std::string& bytes, const Item* items, std::size_t count) {
  bytes.append(reinterpret_cast<const char*>(items), count * sizeof(Item));
}

}  // namespace

int Faults::failing_epoch(const Trial& trial) const {
  Random random({seed_, trial.index, static_cast<std::uint64_t>(trial.failures),
                 static_cast<std::uint64_t>(trial.attempt), 0xFA17});
  if (random.uniform() >= rate_) return -1;
  return static_cast<int>(random.below(6));
}

Training::Training(const Digits& digits, const Trial& trial, const std::string& checkpoint_path,
                   std::uint64_t seed, const Faults& faults)
    : digits_(digits),
      rule_(trial.params.rule),
      seed_(mix({seed, trial.index, static_cast<std::uint64_t>(trial.attempt)})),
      failing_epoch_(faults.failing_epoch(trial)),
      network_(trial.params.width, mix({seed, trial.index})) {
  if (failing_epoch_ == 0) throw std::runtime_error("the worker could not start (made to fail)");
  if (!checkpoint_path.empty() && !load(checkpoint_path)) iteration_ = 0;
}

EpochReport Training::run_epoch() {
  const auto begin = std::chrono::steady_clock::now();
  if (++epochs_here_ == failing_epoch_) {
    throw std::runtime_error("the worker died in iteration " + std::to_string(iteration_ + 1) +
                             " (made to fail)");
  }
  EpochReport report;
  report.iteration = ++iteration_;
  report.train =
      network_.train(digits_.train, rule_, mix({seed_, static_cast<std::uint64_t>(iteration_)}));
  report.validation = network_.evaluate(digits_.validation);
  report.weight_norm = network_.weight_norm();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

void Training::save(const std::string& path) const {
  CheckpointHeader header{};
  std::memcpy(header.magic, checkpoint_magic, sizeof(header.magic));
  header.width = network_.width();
  header.iteration = iteration_;
  std::string bytes;
  append(bytes, &header, 1);
  append(bytes, network_.parameters().data(), network_.parameters().size());
  append(bytes, network_.velocities().data(), network_.velocities().size());
  const std::uint64_t sum = checksum(bytes);
  append(bytes, &sum, 1);
  write_file(path, bytes, Synced::no);  // a damaged one is noticed, and done again
}

bool Training::load(const std::string& path) {
  const auto file = read_file(path);
  if (!file) return false;
  const std::size_t count = Mlp::parameter_count(network_.width());
  const std::size_t body = sizeof(CheckpointHeader) + 2 * count * sizeof(float);
  if (file->size() != body + sizeof(std::uint64_t)) return false;
  CheckpointHeader header{};
  std::memcpy(&header, file->data(), sizeof(header));
  std::uint64_t sum = 0;
  std::memcpy(&sum, file->data() + body, sizeof(sum));
  const bool good = std::memcmp(header.magic, checkpoint_magic, sizeof(header.magic)) == 0 &&
                    header.width == network_.width() && header.iteration >= 0 &&
                    sum == checksum(std::string_view(*file).substr(0, body));
  if (!good) return false;
  std::vector<float> parameters(count);
  std::vector<float> velocities(count);
  std::memcpy(parameters.data(), file->data() + sizeof(header), count * sizeof(float));
  std::memcpy(velocities.data(), file->data() + sizeof(header) + count * sizeof(float),
              count * sizeof(float));
  network_ = Mlp(header.width, std::move(parameters), std::move(velocities));
  iteration_ = header.iteration;
  return true;
}

}  // namespace example
