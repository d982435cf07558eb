// SPDX-License-Identifier: Apache-2.0
#include "host-example/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace example {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)), path_(path) {
    if (fd_ < 0) fail("cannot open");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  void sync() {
    if (::fsync(fd_) != 0) fail("cannot sync");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw std::system_error(errno, std::generic_category(), what + " " + path_);
  }

  int fd_;
  std::string path_;
};

}  // namespace

void write_file(const std::string& path, std::string_view bytes, Synced synced) {
  const std::string temporary = path + ".tmp";
  {
    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    file.write_all(bytes);
    if (synced == Synced::yes) file.sync();
  }
  std::filesystem::rename(temporary, path);
  if (synced == Synced::no) return;
  const std::string directory = std::filesystem::path(path).parent_path().string();
  Descriptor(directory.empty() ? "." : directory, O_RDONLY | O_DIRECTORY).sync();
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return std::nullopt;
  return bytes;
}

std::uint64_t checksum(std::string_view bytes) {
  std::uint64_t sum = 0xCBF29CE484222325ull;
  for (const char byte : bytes) {
    sum = (sum ^ static_cast<unsigned char>(byte)) * 0x100000001B3ull;
  }
  return sum;
}

}  // namespace example
