#include "tests/simulator/page_store.h"

#include <algorithm>
#include <cstring>

namespace aimlog::sim {
namespace {

struct ByteRange {
  const char* bytes;
  uint64_t count;
};

}  // namespace

void PageStore::reset(std::string content) {
  cache_ = std::move(content);
  disk_ = cache_;
  pending_.clear();
  writes_ = 0;
}

void PageStore::write(uint64_t offset, const void* bytes, uint64_t count) {
  if (count == 0) return;
  if (cache_.size() < offset + count) cache_.resize(offset + count);
  std::memcpy(cache_.data() + offset, bytes, count);
  ++writes_;
  for (uint64_t page = offset / page_bytes; page * page_bytes < offset + count; ++page) {
    pending_[page].push_back({cache_.substr(page * page_bytes, page_bytes), writes_, false});
  }
}

void PageStore::make_durable(uint64_t page, const std::string& content) {
  const uint64_t end = page * page_bytes + content.size();
  if (disk_.size() < end) disk_.resize(end);
  disk_.replace(page * page_bytes, content.size(), content);
}

void PageStore::sync() {
  for (auto page = pending_.begin(); page != pending_.end();) {
    const Version& newest = page->second.back();
    if (newest.in_doubt) {
      ++page;
      continue;
    }
    make_durable(page->first, newest.content);
    page = pending_.erase(page);
  }
}

void PageStore::fail_sync(Random& random) {
  for (auto page = pending_.begin(); page != pending_.end();) {
    if (random.one_in(2)) {
      make_durable(page->first, page->second.back().content);
      page = pending_.erase(page);
      continue;
    }
    for (Version& version : page->second) version.in_doubt = true;
    ++page;
  }
}

void PageStore::sync_range(uint64_t offset, uint64_t count) {
  for (uint64_t page = offset / page_bytes; page * page_bytes < offset + count; ++page) {
    make_durable(page, cache_.substr(page * page_bytes, page_bytes));
    pending_.erase(page);
  }
}

std::string PageStore::cut(Survival survival, Random& random) const {
  std::string image = disk_;
  const uint64_t last_write = random.below(writes_ + 1);
  const auto put = [&](uint64_t at, ByteRange from) {
    if (image.size() < at + from.count) image.resize(at + from.count);
    std::memcpy(image.data() + at, from.bytes, from.count);
  };
  for (const auto& [page, versions] : pending_) {
    const uint64_t at = page * page_bytes;
    const auto put_version = [&](const Version& version) {
      put(at, {version.content.data(), version.content.size()});
    };
    switch (survival) {
      case Survival::nothing:
        break;
      case Survival::everything:
        put_version(versions.back());
        break;
      case Survival::prefix:
        for (const Version& version : versions)
          if (version.order <= last_write) put_version(version);
        break;
      case Survival::pages: {
        const uint64_t kept = random.below(versions.size() + 1);
        if (kept > 0) put_version(versions[kept - 1]);
        break;
      }
      case Survival::sectors:
        for (uint64_t sector = 0; sector < page_bytes; sector += sector_bytes) {
          const uint64_t kept = random.below(versions.size() + 1);
          if (kept == 0) continue;
          const std::string& content = versions[kept - 1].content;
          if (sector >= content.size()) continue;
          put(at + sector,
              {content.data() + sector, std::min<uint64_t>(sector_bytes, content.size() - sector)});
        }
        break;
    }
  }
  // A file's size is a number of whole pages, as LMDB writes whole pages.
  image.resize((image.size() + page_bytes - 1) / page_bytes * page_bytes);
  return image;
}

}  // namespace aimlog::sim
