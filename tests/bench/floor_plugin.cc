// The floors of on_trial_result: a plugin that reads a result once and writes its keys and numbers
// into a mapped file, over and over. It keeps no order, checks nothing, remembers no shape, and
// nobody could read its file; but whatever records a result through this contract so that it
// survives the death of the process does at least this.
//
// With FLOOR_CHECKSUMS it also sums up each word on its way, and stores a head with length,
// sequence number and checksum last: the least that a record needs which is to be told from a torn
// one after a power cut.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <new>

#include "abi/include/tuner_plugin.hpp"

#ifdef FLOOR_CHECKSUMS
#include <nmmintrin.h>
#endif

namespace {

constexpr size_t file_bytes = size_t{8} << 20;    // as the journal's default
constexpr size_t record_bytes_max = 1024 * 1024;  // far above any result of the benchmark

class Floor {
 public:
  explicit Floor(std::string_view directory) {
    const std::string path = std::string(directory) + "/floor";
    const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, file_bytes) != 0) throw std::bad_alloc();
    void* mapped = mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<char*>(mapped);
    std::memset(data_, 1, file_bytes);
  }
  ~Floor() { munmap(data_, file_bytes); }
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;

  void record(const tuner_trial_result_event& event) {
    if (at_ + record_bytes_max > file_bytes) at_ = 0;
    char* head = data_ + at_;
    char* place = head + (checksums ? 16 : 0);
    sum_ = ++sequence_;
    place = put_text(place, event.trial_id);
    place = put_word(place, static_cast<uint64_t>(event.time_ns));
    place = put_map(place, *event.result);
    if (checksums) {
      put_word(head + 8, static_cast<uint64_t>(place - head) << 32 | (sequence_ & 0xffffffff));
      std::atomic_ref(*reinterpret_cast<uint64_t*>(head)).store(sum_, std::memory_order_release);
      place = data_ + ((place - data_ + 7) & ~ptrdiff_t{7});
    }
    at_ = static_cast<size_t>(place - data_);
  }

 private:
  char* put_word(char* place, uint64_t word) {
    add(word);
    std::memcpy(place, &word, sizeof word);
    return place + sizeof word;
  }
  // In steps of eight, so that no call into the C library is needed.
  char* put_text(char* place, const tuner_string& text) {
    uint64_t at = 0;
    for (; at + 8 <= text.length; at += 8) {
      uint64_t word;
      std::memcpy(&word, text.data + at, 8);
      put_word(place + at, word);
    }
    for (; at < text.length; ++at) {
      add(static_cast<unsigned char>(text.data[at]));
      place[at] = text.data[at];
    }
    return place + text.length;
  }
  char* put_map(char* place, const tuner_value& map) {
    for (uint64_t i = 0; i < map.as.map.count; ++i) {
      const tuner_entry& entry = map.as.map.entries[i];
      place = put_text(place, entry.key);
      add(static_cast<uint64_t>(entry.value.tag));
      *place++ = static_cast<char>(entry.value.tag);
      place = entry.value.tag == TUNER_TAG_MAP ? put_map(place, entry.value)
                                               : put_word(place, entry.value.as.uint64);
    }
    return place;
  }

#ifdef FLOOR_CHECKSUMS
  static constexpr bool checksums = true;
  void add(uint64_t word) { sum_ = _mm_crc32_u64(sum_, word); }
#else
  static constexpr bool checksums = false;
  void add(uint64_t) {}
#endif

  char* data_ = nullptr;
  size_t at_ = 0;
  uint64_t sequence_ = 0;
  uint64_t sum_ = 0;  // of the record so far
};

tuner_status create(const tuner_create_args* args, tuner_instance** out, tuner_error*) noexcept {
  try {
    *out = reinterpret_cast<tuner_instance*>(new Floor(tuner::view(args->base_dir)));
    return TUNER_OK;
  } catch (...) {
    return TUNER_IO_ERROR;
  }
}

tuner_status destroy(tuner_instance* instance, tuner_error*) noexcept {
  delete reinterpret_cast<Floor*>(instance);
  return TUNER_OK;
}

tuner_status on_trial_result(tuner_instance* instance, const tuner_trial_result_event* event,
                             tuner_error*) noexcept {
  reinterpret_cast<Floor*>(instance)->record(*event);
  return TUNER_OK;
}

tuner_plugin make_table() {
  auto table = tuner::make<tuner_plugin>();
  table.flags = TUNER_FLAG_UNLOAD_SAFE;
  table.abi_min = TUNER_ABI_VERSION_MIN;
  table.abi_max = TUNER_ABI_VERSION_MAX;
  table.name = "floor";
  table.version = "1";
  table.create = create;
  table.destroy = destroy;
  table.on_trial_result = on_trial_result;
  return table;
}

const tuner_plugin table = make_table();

}  // namespace

extern "C" TUNER_EXPORT const tuner_plugin* TUNER_CALL
tuner_plugin_entry(tuner_entry_args*) noexcept {
  return &table;
}
