// The aimlog command.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <new>
#include <string_view>

#include "cli/args/parse.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"
#include "plugin/base/error.h"

namespace {

using namespace aimlog::cli;

// The exit code of what could not be done. That of `check` is another one, as 1 says that the repo
// is damaged. Found without asking for memory, of which there may be none.
int exit_in_trouble(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--repo")
      ++i;
    else if (!word.starts_with('-'))
      return word == "check" ? exit_usage : exit_error;
  }
  return exit_error;
}

int run(int argc, const char* const* argv) {
  std::vector<CommandSpec> specs;
  for (const Command& each : commands()) specs.push_back(each.spec);
  const Parsed parsed = parse_command_line(specs, argc, argv);
  if (parsed.command.empty()) {
    print(parsed.output);
    return exit_ok;
  }
  for (const Command& each : commands())
    if (each.spec.name == parsed.command) return each.run(parsed.args);
  return exit_usage;
}

// Where stdin, stdout or stderr is closed, the next file that is opened gets its number, and what
// is printed would go into the repo. Writing fails here, too, but does no harm.
void occupy_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) != fd) ::_exit(exit_error);
}

int run_and_complain(int argc, const char* const* argv) {
  try {
    return run(argc, argv);
  } catch (const Failure& failure) {
    complain(failure.what(), failure.details());
    if (failure.exit_code() != exit_error) return failure.exit_code();
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    complain(error.what());
  }
  return exit_in_trouble(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  // A pager that was left makes write() fail, which print() takes for the end.
  signal(SIGPIPE, SIG_IGN);
  try {
    return run_and_complain(argc, argv);
  } catch (const std::bad_alloc&) {
    // Said without asking for memory, of which there may still be none.
    constexpr std::string_view text = "aimlog: there is not enough memory\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());  // the exit code says it, too
  }
  return exit_in_trouble(argc, argv);
}
