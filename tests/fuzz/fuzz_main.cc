// Drives a fuzz harness without a fuzzing engine, so that it runs wherever the tests run: each file
// of the corpus, then seeded mutations of them for a while.
//
//   fuzz_x SECONDS SEED CORPUS...
//
// A corpus is a directory with a file for each input, or a pack: of each input its size in 4 bytes,
// little-endian, and its bytes.
// A crash leaves its input in the file that is named on stderr.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::string;

const Input* current = nullptr;
char crash_path[128];

// Only calls that are allowed in a signal handler.
void keep_input(int signal_number) {
  const int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd >= 0 && current != nullptr && write(fd, current->data(), current->size()) >= 0) {
    const char text[] = "the input is kept in ";
    (void)!write(2, text, sizeof text - 1);
    (void)!write(2, crash_path, strlen(crash_path));
    (void)!write(2, "\n", 1);
  }
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void run(const Input& input) {
  current = &input;
  // A copy of exactly its size, so that a sanitizer sees the first byte behind it.
  std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

Input read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void add_directory(const std::filesystem::path& directory, std::vector<Input>& inputs) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) inputs.push_back(read_file(path));
}

// False if the file ends within an input.
bool add_pack(const std::filesystem::path& path, std::vector<Input>& inputs) {
  const Input pack = read_file(path);
  for (size_t at = 0; at < pack.size();) {
    uint32_t size = 0;
    if (pack.size() - at < sizeof size) return false;
    for (size_t i = 0; i < sizeof size; ++i, ++at) {
      size |= uint32_t{static_cast<unsigned char>(pack[at])} << (8 * i);
    }
    if (pack.size() - at < size) return false;
    inputs.push_back(pack.substr(at, size));
    at += size;
  }
  return true;
}

// One of the usual small changes: flipped bits, odd values, pieces cut out, doubled, or taken from
// another input.
void mutate(Input& input, const std::vector<Input>& corpus, std::mt19937_64& random) {
  static constexpr uint8_t odd_values[] = {0, 1, 7, 8, 0x7f, 0x80, 0xfe, 0xff};
  const auto below = [&](size_t limit) { return limit == 0 ? 0 : random() % limit; };
  const size_t at = below(input.size());
  const size_t count = below(std::min<size_t>(input.size() - at, 64)) + 1;
  switch (random() % 6) {
    case 0:
      if (!input.empty()) input[at] ^= static_cast<char>(1 << random() % 8);
      return;
    case 1:
      if (!input.empty()) input[at] = static_cast<char>(odd_values[random() % 8]);
      return;
    case 2:
      input.erase(at, count);
      return;
    case 3:
      input.insert(at, input.substr(at, count));
      return;
    case 4:
      input.resize(at);
      return;
    default: {
      const Input& other = corpus[random() % corpus.size()];
      const size_t from = below(other.size());
      input.replace(at, std::min(count, input.size() - at), other, from, count);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: %s SECONDS SEED CORPUS...\n", argv[0]);
    return 2;
  }
  const std::chrono::duration<double> seconds(std::atof(argv[1]));
  const uint64_t seed = std::strtoull(argv[2], nullptr, 10);
  std::snprintf(crash_path, sizeof crash_path, "crash-%d.bin", getpid());
  for (const int signal_number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) {
    signal(signal_number, keep_input);
  }
  std::vector<Input> corpus;
  for (int i = 3; i < argc; ++i) {
    const size_t before = corpus.size();
    bool whole = true;
    if (std::filesystem::is_directory(argv[i])) {
      add_directory(argv[i], corpus);
    } else {
      whole = add_pack(argv[i], corpus);
    }
    if (!whole || corpus.size() == before) {
      std::fprintf(stderr, "no corpus in %s, or one that is cut short\n", argv[i]);
      return 1;
    }
  }
  for (const Input& input : corpus) run(input);
  run(Input());
  std::mt19937_64 random(seed);
  uint64_t runs = corpus.size() + 1;
  const auto end = std::chrono::steady_clock::now() + seconds;
  while (std::chrono::steady_clock::now() < end) {
    Input input = corpus[random() % corpus.size()];
    for (uint64_t i = random() % 4 + 1; i > 0; --i) mutate(input, corpus, random);
    run(input);
    ++runs;
  }
  std::printf("%llu inputs, seed %llu\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(seed));
}
