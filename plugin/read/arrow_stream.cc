#include "plugin/read/arrow_stream.h"

#include <cerrno>
#include <exception>
#include <new>

#include "plugin/base/default_floats.h"
#include "plugin/base/error.h"

namespace aimlog {
namespace {

struct Stream {
  std::unique_ptr<BatchSource> source;
  std::string problem;
};

Stream& from(ArrowArrayStream* stream) { return *static_cast<Stream*>(stream->private_data); }

int errno_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return EINVAL;
    case ErrorCode::busy:
      return EBUSY;
    default:
      return EIO;
  }
}

template <typename Work>
int answer(ArrowArrayStream* stream, const Work& work) noexcept {
  const DefaultFloats floats;
  Stream& self = from(stream);
  try {
    work(*self.source);
    self.problem.clear();
    return 0;
  } catch (const std::bad_alloc&) {
    return ENOMEM;
  } catch (const Error& error) {
    keep_text(self.problem, error.what());
    return errno_of(error.code());
  } catch (const std::exception& error) {
    keep_text(self.problem, error.what());
    return EINVAL;
  } catch (...) {
    return EINVAL;
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) noexcept {
  return answer(stream, [&](BatchSource& source) { export_schema(source.schema(), *out); });
}

int get_next(ArrowArrayStream* stream, ArrowArray* out) noexcept {
  return answer(stream, [&](BatchSource& source) {
    *out = {};  // released: the end of the stream
    auto batch = source.next();
    if (batch) export_array(std::move(*batch), *out);
  });
}

const char* get_last_error(ArrowArrayStream* stream) noexcept {
  const std::string& problem = from(stream).problem;
  return problem.empty() ? nullptr : problem.c_str();
}

void release(ArrowArrayStream* stream) noexcept {
  delete &from(stream);
  stream->release = nullptr;
}

class SingleBatch : public BatchSource {
 public:
  explicit SingleBatch(ArrowColumn batch) : batch_(std::move(batch)) {}

  ArrowColumn schema() override { return batch_; }
  std::optional<ArrowColumn> next() override {
    if (done_) return std::nullopt;
    done_ = true;
    return batch_;  // its buffers are shared, not copied
  }

 private:
  ArrowColumn batch_;
  bool done_ = false;
};

}  // namespace

void export_stream(std::unique_ptr<BatchSource> source, ArrowArrayStream& out) {
  auto stream = std::make_unique<Stream>();
  stream->source = std::move(source);
  out = {};
  out.get_schema = get_schema;
  out.get_next = get_next;
  out.get_last_error = get_last_error;
  out.release = release;
  out.private_data = stream.release();
}

std::unique_ptr<BatchSource> single_batch(ArrowColumn batch) {
  return std::make_unique<SingleBatch>(std::move(batch));
}

}  // namespace aimlog
