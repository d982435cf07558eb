#include "cli/aim/database.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include "cli/aim/repo.h"
#include "cli/aim/undeleted_files.h"
#include "cli/aim/unsynced_files.h"
#include "plugin/base/error.h"
#include "plugin/base/file.h"

namespace aimlog::aim {
namespace {

namespace fs = std::filesystem;

// RocksDB's own log would be a file in somebody's repo.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// What Aim's own RocksDB, 6.29, can read and go on writing.
rocksdb::Options database_options() {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kCRC32c;
  table.block_size = 16 * 1024;
  rocksdb::Options options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kSnappyCompression;
  options.num_levels = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

[[noreturn]] void throw_status(const rocksdb::Status& status, const std::string& path) {
  ErrorCode code = ErrorCode::io;
  if (status.IsNoSpace())
    code = ErrorCode::no_space;
  else if (status.IsNotSupported())
    code = ErrorCode::unsupported;
  else if (status.IsCorruption() || status.IsPathNotFound())
    code = ErrorCode::corrupt;  // a file that it names is missing, or has the wrong bytes
  throw Error(code, "the database '" + path + "': " + status.ToString());
}

// RocksDB also calls files corrupt that it could only not look at. The lock file is left alone, as
// closing it would give up a lock of ours.
void check_files(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator at(directory, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    if (path.filename() == "LOCK" || !is_there(path)) continue;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 && errno != ENOENT)
      throw system_error("cannot read " + path.string(), errno);
  }
  if (error) throw system_error("cannot list " + directory.string(), error.value());
}

[[noreturn]] void throw_unreadable(const rocksdb::Status& status, const fs::path& directory) {
  if (status.IsCorruption()) check_files(directory);
  throw_status(status, directory.string());
}

// Called for every key: a std::filesystem::path would be taken to pieces each time.
void check(const rocksdb::Status& status, const std::string& path) {
  if (!status.ok()) throw_status(status, path);
}

rocksdb::Slice slice(ByteView bytes) { return {bytes.data(), bytes.size()}; }
ByteView view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

}  // namespace

struct DatabaseBuilder::State {
  State() { options.env = unsynced_environment(); }
  fs::path directory;
  uint64_t numbers_above = 0;
  std::vector<std::string> tables;  // beside the directory, until they are taken in
  rocksdb::Options options = database_options();
  std::unique_ptr<rocksdb::SstFileWriter> writer;  // of the last of them, while it is open
  Bytes last_key;

  void finish_table() {
    if (writer) check(writer->Finish(), tables.back());
    writer.reset();
  }
  void begin_table() {
    finish_table();
    tables.push_back(directory.string() + "." + std::to_string(tables.size()) + ".sst");
    writer = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options), options);
    check(writer->Open(tables.back()), tables.back());
  }
};

DatabaseBuilder::DatabaseBuilder(const fs::path& directory, uint64_t numbers_above)
    : state_(std::make_unique<State>()) {
  state_->directory = directory;
  state_->numbers_above = numbers_above;
}

DatabaseBuilder::~DatabaseBuilder() = default;

void DatabaseBuilder::put(ByteView key, ByteView value) {
  if (!state_->writer || key <= state_->last_key) state_->begin_table();
  check(state_->writer->Put(slice(key), slice(value)), state_->tables.back());
  state_->last_key = key;
}

void DatabaseBuilder::finish() {
  const fs::path& directory = state_->directory;
  rocksdb::Options options = state_->options;
  options.create_if_missing = true;
  options.error_if_exists = true;
  options.avoid_flush_during_shutdown = true;
  state_->finish_table();
  if (state_->numbers_above > 0) {
    // RocksDB counts on from the highest table that it finds, and removes it, as none it knows.
    fs::create_directory(directory);
    open_file(directory / (std::to_string(state_->numbers_above) + ".sst"), O_WRONLY | O_CREAT);
  }
  rocksdb::DB* raw = nullptr;
  check(rocksdb::DB::Open(options, directory.string(), &raw), directory.string());
  const std::unique_ptr<rocksdb::DB> database(raw);
  for (const std::string& table : state_->tables) {
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    ingest.write_global_seqno = false;
    check(database->IngestExternalFile({table}, ingest), directory.string());
  }
  check(database->Close(), directory.string());
}

void build_database(const fs::path& directory, const Tree& tree, uint64_t numbers_above) {
  DatabaseBuilder builder(directory, numbers_above);
  for (const auto& [key, value] : tree) builder.put(key, value);
  builder.finish();
}

struct DatabaseReader::State {
  fs::path directory;
  DeletedRanges ranges = DeletedRanges::obeyed;
  std::unique_ptr<rocksdb::DB> database;

