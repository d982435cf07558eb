// What a training script reports, made by formulas and a fixed seed: twenty metrics of the kinds
// that trackers see, no two of them alike in how they can be stored.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "abi/include/tuner_plugin.h"

namespace aimlog::bench {

enum class MetricKind {
  float32,  // computed in single precision, handed over as a double
  float64,  // noise in every bit
  smooth,   // double precision, a formula of the step
  ratio,    // hits of a number of samples
  decimal,  // rounded by somebody to a few digits
  integer,
  constant,
};

struct MixedMetric {
  std::string_view name;
  MetricKind kind;
  std::string_view words;  // what a reader who does not know the name calls it
};

inline constexpr std::array<MixedMetric, 20> mixed_metrics = {{
    {"train/loss", MetricKind::float32, "training loss, float32"},
    {"val/loss", MetricKind::float32, "validation loss, float32"},
    {"train/grad_norm", MetricKind::float32, "gradient norm, float32"},
    {"policy/entropy", MetricKind::float32, "policy entropy, float32"},
    {"policy/kl", MetricKind::float32, "policy divergence, float32"},
    {"train/accuracy", MetricKind::ratio, "accuracy, hits of 2,048"},
    {"val/accuracy", MetricKind::decimal, "accuracy, 4 digits"},
    {"val/f1", MetricKind::decimal, "F1 score, 4 digits"},
    {"val/auc", MetricKind::decimal, "area under the curve, 4 digits"},
    {"reward/mean", MetricKind::decimal, "mean reward, 2 digits"},
    {"reward/length_mean", MetricKind::decimal, "mean length, 2 digits"},
    {"reward/max", MetricKind::integer, "largest reward, whole"},
    {"learning_rate", MetricKind::smooth, "learning rate, a cosine"},
    {"time/total_s", MetricKind::float64, "seconds since the start"},
    {"time/iteration_s", MetricKind::float64, "seconds of a step"},
    {"episodes_total", MetricKind::integer, "episode counter"},
    {"samples_total", MetricKind::integer, "sample counter"},
    {"epochs_done", MetricKind::integer, "epoch counter"},
    {"batch_size", MetricKind::constant, "batch size, constant"},
    {"val/noise", MetricKind::float64, "noise in every bit"},
}};

// One run's reports, one after the other.
class MixedReport {
 public:
  explicit MixedReport(uint64_t seed) : random_(seed * 0x9e3779b97f4a7c15 + 1) {}

  using Values = std::array<tuner_value, mixed_metrics.size()>;

  const Values& next() {
    ++step_;
    const double t = static_cast<double>(step_);
    total_s_ += 0.8 + 0.4 * uniform();
    episodes_ += 1 + static_cast<int64_t>(4 * uniform());
    const double decay = std::exp(-t / 800);
    size_t at = 0;
    for (const double real :
         {single(2.3 * decay + 0.1 * uniform()), single(2.4 * decay + 0.2 * uniform() + 0.05),
          single(1 + 3 * uniform() * uniform()), single(0.9 * decay + 0.02 * uniform()),
          single(0.01 * uniform()), std::floor(2048 * (1 - 0.7 * decay) - 20 * uniform()) / 2048,
          rounded(0.95 - 0.6 * decay + 0.02 * uniform(), 1e4),
          rounded(0.9 - 0.6 * decay + 0.03 * uniform(), 1e4),
          rounded(0.99 - 0.4 * decay + 0.005 * uniform(), 1e4),
          rounded(200 * (1 - decay) + 10 * uniform(), 1e2), rounded(195 - 30 * uniform(), 1e2),
          std::floor(200 * (1 - decay) + 40 * uniform()), 1e-3 * (1 + std::cos(t / 3000)) / 2,
          total_s_, 0.8 + 0.4 * uniform()})
      put_real(at++, real);
    put_integer(at++, episodes_);
    put_integer(at++, step_ * 2048);
    put_integer(at++, step_ / 50);
    put_integer(at++, 256);
    put_real(at++, uniform() * std::exp(2 * uniform()));
    return values_;
  }
  int64_t step() const { return step_; }

 private:
  double uniform() {  // xorshift64*
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<double>((random_ * 0x2545f4914f6cdd1d) >> 11) * 0x1p-53;
  }
  static double single(double value) { return static_cast<double>(static_cast<float>(value)); }
  static double rounded(double value, double scale) { return std::round(value * scale) / scale; }
  void put_real(size_t at, double value) {
    values_[at].tag = TUNER_TAG_DOUBLE;
    values_[at].as.float64 = value;
  }
  void put_integer(size_t at, int64_t value) {
    values_[at].tag = TUNER_TAG_INT64;
    values_[at].as.int64 = value;
  }

  uint64_t random_;
  int64_t step_ = 0;
  int64_t episodes_ = 0;
  double total_s_ = 0;
  Values values_{};
};

}  // namespace aimlog::bench
