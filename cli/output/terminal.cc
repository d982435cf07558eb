#include "cli/output/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "cli/failure.h"
#include "cli/output/text.h"

namespace aimlog::cli {
namespace {

Format format_named(const std::string& name) {
  if (name == "csv") return Format::csv;
  if (name == "jsonl") return Format::jsonl;
  if (name == "json") return Format::json;
  if (name == "md") return Format::md;
  return Format::table;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) {  // whoever started us does not want to wait, we do
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

OutputOptions read_output_options(const Args& args) {
  OutputOptions options;
  const auto format = args.text("--format");
  if (format && args.has("--json") && *format != "json" && *format != "jsonl")
    throw usage_error("--json and --format " + *format + " exclude each other");
  if (format) options.format = format_named(*format);
  if (args.has("--json") && !format) options.format = Format::json;
  options.types = args.has("--types");
  options.terminal = isatty(STDOUT_FILENO) == 1;
  if (!options.terminal) return options;
  const char* no_colour = getenv("NO_COLOR");
  const char* kind = getenv("TERM");
  options.colours = (no_colour == nullptr || *no_colour == '\0') &&
                    (kind == nullptr || std::strcmp(kind, "dumb") != 0);
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.width = size.ws_col;
    options.height = size.ws_row;
  }
  return options;
}

bool print(std::string_view text) {
  static bool reader_gone = false;
  if (reader_gone) return false;
  if (write_all(STDOUT_FILENO, text)) return true;
  if (errno != EPIPE)
    throw Failure(exit_error, std::string("cannot write the output: ") + std::strerror(errno));
  reader_gone = true;
  return false;
}

void print_report(std::string_view text) {
  try {
    print(text);
  } catch (const Failure& failure) {
    complain(failure.what());
  }
}

void complain(std::string_view text, std::string_view details) {
  std::string all = "aimlog: " + safe_text(text) + "\n";
  if (!details.empty()) all.append(details).append("\n");
  write_all(STDERR_FILENO, all);
}

}  // namespace aimlog::cli
