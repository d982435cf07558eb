#include "runner.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace conformance {
namespace {

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void redirect(int descriptor, const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(101);
  close(file);
}

// One line a finding; line ends inside it become spaces.
void put(std::ostream& out, char kind, std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  out << kind << text << '\n';
}

// The child's side: everything it has to say goes into files beside the check's directory.
[[noreturn]] void run_in_child(const Check& check, const Subject& subject, const std::string& base,
                               unsigned timeout_s) {
  redirect(STDOUT_FILENO, base + "/output");
  redirect(STDERR_FILENO, base + "/output");
  alarm(timeout_s);
  Report report;
  try {
    check.run(subject, report);
  } catch (const std::exception& e) {
    report.check(false, e.what());
  }
  std::ofstream out(base + "/report");
  for (const std::string& text : report.failures()) put(out, 'F', text);
  for (const std::string& text : report.notes()) put(out, 'N', text);
  out << "E\n";
  out.close();
  std::exit(0);
}

std::string end_of(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "it took too long";
  if (WIFSIGNALED(status)) return std::string("it died: ") + strsignal(WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
}

void read_report(const std::string& text, Outcome& outcome) {
  std::istringstream lines(text);
  bool is_whole = false;
  for (std::string line; std::getline(lines, line);) {
    if (line[0] == 'F') outcome.failures.push_back(line.substr(1));
    if (line[0] == 'N') outcome.notes.push_back(line.substr(1));
    if (line[0] == 'E') is_whole = true;
  }
  if (!is_whole) outcome.failures.push_back("the check did not come to its end");
}

}  // namespace

Outcome run_apart(const Check& check, const std::string& plugin_path,
                  const std::string& config_text, unsigned timeout_s) {
  std::string base = (std::filesystem::temp_directory_path() / "conformance.XXXXXX").string();
  if (mkdtemp(base.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  Subject subject{plugin_path, config_text, base + "/work"};
  std::filesystem::create_directory(subject.dir);
  for (size_t at; (at = subject.config_text.find("{dir}")) != std::string::npos;) {
    subject.config_text.replace(at, 5, subject.dir);
  }
  std::cout.flush();  // or the child would print it again
  const pid_t child = fork();
  if (child == 0) run_in_child(check, subject, base, timeout_s);
  int status = 0;
  waitpid(child, &status, 0);
  Outcome outcome;
  read_report(contents(base + "/report"), outcome);
  const std::string end = end_of(status);
  if (!end.empty()) outcome.failures.push_back(end);
  const std::string output = contents(base + "/output");
  if (!output.empty()) {
    outcome.failures.push_back("it printed to stdout or stderr: " + output.substr(0, 2000));
  }
  std::error_code ignored;
  std::filesystem::remove_all(base, ignored);
  return outcome;
}

}  // namespace conformance
