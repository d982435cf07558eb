// A small neural network: 64 pixels, one hidden layer, ten classes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "host-example/digits.h"

namespace example {

struct LearningRule {
  double learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 0.0;
  int batch_size = 32;
};

// What one pass over the training digits was like, seen while it went on.
struct TrainingPass {
  double loss = 0;           // mean cross-entropy; NaN where the training diverged
  double accuracy = 0;       // 0 to 1
  double gradient_norm = 0;  // mean over the batches
  std::int64_t samples = 0;
  std::uint64_t batches = 0;
};

struct Evaluation {
  double loss = 0;
  double accuracy = 0;
  std::array<double, class_count> recall{};  // of each digit, the share that was recognised
};

// Leaky ReLU, softmax, cross-entropy, stochastic gradient descent with momentum. Every number
// follows from the seeds given: no clock, no thread and no global state has a part in it. One
// network belongs to one thread at a time.
class Mlp {
 public:
  // Fresh weights (He's initialisation).
  Mlp(int width, std::uint64_t seed);
  // Weights and velocities as `parameters` and `velocities` gave them; throws
  // std::invalid_argument if their lengths do not fit the width.
  Mlp(int width, std::vector<float> parameters, std::vector<float> velocities);

  TrainingPass train(const std::vector<Digit>& digits, const LearningRule& rule,
                     std::uint64_t shuffle_seed);
  Evaluation evaluate(const std::vector<Digit>& digits) const;

  int width() const { return width_; }
  double weight_norm() const;
  const std::vector<float>& parameters() const { return parameters_; }
  const std::vector<float>& velocities() const { return velocities_; }

  static std::size_t parameter_count(int width);

 private:
  struct Activations;

  const float* input_row(int unit) const { return &parameters_[unit * (pixel_count + 1)]; }
  const float* output_row(int label) const;
  void forward(const Digit& digit, Activations& at) const;
  void backward(const Digit& digit, Activations& at);
  double apply_gradient(const LearningRule& rule, int batch_size);

  int width_;
  // For each hidden unit 64 weights and a bias, then for each class `width_` weights and a bias.
  std::vector<float> parameters_;
  std::vector<float> velocities_;
  // All zero between batches.
  std::vector<float> gradient_;
};

}  // namespace example
