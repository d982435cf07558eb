// Files that are either there whole or not at all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace example {

// A synced file survives a power cut; one that only the death of the process must not harm need
// not wait for the disk.
enum class Synced { no, yes };

// Replaces the file in one step. Throws std::system_error.
void write_file(const std::string& path, std::string_view bytes, Synced synced);

// Nothing if the file is not there or cannot be read.
std::optional<std::string> read_file(const std::string& path);

// To tell a damaged file from a whole one (FNV-1a).
std::uint64_t checksum(std::string_view bytes);

}  // namespace example
