#include "plugin/store/page_metas.h"

#include <fcntl.h>

#include <string>

#include "plugin/base/file.h"
#include "plugin/store/damage_advice.h"

namespace aimlog {
namespace {

[[noreturn]] void fail_meta(const RepoPaths& paths, const std::string& why) {
  throw Error(ErrorCode::corrupt, paths.data.string() + " is damaged at its head (page 0 or 1): " +
                                      why + "; " + damage_advice);
}

MetaRecord read_meta(int fd, const RepoPaths& paths, uint64_t page, size_t page_bytes) {
  Bytes bytes(page_header_bytes + meta_bytes, '\0');
  const size_t size = read_all_at(fd, bytes.data(), bytes.size(), page * page_bytes, paths.data);
  if (size != bytes.size()) fail_meta(paths, "the file ends there");
  const auto meta = load_at<MetaRecord>(bytes, page_header_bytes);
  if (load_at<uint64_t>(bytes, 0) != page || load_at<uint16_t>(bytes, 10) != meta_page ||
      meta.magic != lmdb_magic) {
    fail_meta(paths, "it is no page of LMDB");
  }
  return meta;
}

// Another LMDB would have written its version into both pages.
void check_versions(const RepoPaths& paths, const MetaRecord& even, const MetaRecord& odd) {
  if (even.version == lmdb_version && odd.version == lmdb_version) return;
  if (even.version != odd.version) fail_meta(paths, "the two pages differ in their version");
  throw Error(ErrorCode::unsupported, paths.data.string() +
                                          " was written by another LMDB (version " +
                                          std::to_string(even.version) + " of its format, not 1)");
}

// Pages behind the end of the file are such that were free before they were ever written. A meta
// page that says more than any commit could leave is damaged, though LMDB would believe it, and
// whoever walks the pages would make room for all of them.
void check_meta(int fd, const RepoPaths& paths, const MetaRecord& meta, size_t page_bytes) {
  constexpr uint64_t map_bytes_max = uint64_t{1} << 46;
  constexpr uint64_t unwritten_pages_max = uint64_t{1} << 24;
  if (meta.trees[0].pad != page_bytes) fail_meta(paths, "the two pages differ in page size");
  if (meta.address != 0 || meta.trees[1].pad != 0 || (meta.trees[1].flags & 0xff) != 0 ||
      (meta.trees[0].flags & 0xff) != integer_key_flag) {
    fail_meta(paths, "it has flags that it never had");
  }
  if (meta.last_page < 1 || meta.last_page >= map_bytes_max / page_bytes ||
      meta.map_bytes > map_bytes_max || meta.map_bytes < (meta.last_page + 1) * page_bytes ||
      meta.last_page >= file_size(fd, paths.data) / page_bytes + unwritten_pages_max) {
    fail_meta(paths, "its sizes do not fit each other");
  }
}

size_t read_page_bytes(int fd, const RepoPaths& paths) {
  Bytes head(page_header_bytes + meta_bytes, '\0');
  if (read_all_at(fd, head.data(), head.size(), 0, paths.data) != head.size()) {
    fail_meta(paths, "the file ends there");
  }
  const size_t page_bytes = load_at<MetaRecord>(head, page_header_bytes).trees[0].pad;
  if (page_bytes < 512 || page_bytes > 65536 || (page_bytes & (page_bytes - 1)) != 0) {
    fail_meta(paths, "its page size is wrong");
  }
  return page_bytes;
}

}  // namespace

Metas read_metas(int fd, const RepoPaths& paths) {
  const size_t page_bytes = read_page_bytes(fd, paths);
  const MetaRecord metas[2] = {read_meta(fd, paths, 0, page_bytes),
                               read_meta(fd, paths, 1, page_bytes)};
  check_versions(paths, metas[0], metas[1]);
  const uint64_t even = metas[0].transaction;
  const uint64_t odd = metas[1].transaction;
  const bool unwritten = even == 0 && odd == 0;
  const bool neighbours = even % 2 == 0 && odd % 2 == 1 && (even + 1 == odd || odd + 1 == even);
  if (!unwritten && !neighbours) fail_meta(paths, "its transaction numbers are wrong");
  for (const MetaRecord& meta : metas) check_meta(fd, paths, meta, page_bytes);
  return {metas[odd > even ? 1 : 0], page_bytes};
}

std::optional<Metas> read_one_meta(int fd, const RepoPaths& paths, uint64_t page) {
  // Page 0 says how long pages are, but it may be the damaged one; all repos of a machine have the
  // same length, nearly always this one.
  constexpr size_t usual_page_bytes = 4096;
  size_t page_bytes = usual_page_bytes;
  try {
    page_bytes = read_page_bytes(fd, paths);
  } catch (const Error&) {
  }
  try {
    const MetaRecord meta = read_meta(fd, paths, page, page_bytes);
    check_versions(paths, meta, meta);
    check_meta(fd, paths, meta, page_bytes);
    if (meta.transaction % 2 != page % 2) return std::nullopt;
    return Metas{meta, page_bytes};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void make_metas_durable(const RepoPaths& paths) {
  const UniqueFd fd = open_file(paths.data, O_RDWR);
  Bytes metas(2 * read_metas(fd.get(), paths).page_bytes, '\0');
  metas.resize(read_all_at(fd.get(), metas.data(), metas.size(), 0, paths.data));
  // A sync alone would not do: what a failed one was to write counts as written.
  write_all_at(fd.get(), metas, 0, paths.data);
  sync_file(fd.get(), paths.data);
}

}  // namespace aimlog
