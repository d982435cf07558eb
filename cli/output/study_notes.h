// What the Python package notes beside a repo's data: which trials of a study are recorded, so that
// a study that goes on does not record them again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace aimlog::cli {

// Copies the notes of `repo` to `copy`, which has the data already. A trial is noted as soon as the
// hooks that told of it have returned, and the data come later: one of which the copy does not have
// all is left out, so that it is recorded where the study goes on in the copy. Returned is what
// could not be copied, and why.
std::vector<std::string> copy_study_notes(const std::filesystem::path& repo,
                                          const std::filesystem::path& copy);

}  // namespace aimlog::cli
