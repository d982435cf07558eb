// SPDX-License-Identifier: Apache-2.0
#include "host-example/job_state.h"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "host-example/files.h"
#include "host-example/random.h"

namespace example {
namespace {

constexpr std::string_view first_line = "tuner-job 1";

std::string job_path(const std::string& job_dir) { return job_dir + "/job.state"; }

// A version 4 UUID of these bits.
std::string uuid(std::uint64_t high, std::uint64_t low) {
  char text[37];
  std::snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16) & 0xFFFFu,
                static_cast<unsigned>(high) & 0xFFFu,
                (static_cast<unsigned>(low >> 48) & 0x3FFFu) | 0x8000u,
                static_cast<unsigned long long>(low & 0xFFFFFFFFFFFFull));
  return text;
}

std::string exact(double number) {
  char text[40];
  std::snprintf(text, sizeof(text), "%a", number);
  return text;
}

// Reads words one after another; the first that is missing or wrong ends it.
class Words {
 public:
  explicit Words(const std::string& text) : in_(text) {}

  std::string word() {
    std::string word;
    if (!(in_ >> word)) throw std::runtime_error("it ends too early");
    return word;
  }
  // A word "-" stands for the empty text.
  std::string text() {
    const std::string text = word();
    return text == "-" ? "" : text;
  }
  std::string rest_of_line() {
    std::string line;
    std::getline(in_ >> std::ws, line);
    return line;
  }
  void expect(std::string_view expected) {
    const std::string found = word();
    if (found != expected) {
      throw std::runtime_error("found '" + found + "' instead of '" + std::string(expected) + "'");
    }
  }
  double real() {
    const std::string text = word();
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (*end != '\0') throw std::runtime_error("'" + text + "' is not a number");
    return number;
  }
  template <class Number>
  void read(Number& number) {
    if (!(in_ >> number)) throw std::runtime_error("a number is missing");
  }

 private:
  std::istringstream in_;
};

void write_trial(std::ostream& out, const Trial& trial) {
  const LearningRule& rule = trial.params.rule;
  out << "trial " << trial.id << ' ' << name_of(trial.status) << ' ' << trial.attempt << ' '
      << trial.failures << ' ' << trial.iteration << ' '
      << (trial.checkpoint.empty() ? "-" : trial.checkpoint) << ' ' << trial.checkpoint_iteration
      << ' ' << exact(trial.score) << ' ' << exact(trial.best_score) << ' ' << exact(trial.loss)
      << ' ' << exact(rule.learning_rate) << ' ' << exact(rule.momentum) << ' '
      << exact(rule.weight_decay) << ' ' << rule.batch_size << ' ' << trial.params.width << ' '
      << trial.exploits << ' ' << trial.judged_at << ' ' << trial.rungs.size();
  for (const double score : trial.rungs) out << ' ' << exact(score);
  out << '\n';
}

Trial read_trial(Words& words, std::size_t index) {
  Trial trial;
  trial.index = index;
  words.expect("trial");
  trial.id = words.word();
  if (!parse_status(words.word(), trial.status)) throw std::runtime_error("unknown trial status");
  if (trial.status == TrialStatus::running) trial.status = TrialStatus::ready;
  words.read(trial.attempt);
  words.read(trial.failures);
  words.read(trial.iteration);
  trial.checkpoint = words.text();
  words.read(trial.checkpoint_iteration);
  trial.score = words.real();
  trial.best_score = words.real();
  trial.loss = words.real();
  trial.params.rule.learning_rate = words.real();
  trial.params.rule.momentum = words.real();
  trial.params.rule.weight_decay = words.real();
  words.read(trial.params.rule.batch_size);
  words.read(trial.params.width);
  words.read(trial.exploits);
  words.read(trial.judged_at);
  std::size_t rungs = 0;
  words.read(rungs);
  for (std::size_t i = 0; i < rungs; ++i) trial.rungs.push_back(words.real());
  return trial;
}

JobState parse_job(const std::string& text) {
  Words words(text);
  if (words.rest_of_line() != first_line) throw std::runtime_error("it is no state of this tuner");
  JobState job;
  words.expect("job_id");
  job.job_id = words.text();
  words.expect("experiment");
  job.experiment = words.rest_of_line();
  if (job.experiment == "-") job.experiment.clear();
  words.expect("scheduler");
  job.scheduler = words.word();
  words.expect("numbers");
  words.read(job.seed);
  words.read(job.epochs);
  job.fail_rate = words.real();
  words.read(job.clock_ticks);
  words.read(job.turns);
  words.read(job.results);
  std::size_t plugins = 0;
  words.expect("plugins");
  words.read(plugins);
  for (std::size_t i = 0; i < plugins; ++i) job.plugins.push_back(words.rest_of_line());
  std::size_t trials = 0;
  words.expect("trials");
  words.read(trials);
  for (std::size_t i = 0; i < trials; ++i) job.trials.push_back(read_trial(words, i));
  words.expect("end");
  return job;
}

}  // namespace

JobState new_job(const Options& options) {
  JobState job;
  if (options.fixed_clock) {
    job.job_id = uuid(mix({options.seed, 1}), mix({options.seed, 2}));
  } else {
    std::random_device device;
    job.job_id = uuid(mix({device(), device()}), mix({device(), device()}));
  }
  job.experiment = options.experiment;
  job.scheduler = options.scheduler;
  job.seed = options.seed;
  job.epochs = options.epochs;
  job.fail_rate = options.fail_rate;
  job.trials = make_trials(options.seed, options.samples);
  return job;
}

void save_job(const std::string& job_dir, const JobState& job) {
  std::ostringstream out;
  out << first_line << "\njob_id " << (job.job_id.empty() ? "-" : job.job_id) << "\nexperiment "
      << (job.experiment.empty() ? "-" : job.experiment) << "\nscheduler " << job.scheduler
      << "\nnumbers " << job.seed << ' ' << job.epochs << ' ' << exact(job.fail_rate) << ' '
      << job.clock_ticks << ' ' << job.turns << ' ' << job.results << "\nplugins "
      << job.plugins.size() << '\n';
  for (const std::string& name : job.plugins) out << name << '\n';
  out << "trials " << job.trials.size() << '\n';
  for (const Trial& trial : job.trials) write_trial(out, trial);
  out << "end\n";
  const std::string text = out.str();
  write_file(job_path(job_dir), text + "checksum " + std::to_string(checksum(text)) + "\n",
             Synced::yes);
}

JobState load_job(const std::string& job_dir) {
  const std::string path = job_path(job_dir);
  const auto text = read_file(path);
  if (!text) throw std::runtime_error("there is no " + path);
  const std::size_t body = text->rfind("checksum ");
  const bool whole =
      body != std::string::npos &&
      text->substr(body) == "checksum " + std::to_string(checksum(text->substr(0, body))) + "\n";
  if (!whole) throw std::runtime_error(path + " is damaged");
  try {
    return parse_job(*text);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

std::string plugin_state_path(const std::string& job_dir, std::size_t plugin) {
  return job_dir + "/plugin-" + std::to_string(plugin) + ".state";
}

}  // namespace example
