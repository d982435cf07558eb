#include "cli/aim/meta_index.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>

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

std::unique_ptr<DatabaseReader> open_index(const AimPaths& paths) {
  try {
    return std::make_unique<DatabaseReader>(paths.index);
  } catch (const Error&) {
    return nullptr;  // there is none yet, or it is damaged
  }
}

// Whoever has the index open for writing (the thread of a server, for some milliseconds) would
// write into the new one by the names of its files.
void wait_until_unused(const fs::path& index) {
  constexpr int tries_max = 1000;
  for (int i = 0; i < tries_max && is_database_in_use(index); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

// A reader that has opened the old index half way looks for the rest of its files in the new one.
// They stay there until somebody opens it for writing.
void lend_files(const fs::path& from, const fs::path& to) {
  try {
    for (const std::string& name : DatabaseReader(from).files()) {
      std::error_code error;
      fs::create_hard_link(from / name, to / name, error);
    }
  } catch (const Error&) {
    return;  // there is none, or nobody can read it anyway
  }
}

class IndexBuild {
 public:
  IndexBuild(const AimPaths& paths, const fs::path& made, const DatabaseReader* old)
      : index_(made, highest_file_number(paths.index)), old_(old) {
    if (old_ != nullptr) old_digests_ = indexed_digests(paths);
  }

  // In rising order of the hashes. `fresh`: read the run's own database in any case.
  void add(const std::string& hash, const fs::path& chunk, const std::string& digest, bool fresh) {
    const auto known = old_digests_.find(hash);
    const bool is_same = known != old_digests_.end() && known->second == digest;
    if (!(is_same && !fresh && copy(hash))) {
      try {
        read(hash, chunk);
      } catch (const Error& error) {
        report_.unread.emplace_back(hash, error);
        if (old_ != nullptr) copy(hash);  // better than nothing
        return;
      }
    }
    report_.digests[hash] = digest;
    digests_[encode_path({"index_cache", hash})] = encode_text(digest);
  }

  // Whether a run lost keys since the old index, so that others of its keys may be there in vain.
  bool lost_keys() const { return lost_keys_; }
  bool is_old_damaged() const { return is_old_damaged_; }

  IndexReport finish() {
    if (copied_ && !is_old_damaged_) add_old_shared();
    shared_.merge(digests_);
    for (const auto& [key, value] : shared_) index_.put(key, value);
    index_.finish();
    return report_;
  }

 private:
  bool copy(const std::string& hash) {
    size_t keys = 0;
    try {
      old_->scan(run_path(hash), [&](ByteView key, ByteView value) {
        index_.put(key, value);
        ++keys;
        return true;
      });
    } catch (const Error&) {
      is_old_damaged_ = true;
    }
    copied_ = copied_ || keys > 0;
    return keys > 0;
  }

  // A run's own keys go to the index at once, what all runs share is gathered.
  void read(const std::string& hash, const fs::path& path) {
    const Tree chunk = DatabaseReader(path).read_all();
    const Bytes own = run_path(hash);
    for (const auto& [key, value] : chunk) {
      if (key.starts_with(own))
        index_.put(key, value);
      else
        shared_[key] = value;
    }
    if (old_ == nullptr || lost_keys_) return;
    old_->scan(own, [&](ByteView key, ByteView) {
      lost_keys_ = chunk.count(Bytes(key)) == 0;
      return !lost_keys_;
    });
  }

  // Behind what was gathered.
  void add_old_shared() {
    const Bytes chunks = encode_path({"meta", "chunks"}), digests = encode_path({"index_cache"});
    const auto take = [&](ByteView key, ByteView value) {
      if (key.starts_with(chunks)) return false;
      if (!key.starts_with(digests)) shared_.emplace(key, value);
      return true;
    };
    old_->scan_from({}, take);
    Bytes behind = chunks;
    behind.back() = '\xff';
    old_->scan_from(behind, take);
  }

  DatabaseBuilder index_;
  const DatabaseReader* old_;  // NULL = there is none
  ChunkDigests old_digests_;
  Tree shared_, digests_;
  bool copied_ = false, lost_keys_ = false, is_old_damaged_ = false;
  IndexReport report_;
};

void clear_build(const AimPaths& paths, const fs::path& made) {
  fs::remove_all(made);
  for (const auto& entry : fs::directory_iterator(paths.ours))
    if (entry.path().extension() == ".sst") fs::remove(entry.path());
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

NewIndex::NewIndex(const AimPaths& paths, const StagedChunks& staged, SharedNames names)
    : paths_(paths), made_(paths.ours / "index") {
  std::map<std::string, fs::path> chunks;
  for (const std::string& hash : list_chunks(paths)) chunks[hash] = paths.meta_chunks / hash;
  for (const auto& [hash, path] : staged) chunks[hash] = path;

  const auto old = open_index(paths);
  for (const bool all_anew : {false, true}) {
    clear_build(paths, made_);
    IndexBuild build(paths, made_, old.get());
    for (const auto& [hash, path] : chunks)
      build.add(hash, path, chunk_digest(paths, hash, path), all_anew);
    const bool inexact = build.lost_keys() && names == SharedNames::exact;
    if (!all_anew && (inexact || build.is_old_damaged())) continue;
    report_ = build.finish();
    break;
  }
  wait_until_unused(paths_.index);  // while nobody waits for the rows: see Publisher
}

NewIndex::~NewIndex() {
  std::error_code error;  // what stays is taken away before the next one is built
  fs::remove_all(made_, error);
}

void NewIndex::put_in_place() {
  wait_until_unused(paths_.index);
  lend_files(paths_.index, made_);
  exchange_directories(made_, paths_.index);
}

IndexReport replace_index(const AimPaths& paths, SharedNames names) {
  NewIndex index(paths, {}, names);
  index.put_in_place();
  return index.report();
}

}  // namespace aimlog::aim
