// SPDX-License-Identifier: Apache-2.0
#include "host-example/mlp.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "host-example/random.h"

namespace example {
namespace {

// Of a hidden unit below zero, so that none dies.
constexpr float leak = 0.05f;

}  // namespace

struct Mlp::Activations {
  explicit Activations(int width) : hidden(width), hidden_error(width) {}

  int guess() const {
    return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }

  std::vector<float> hidden;
  std::vector<float> hidden_error;
  std::array<float, class_count> scores{};
  std::array<float, class_count> chances{};
  double loss = 0;
};

std::size_t Mlp::parameter_count(int width) {
  return static_cast<std::size_t>(width) * (pixel_count + 1) +
         static_cast<std::size_t>(class_count) * (width + 1);
}

Mlp::Mlp(int width, std::uint64_t seed)
    : width_(width),
      parameters_(parameter_count(width)),
      velocities_(parameter_count(width)),
      gradient_(parameter_count(width)) {
  Random random({seed, 0x3E16});
  const double input_scale = std::sqrt(2.0 / pixel_count);
  const double output_scale = std::sqrt(2.0 / width);
  float* parameter = parameters_.data();
  for (int unit = 0; unit < width_; ++unit, ++parameter) {
    for (int i = 0; i < pixel_count; ++i) {
      *parameter++ = static_cast<float>(input_scale * random.normal());
    }
  }
  for (int label = 0; label < class_count; ++label, ++parameter) {
    for (int i = 0; i < width_; ++i) {
      *parameter++ = static_cast<float>(output_scale * random.normal());
    }
  }
}

Mlp::Mlp(int width, std::vector<float> parameters, std::vector<float> velocities)
    : width_(width),
      parameters_(std::move(parameters)),
      velocities_(std::move(velocities)),
      gradient_(parameter_count(width)) {
  if (parameters_.size() != gradient_.size() || velocities_.size() != gradient_.size()) {
    throw std::invalid_argument("the weights do not fit a network of this width");
  }
}

const float* Mlp::output_row(int label) const {
  return &parameters_[static_cast<std::size_t>(width_) * (pixel_count + 1) +
                      static_cast<std::size_t>(label) * (width_ + 1)];
}

void Mlp::forward(const Digit& digit, Activations& at) const {
  for (int unit = 0; unit < width_; ++unit) {
    const float* row = input_row(unit);
    // Four sums at once: the compiler may not reorder one.
    std::array<float, 4> sums{};
    for (int i = 0; i < pixel_count; i += 4) {
      for (int lane = 0; lane < 4; ++lane) sums[lane] += row[i + lane] * digit.pixels[i + lane];
    }
    const float sum = row[pixel_count] + ((sums[0] + sums[1]) + (sums[2] + sums[3]));
    at.hidden[unit] = sum < 0 ? leak * sum : sum;
  }
  for (int label = 0; label < class_count; ++label) {
    const float* row = output_row(label);
    at.scores[label] = std::inner_product(row, row + width_, at.hidden.begin(), row[width_]);
  }
  const float highest = *std::max_element(at.scores.begin(), at.scores.end());
  float total = 0;
  for (int label = 0; label < class_count; ++label) {
    at.chances[label] = std::exp(at.scores[label] - highest);
    total += at.chances[label];
  }
  for (float& chance : at.chances) chance /= total;
  at.loss = std::log(static_cast<double>(total)) + highest - at.scores[digit.label];
}

void Mlp::backward(const Digit& digit, Activations& at) {
  std::fill(at.hidden_error.begin(), at.hidden_error.end(), 0.0f);
  for (int label = 0; label < class_count; ++label) {
    const float error = at.chances[label] - (label == digit.label ? 1.0f : 0.0f);
    const float* row = output_row(label);
    float* gradient = gradient_.data() + (row - parameters_.data());
    for (int unit = 0; unit < width_; ++unit) {
      gradient[unit] += error * at.hidden[unit];
      at.hidden_error[unit] += error * row[unit];
    }
    gradient[width_] += error;
  }
  for (int unit = 0; unit < width_; ++unit) {
    const float error = at.hidden_error[unit] * (at.hidden[unit] < 0 ? leak : 1.0f);
    float* gradient = &gradient_[unit * (pixel_count + 1)];
    for (int i = 0; i < pixel_count; ++i) gradient[i] += error * digit.pixels[i];
    gradient[pixel_count] += error;
  }
}

double Mlp::apply_gradient(const LearningRule& rule, int batch_size) {
  const auto rate = static_cast<float>(rule.learning_rate);
  const auto momentum = static_cast<float>(rule.momentum);
  const auto decay = static_cast<float>(rule.weight_decay);
  const float share = 1.0f / static_cast<float>(batch_size);
  double square = 0;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const float gradient = gradient_[i] * share;
    square += static_cast<double>(gradient) * gradient;
    velocities_[i] = momentum * velocities_[i] - rate * (gradient + decay * parameters_[i]);
    parameters_[i] += velocities_[i];
    gradient_[i] = 0;
  }
  return std::sqrt(square);
}

TrainingPass Mlp::train(const std::vector<Digit>& digits, const LearningRule& rule,
                        std::uint64_t shuffle_seed) {
  std::vector<std::size_t> order(digits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random({shuffle_seed, 0x0BDE});
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);

  TrainingPass pass;
  Activations at(width_);
  int in_batch = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Digit& digit = digits[order[i]];
    forward(digit, at);
    backward(digit, at);
    pass.loss += at.loss;
    pass.accuracy += at.guess() == digit.label;
    if (++in_batch == rule.batch_size || i + 1 == order.size()) {
      pass.gradient_norm += apply_gradient(rule, in_batch);
      ++pass.batches;
      in_batch = 0;
    }
  }
  pass.samples = static_cast<std::int64_t>(order.size());
  pass.loss /= static_cast<double>(pass.samples);
  pass.accuracy /= static_cast<double>(pass.samples);
  pass.gradient_norm /= static_cast<double>(pass.batches);
  return pass;
}

Evaluation Mlp::evaluate(const std::vector<Digit>& digits) const {
  Evaluation result;
  Activations at(width_);
  std::array<int, class_count> seen{};
  std::array<int, class_count> right{};
  for (const Digit& digit : digits) {
    forward(digit, at);
    result.loss += at.loss;
    ++seen[digit.label];
    if (at.guess() == digit.label) ++right[digit.label];
  }
  const auto count = static_cast<double>(digits.size());
  result.loss /= count;
  result.accuracy = std::accumulate(right.begin(), right.end(), 0) / count;
  for (int label = 0; label < class_count; ++label) {
    result.recall[label] = seen[label] == 0 ? 0.0 : static_cast<double>(right[label]) / seen[label];
  }
  return result;
}

double Mlp::weight_norm() const {
  double square = 0;
  for (const float parameter : parameters_) square += static_cast<double>(parameter) * parameter;
  return std::sqrt(square);
}

}  // namespace example
