// Where the output goes and in which form.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cli/args/args.h"

namespace aimlog::cli {

enum class Format { table, csv, jsonl, json, md };

struct OutputOptions {
  Format format = Format::table;
  bool types = false;
  bool terminal = false;  // stdout is one
  bool colours = false;
  size_t width = 0;   // columns of the terminal; 0 = no limit
  size_t height = 0;  // lines of the terminal; 0 = not one
};

OutputOptions read_output_options(const Args& args);

// Writes to stdout. A reader that went away (a pager that was left) ends the program quietly: false
// is returned from then on. Throws Failure on other errors.
bool print(std::string_view text);
// Of what has been done and stays so, also where the report of it cannot be written: then that is
// said on stderr.
void print_report(std::string_view text);

// One line to stderr, "aimlog: ...", with hazards escaped.
void complain(std::string_view text, std::string_view details = {});

}  // namespace aimlog::cli
