#include <algorithm>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/output/terminal.h"

namespace aimlog::cli {
namespace {

std::string words(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : " ") + item;
  return text;
}

std::vector<std::string> option_names(const CommandSpec& spec) {
  std::vector<std::string> names;
  for (const OptionSpec& option : spec.options)
    if (!option.is_word()) names.push_back(option.name);
  names.push_back("--help");
  return names;
}

std::vector<std::string> verbs() {
  std::vector<std::string> names;
  for (const Command& each : commands()) names.push_back(each.spec.name);
  return names;
}

// The words that may follow `verb --option`, as lines of a shell's case statement.
std::string choice_cases(const std::string& indent, const std::string& action) {
  struct Case {
    std::string key, pattern, choices;
  };
  std::vector<Case> cases;
  for (const Command& each : commands()) {
    for (const OptionSpec& option : each.spec.options) {
      if (option.choices.empty() || option.is_word()) continue;
      const std::string choices = words(option.choices), key = option.name + choices;
      const std::string pattern = "\"" + each.spec.name + " " + option.name + "\"";
      const auto same = std::find_if(cases.begin(), cases.end(),
                                     [&](const Case& known) { return known.key == key; });
      if (same == cases.end())
        cases.push_back({key, pattern, choices});
      else
        same->pattern += "|" + pattern;
    }
  }
  std::string out;
  for (const Case& each : cases) {
    std::string line = action;
    line.replace(line.find('@'), 1, each.choices);
    out += indent + each.pattern + ") " + line + " ;;\n";
  }
  return out;
}

std::string bash_script() {
  std::string out =
      "# bash completion for aimlog: source <(aimlog completion bash)\n"
      "_aimlog() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local verb=\"\" words=\"\" i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"${COMP_WORDS[i]}\" in\n"
      "      --repo) ((i++)) ;;\n"
      "      -*) ;;\n"
      "      *) verb=\"${COMP_WORDS[i]}\"; break ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$verb $before\" in\n";
  out += "    *\" --repo\") compopt -o dirnames 2>/dev/null; return ;;\n";
  out += choice_cases("    ", "COMPREPLY=($(compgen -W \"@\" -- \"$current\")); return");
  out += "  esac\n  case \"$verb\" in\n    \"\") words=\"" + words(verbs()) +
         " --repo --help --version\" ;;\n";
  for (const Command& each : commands()) {
    std::vector<std::string> all = option_names(each.spec);
    for (const OptionSpec& option : each.spec.options)
      if (option.is_word()) all.insert(all.end(), option.choices.begin(), option.choices.end());
    out += "    " + each.spec.name + ") words=\"" + words(all) + "\" ;;\n";
  }
  return out +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F _aimlog aimlog\n";
}

// Text inside single quotes within _arguments' own syntax.
std::string zsh_quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string zsh_option(const OptionSpec& option) {
  const std::string help = zsh_quoted(option.help);
  std::string values = option.choices.empty() ? (option.name == "--repo" ? "_files -/" : "")
                                              : "(" + words(option.choices) + ")";
  if (option.is_word())
    return "'" + std::string(option.repeated ? "*" : "") + ":" + option.name + ":" + values + "'";
  std::string spec = (option.repeated ? "*" : "") + option.name + "[" + help + "]";
  if (!option.value.empty()) spec += ":" + option.value + ":" + values;
  return "'" + spec + "'";
}

std::string zsh_script() {
  std::string out =
      "#compdef aimlog\n"
      "# zsh completion for aimlog: aimlog completion zsh > ~/.zfunc/_aimlog\n"
      "_aimlog() {\n"
      "  local -a verbs\n"
      "  verbs=(\n";
  for (const Command& each : commands())
    out += "    '" + each.spec.name + ":" + zsh_quoted(each.spec.summary) + "'\n";
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe 'command' verbs\n"
      "    return\n"
      "  fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const Command& each : commands()) {
    out += "    " + each.spec.name + ")\n      _arguments '--help[print help]'";
    for (const OptionSpec& option : each.spec.options) out += " \\\n        " + zsh_option(option);
    out += "\n      ;;\n";
  }
  return out +
         "  esac\n}\nif [ \"$funcstack[1]\" = \"_aimlog\" ]; then _aimlog; else compdef _aimlog "
         "aimlog; fi\n";
}

int run(const Args& args) {
  print(args.text("SHELL") == "zsh" ? zsh_script() : bash_script());
  return exit_ok;
}

}  // namespace

Command completion_command() {
  return {{"completion",
           "About aimlog",
           "Print a completion script for a shell",
           "source <(aimlog completion bash)",
           {{"SHELL", "SHELL", "bash or zsh", {"bash", "zsh"}, false, true}}},
          run};
}

}  // namespace aimlog::cli
