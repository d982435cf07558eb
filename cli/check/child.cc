#include "cli/check/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <new>
#include <system_error>

#include "plugin/base/unique_fd.h"

namespace aimlog::cli {
namespace {

constexpr char kind_error = '!';
constexpr char kind_damage = '#';
constexpr char kind_place = '@';
constexpr char kind_done = '.';

// False at the end of the pipe.
bool read_whole(int fd, char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t got = ::read(fd, bytes, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    count -= static_cast<size_t>(got);
  }
  return true;
}

// EIO is what a disk says of a sector that it has lost.
bool is_damage(const Error& error) {
  return error.code() == ErrorCode::corrupt || error.code() == ErrorCode::internal ||
         error.error_number() == EIO;
}

// What reading a damaged file through a map, or believing it, may end in.
bool is_damage(int signal) {
  for (const int each : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    if (signal == each) return true;
  return false;
}

[[noreturn]] void be_child(int fd, const std::function<void(ChildPipe&)>& work) {
  // A child that dies of a damaged file is no news for whoever collects core files.
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ChildPipe pipe(fd);
  try {
    work(pipe);
    pipe.send(kind_done, {});
  } catch (const Error& error) {
    pipe.send(is_damage(error) ? kind_damage : kind_error, error.what());
  } catch (const std::bad_alloc&) {
    pipe.send(kind_error, "there is not enough memory");
  } catch (const std::system_error& error) {
    pipe.send(kind_error, error.what());
  } catch (const std::exception& error) {
    pipe.send(kind_damage, error.what());
  } catch (...) {
    pipe.send(kind_error, "an unknown error");
  }
  ::_exit(0);
}

}  // namespace

void ChildPipe::send(char kind, ByteView message) {
  Bytes frame(1, kind);
  append_fixed(frame, static_cast<uint32_t>(message.size()));
  frame.append(message);
  for (size_t at = 0; at < frame.size();) {
    const ssize_t written = ::write(fd_, frame.data() + at, frame.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) ::_exit(1);  // nobody listens any more
    at += static_cast<size_t>(written);
  }
}

ChildEnd run_in_child(const std::function<void(ChildPipe&)>& work,
                      const std::function<void(char kind, ByteView message)>& receive) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("cannot make a pipe", errno);
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw system_error("cannot start a process", errno);
  if (child == 0) be_child(writing.get(), work);
  writing.reset();

  ChildEnd end;
  char head[1 + sizeof(uint32_t)];
  while (read_whole(reading.get(), head, sizeof head)) {
    uint32_t size;
    std::memcpy(&size, head + 1, sizeof size);
    Bytes message(size, '\0');
    if (!read_whole(reading.get(), message.data(), size)) break;
    if (head[0] == kind_done) {
      end.done = true;
    } else if (head[0] == kind_error || head[0] == kind_damage) {
      end.error = message;
      end.is_damage = head[0] == kind_damage;
    } else if (head[0] == kind_place) {
      end.place = message;
    } else {
      receive(head[0], message);
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
    end.is_damage = is_damage(end.signal);
  }
  if (!end.done && end.error.empty() && end.signal == 0) end.error = "it ended without a word";
  return end;
}

}  // namespace aimlog::cli
