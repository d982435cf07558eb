#include "cli/aim/meta_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "cli/aim/database.h"
#include "cli/aim/md5.h"
#include "cli/aim/run.h"
#include "plugin/base/error.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

// As Python writes a file's st_mtime.
std::string python_time(const timespec& time) {
  const double seconds =
      static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, seconds, std::chars_format::fixed).ptr;
  std::string result(text, end);
  return result.find('.') == std::string::npos ? result + ".0" : result;
}

// Adds one run's database: its own keys go to `index` at once, what all runs share is gathered.
void add_chunk(DatabaseBuilder& index, Tree& shared, const std::string& hash,
               const fs::path& path) {
  const Tree chunk = DatabaseReader(path).read_all();
  const Bytes own = run_path(hash);
  for (const auto& [key, value] : chunk) {
    if (key.starts_with(own))
      index.put(key, value);
    else
      shared[key] = value;
  }
}

// What the index that is in place holds of runs whose own databases cannot be read: better than
// nothing. What all runs share goes behind what was gathered.
void keep_unreadable(DatabaseBuilder& index, Tree& shared, const AimPaths& paths,
                     const std::vector<std::string>& hashes) {
  if (hashes.empty()) return;
  try {
    const Tree old = DatabaseReader(paths.index).read_all();
    for (const std::string& hash : hashes) {
      const Bytes own = run_path(hash);
      for (auto at = old.lower_bound(own); at != old.end() && at->first.starts_with(own); ++at)
        index.put(at->first, at->second);
    }
    const Bytes chunks = encode_path({"meta", "chunks"});
    const Bytes digests = encode_path({"index_cache"});
    for (const auto& [key, value] : old)
      if (!key.starts_with(chunks) && !key.starts_with(digests)) shared.emplace(key, value);
  } catch (const Error&) {
    return;  // there is no index yet, or it is damaged as well
  }
}

}  // namespace

std::string chunk_digest(const AimPaths& paths, const std::string& hash,
                         const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory(error) && !name.starts_with("LOG")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::string all;
  for (const std::string& name : names) {
    struct stat info {};
    if (::stat((directory / name).c_str(), &info) != 0) continue;
    all += (paths.meta_chunks / hash / name).string() + python_time(info.st_mtim) +
           std::to_string(info.st_size);
  }
  return md5_hex(all);
}

ChunkDigests chunk_digests(const AimPaths& paths) {
  ChunkDigests digests;
  for (const std::string& hash : list_chunks(paths))
    digests[hash] = chunk_digest(paths, hash, paths.meta_chunks / hash);
  return digests;
}

ChunkDigests indexed_digests(const AimPaths& paths) {
  ChunkDigests digests;
  try {
    DatabaseReader(paths.index)
        .scan(encode_path({"index_cache"}), [&](ByteView key, ByteView value) {
          const auto path = decode_path(key);
          const auto digest = decode_scalar(value);
          if (path && path->size() == 2 && digest && digest->text() != nullptr)
            if (const auto* hash = std::get_if<std::string>(&(*path)[1]))
              digests[*hash] = *digest->text();
          return true;
        });
  } catch (const Error&) {
    digests.clear();
  }
  return digests;
}

IndexReport replace_index(const AimPaths& paths, const StagedChunks& staged) {
  std::map<std::string, fs::path> chunks;
  for (const std::string& hash : list_chunks(paths)) chunks[hash] = paths.meta_chunks / hash;
  for (const auto& [hash, path] : staged) chunks[hash] = path;

  const fs::path made = paths.ours / "index";
  fs::remove_all(made);
  for (const auto& entry : fs::directory_iterator(paths.ours))
    if (entry.path().extension() == ".sst") fs::remove(entry.path());
  IndexReport report;
  DatabaseBuilder index(made);
  Tree shared;
  for (const auto& [hash, path] : chunks) {
    const std::string digest = chunk_digest(paths, hash, path);
    try {
      add_chunk(index, shared, hash, path);
    } catch (const Error&) {
      report.unreadable.push_back(hash);
      continue;
    }
    report.digests[hash] = digest;
    shared[encode_path({"index_cache", hash})] = encode_text(digest);
  }
  keep_unreadable(index, shared, paths, report.unreadable);
  for (const auto& [key, value] : shared) index.put(key, value);
  index.finish();
  exchange_directories(made, paths.index);
  fs::remove_all(made);
  return report;
}

}  // namespace aimlog::aim
