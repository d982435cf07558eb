#include "cli/args/parse.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <list>

#include "cli/args/suggest.h"
#include "cli/failure.h"

namespace aimlog::cli {
namespace {

struct BoundOption {
  std::string name;
  CLI::Option* option = nullptr;
};

struct BoundCommand {
  const CommandSpec* spec = nullptr;
  CLI::App* app = nullptr;
  std::vector<BoundOption> options;
};

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

// CLI11 takes a repeated word in brackets for a list, and takes it apart. Such a word, and one that
// begins with this mark, gets the mark before it is parsed and loses it afterwards.
constexpr char mark = '\x01';

// In the order in which CLI11 wants them: the last one first.
std::vector<std::string> marked(int argc, const char* const* argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    const std::string word = argv[i];
    const bool is_odd = word.starts_with('[') || word.starts_with(mark);
    words.push_back(is_odd ? mark + word : word);
  }
  return words;
}

std::string unmarked(const std::string& word) {
  return word.starts_with(mark) ? word.substr(1) : word;
}

CLI::Option* bind_option(CLI::App& app, const OptionSpec& spec) {
  if (!spec.is_word() && spec.value.empty()) return app.add_flag(spec.name, spec.help);
  const std::string letter = spec.letter == '\0' ? "" : std::string("-") + spec.letter + ",";
  CLI::Option* option = app.add_option(letter + spec.name, spec.help);
  if (spec.repeated && spec.is_word())
    option->expected(1, -1)->allow_extra_args();
  else
    option->expected(1);
  if (spec.repeated && !spec.is_word())
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  else if (!spec.repeated)
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  option->required(spec.required);
  const std::string shown = spec.choices.empty() ? spec.value : joined(spec.choices, "|");
  option->type_name(spec.is_word() ? "" : shown);
  return option;
}

BoundCommand bind_command(CLI::App& app, const CommandSpec& spec) {
  BoundCommand bound{&spec, app.add_subcommand(spec.name, spec.summary), {}};
  bound.app->group(spec.group);
  bound.app->get_formatter()->column_width(34);
  if (!spec.example.empty()) bound.app->footer("Example:\n  " + spec.example + "\n");
  for (const OptionSpec& option : spec.options)
    bound.options.push_back({option.name, bind_option(*bound.app, option)});
  return bound;
}

void check_choice(const OptionSpec& spec, const std::vector<std::string>& given) {
  for (const std::string& value : given) {
    bool known = spec.choices.empty();
    for (const std::string& choice : spec.choices) known = known || choice == value;
    if (!known)
      throw usage_error(spec.name + " cannot be '" + value + "'; it is one of " +
                        joined(spec.choices, ", "));
  }
}

Args collect(const BoundCommand& bound) {
  Args args;
  for (size_t i = 0; i < bound.options.size(); ++i) {
    const BoundOption& each = bound.options[i];
    if (each.option->count() == 0) continue;
    const OptionSpec& spec = bound.spec->options[i];
    const bool flag = !spec.is_word() && spec.value.empty();
    std::vector<std::string> values;
    if (!flag)
      for (const std::string& result : each.option->results()) values.push_back(unmarked(result));
    check_choice(spec, values);
    args.add(each.name, std::move(values));
  }
  return args;
}

std::vector<std::string> known_words(const std::vector<CommandSpec>& commands) {
  std::vector<std::string> names;
  for (const CommandSpec& each : commands) names.push_back(each.name);
  return names;
}

// The first word that is no option must be a verb: CLI11 alone would not say which was meant.
void check_verb(const std::vector<CommandSpec>& commands, int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--repo") {
      ++i;
      continue;
    }
    if (!word.empty() && word[0] == '-') continue;
    for (const CommandSpec& each : commands)
      if (each.name == word) return;
    throw usage_error("there is no command '" + word + "'" +
                      did_you_mean(word, known_words(commands)) + " (aimlog --help lists them)");
  }
}

// What CLI11 says about a mistake, in one line of ours.
std::string explain(const CLI::ParseError& error, const BoundCommand* bound, const CLI::App& app) {
  const std::string help = bound ? " (see aimlog " + bound->spec->name + " --help)"
                                 : std::string(" (see aimlog --help)");
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const auto extras = bound ? bound->app->remaining() : app.remaining();
    if (!extras.empty()) {
      std::vector<std::string> known;
      if (bound)
        for (const auto& each : bound->spec->options) known.push_back(each.name);
      const std::string extra = unmarked(extras.front());
      return "'" + extra + "' is not expected here" + did_you_mean(extra, known) + help;
    }
  }
  std::string text = error.what();
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text + help;
}

const BoundCommand* chosen(const std::list<BoundCommand>& bound) {
  for (const BoundCommand& each : bound)
    if (each.app->parsed()) return &each;
  return nullptr;
}

}  // namespace

Parsed parse_command_line(const std::vector<CommandSpec>& commands, int argc,
                          const char* const* argv) {
  CLI::App app("Lists, compares and plots what the aimlog plugin recorded.", "aimlog");
  app.require_subcommand(0, 1);  // a second verb is a word of the first one
  app.get_formatter()->label("REQUIRED", "(required)");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->column_width(26);
  app.footer("Example: aimlog ls --sort loss.min\n\naimlog COMMAND --help tells more.\n");
  CLI::Option* repo = app.add_option("--repo", "the directory that holds .aimlog");
  repo->type_name("DIR")->expected(1);
  const std::string version_help = "print the version";
  CLI::Option* version = app.add_flag("--version", version_help);

  std::list<BoundCommand> bound;
  for (const CommandSpec& spec : commands) bound.push_back(bind_command(app, spec));
  check_verb(commands, argc, argv);
  try {
    app.parse(marked(argc, argv));
  } catch (const CLI::CallForHelp&) {
    return {"", {}, app.help()};
  } catch (const CLI::ParseError& error) {
    throw usage_error(explain(error, chosen(bound), app));
  }
  const BoundCommand* command = chosen(bound);
  if (command == nullptr) {
    if (version->count() > 0) return {"version", {}, ""};
    throw usage_error("say what to do, as in 'aimlog ls' (aimlog --help lists the commands)");
  }
  Args args = collect(*command);
  if (repo->count() > 0 && !args.has("--repo"))
    args.add("--repo", {unmarked(repo->results().front())});
  return {command->spec->name, std::move(args), ""};
}

}  // namespace aimlog::cli