  std::unique_ptr<rocksdb::Iterator> iterator() const {
    rocksdb::ReadOptions options;
    options.ignore_range_deletions = ranges == DeletedRanges::ignored;
    options.fill_cache = false;
    return std::unique_ptr<rocksdb::Iterator>(database->NewIterator(options));
  }
};

DatabaseReader::DatabaseReader(const fs::path& directory, DeletedRanges ranges)
    : state_(std::make_unique<State>()) {
  state_->directory = directory;
  state_->ranges = ranges;
  if (!is_there(directory / "CURRENT"))
    throw Error(ErrorCode::not_found, "there is no database in '" + directory.string() + "'");
  rocksdb::Options options = database_options();
  options.max_open_files = 64;
  options.max_file_opening_threads = 1;  // callers have threads of their own
  if (ranges == DeletedRanges::ignored) options.env = undeleted_environment();
  // A writer's compaction may take a file away between the look at the list and the opening.
  rocksdb::Status status;
  for (int attempt = 0; attempt < 5; ++attempt) {
    rocksdb::DB* raw = nullptr;
    status = rocksdb::DB::OpenForReadOnly(options, directory.string(), &raw);
    state_->database.reset(raw);
    if (status.ok()) return;
  }
  throw_unreadable(status, directory);
}

DatabaseReader::~DatabaseReader() = default;

void DatabaseReader::scan(ByteView prefix, const Visit& visit) const {
  const auto at = state_->iterator();
  for (at->Seek(slice(prefix)); at->Valid() && view(at->key()).starts_with(prefix); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok()) throw_unreadable(at->status(), state_->directory);
}

void DatabaseReader::scan_from(ByteView from, const Visit& visit) const {
  const auto at = state_->iterator();
  for (at->Seek(slice(from)); at->Valid(); at->Next())
    if (!visit(view(at->key()), view(at->value()))) return;
  if (!at->status().ok()) throw_unreadable(at->status(), state_->directory);
}

Tree DatabaseReader::read_all() const {
  Tree tree;
  scan({}, [&](ByteView key, ByteView value) {
    tree.emplace_hint(tree.end(), key, value);
    return true;
  });
  return tree;
}

std::vector<std::string> DatabaseReader::files() const {
  std::vector<rocksdb::LiveFileMetaData> tables;
  state_->database->GetLiveFilesMetaData(&tables);
  std::vector<std::string> names;
  for (const rocksdb::LiveFileMetaData& each : tables)
    names.push_back(each.name.substr(each.name.front() == '/' ? 1 : 0));
  std::ifstream current(state_->directory / "CURRENT");
  std::string manifest;
  if (current >> manifest) names.push_back(manifest);
  return names;
}

uint64_t highest_file_number(const fs::path& directory) {
  uint64_t highest = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    std::string name = entry.path().filename().string();
    name.erase(0, name.find_first_of("0123456789"));
    highest = std::max<uint64_t>(highest, std::strtoull(name.c_str(), nullptr, 10));
  }
  return highest;
}

struct DatabaseWriter::State {
  std::string directory;
  std::unique_ptr<rocksdb::DB> database;
  rocksdb::WriteBatch batch;
};

DatabaseWriter::DatabaseWriter(const fs::path& directory) : state_(std::make_unique<State>()) {
  state_->directory = directory.string();
  rocksdb::Options options = database_options();
  options.write_buffer_size = 1 << 20;
  options.max_total_wal_size = 4 << 20;
  options.level0_file_num_compaction_trigger = 8;
  rocksdb::DB* raw = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, state_->directory, &raw);
  state_->database.reset(raw);
  if (status.IsIOError() && is_database_in_use(directory))
    throw Error(ErrorCode::busy, "the database '" + state_->directory + "' is in use");
  check(status, state_->directory);
}

DatabaseWriter::~DatabaseWriter() = default;

void DatabaseWriter::put(ByteView key, ByteView value) {
  check(state_->batch.Put(slice(key), slice(value)), state_->directory);
}

void DatabaseWriter::erase(ByteView key) {
  check(state_->batch.Delete(slice(key)), state_->directory);
}

void DatabaseWriter::commit() {
  if (state_->batch.Count() == 0) return;
  const rocksdb::Status status = state_->database->Write({}, &state_->batch);
  state_->batch.Clear();
  check(status, state_->directory);
}

void DatabaseWriter::close() {
  commit();
  check(state_->database->Flush({}), state_->directory);
  check(state_->database->Close(), state_->directory);
  state_->database.reset();
}

bool is_database_in_use(const fs::path& directory) {
  const fs::path path = directory / "LOCK";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return false;
    throw system_error("cannot look at " + path.string(), errno);
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace aimlog::aim
