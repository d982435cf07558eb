// Finding and opening the repo that a verb reads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/args/args.h"
#include "plugin/store/environment.h"

namespace aimlog::cli {

// --repo, else $AIMLOG_REPO, else the nearest directory upward that holds .aimlog. A path that ends
// in .aimlog means the directory above it.
std::filesystem::path find_repo(const Args& args);

// The same where the repo may also be named by a word.
std::filesystem::path find_named_repo(const Args& args, const std::string& word);

// Opens it and first replays the journals of writers that died. Where it may not be written, says
// on stderr how many events wait.
std::shared_ptr<Environment> open_repo(const Args& args);

// The same, but makes the repo that --repo or $AIMLOG_REPO names where there is none.
std::shared_ptr<Environment> open_or_make_repo(const Args& args);

}  // namespace aimlog::cli
