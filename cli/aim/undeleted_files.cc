#include "cli/aim/undeleted_files.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstring>

#include "plugin/base/bytes.h"
#include "plugin/base/crc32c.h"

namespace aimlog::aim {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// The end of a block-based table: kind of checksum, where two directories are, version, magic.
constexpr size_t footer_bytes = 53;
constexpr char crc32c_kind = 1;
constexpr unsigned char footer_magic[] = {0xf7, 0xcf, 0xf4, 0x85, 0xb7, 0x41, 0xe2, 0x88};
// Behind each block: how it is compressed, and a checksum.
constexpr size_t trailer_bytes = 5;
constexpr size_t directory_bytes_max = 64 * 1024;
// The name under which the directory has the deleted ranges, and one that nobody asks for and that
// stands in the same place in the order.
constexpr std::string_view ranges_name = "rocksdb.range_del";
constexpr std::string_view other_name = "rocksdb.range_dem";

uint32_t stored_checksum(ByteView bytes) {
  const uint32_t crc = crc32c(0, bytes.data(), bytes.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// Bytes that stand in the place of those of the file.
struct Patch {
  uint64_t offset = 0;
  Bytes bytes;
};

bool read_exactly(const rocksdb::FSRandomAccessFile& file, uint64_t offset, size_t size,
                  Bytes& out) {
  Bytes scratch(size, '\0');
  Slice result;
  const IOStatus status = file.Read(offset, size, IOOptions(), &result, scratch.data(), nullptr);
  if (!status.ok() || result.size() != size) return false;
  out.assign(result.data(), result.size());
  return true;
}

bool read_handle(ByteView footer, uint64_t& offset, uint64_t& size) {
  try {
    ByteReader reader(footer.substr(1), "table of RocksDB");
    offset = reader.varint();
    size = reader.varint();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Nothing where there are no deleted ranges, or the table is none that we understand.
Patch directory_without_ranges(const rocksdb::FSRandomAccessFile& file, uint64_t file_size) {
  Bytes footer, block;
  uint64_t offset = 0, size = 0;
  if (file_size < footer_bytes ||
      !read_exactly(file, file_size - footer_bytes, footer_bytes, footer) ||
      std::memcmp(footer.data() + footer_bytes - sizeof footer_magic, footer_magic,
                  sizeof footer_magic) != 0 ||
      footer[0] != crc32c_kind || !read_handle(footer, offset, size) ||
      size > directory_bytes_max || offset > file_size || size + trailer_bytes > file_size - offset)
    return {};
  if (!read_exactly(file, offset, size + trailer_bytes, block)) return {};
  uint32_t checksum = 0;
  std::memcpy(&checksum, block.data() + size + 1, sizeof checksum);
  const size_t at = ByteView(block).substr(0, size).find(ranges_name);
  const bool is_compressed = block[size] != 0;
  if (is_compressed || at == Bytes::npos ||
      checksum != stored_checksum(ByteView(block).substr(0, size + 1)))
    return {};
  block.replace(at, other_name.size(), other_name);
  checksum = stored_checksum(ByteView(block).substr(0, size + 1));
  std::memcpy(block.data() + size + 1, &checksum, sizeof checksum);
  return {offset, std::move(block)};
}

class UndeletedFile : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  UndeletedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, Patch patch)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), patch_(std::move(patch)) {}

  IOStatus Read(uint64_t offset, size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* debug) const override {
    const IOStatus status = target()->Read(offset, size, options, result, scratch, debug);
    if (status.ok()) put_patch(offset, result, scratch);
    return status;
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    const IOStatus status = target()->MultiRead(requests, count, options, debug);
    for (size_t i = 0; i < count; ++i)
      if (requests[i].status.ok())
        put_patch(requests[i].offset, &requests[i].result, requests[i].scratch);
    return status;
  }

 private:
  void put_patch(uint64_t offset, Slice* result, char* scratch) const {
    const uint64_t begin = std::max(offset, patch_.offset);
    const uint64_t end = std::min(offset + result->size(), patch_.offset + patch_.bytes.size());
    if (begin >= end) return;
    if (result->data() != scratch) std::memmove(scratch, result->data(), result->size());
    std::memcpy(scratch + (begin - offset), patch_.bytes.data() + (begin - patch_.offset),
                end - begin);
    *result = Slice(scratch, result->size());
  }

  Patch patch_;
};

class UndeletedFiles : public rocksdb::FileSystemWrapper {
 public:
  using rocksdb::FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "UndeletedFiles"; }

  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                               IODebugContext* debug) override {
    IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, file, debug);
    uint64_t size = 0;
    if (!status.ok() || !path.ends_with(".sst") || options.use_mmap_reads ||
        options.use_direct_reads || !GetFileSize(path, IOOptions(), &size, debug).ok())
      return status;
    Patch patch = directory_without_ranges(**file, size);
    if (!patch.bytes.empty())
      *file = std::make_unique<UndeletedFile>(std::move(*file), std::move(patch));
    return status;
  }
};

}  // namespace

rocksdb::Env* undeleted_environment() {
  static const std::unique_ptr<rocksdb::Env> environment =
      rocksdb::NewCompositeEnv(std::make_shared<UndeletedFiles>(rocksdb::FileSystem::Default()));
  return environment.get();
}

}  // namespace aimlog::aim
