#include "cli/command.h"
#include "cli/export/export_aim.h"
#include "cli/failure.h"
#include "cli/output/json.h"
#include "cli/output/terminal.h"

namespace aimlog::cli {
namespace {

int run(const Args& args) {
  if (read_output_options(args).format == Format::json) {
    JsonWriter json;
    json.begin_object().key("version").text(AIMLOG_VERSION);
    json.key("aim").boolean(can_export_aim()).end_object();
    print(json.take() + "\n");
  } else {
    print("aimlog " AIMLOG_VERSION "\n");
  }
  return exit_ok;
}

}  // namespace

Command version_command() {
  return {{"version",
           "About aimlog",
           "Print the version",
           "aimlog version --json",
           {{"--json", "", "as JSON"}}},
          run};
}

}  // namespace aimlog::cli
