#include "output_file.hpp"

#include "hdf5.hpp"
#include "ptychoscale/io/sync.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ptychoscale {
namespace {

class Descriptor {
public:
  explicit Descriptor(const std::filesystem::path& file)
      : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

/// Bytes this process may still write next to `file`, and already has in it.
std::uintmax_t available_space(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto directory = std::filesystem::absolute(file).parent_path();
  std::uintmax_t present = std::filesystem::file_size(file, ignored);
  if (ignored) present = 0;
  const auto space = std::filesystem::space(directory, ignored);
  std::uintmax_t available = ignored ? 0 : space.available + present;
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    available = std::min<std::uintmax_t>(available, limit.rlim_cur);
  }
  return available;
}

} // namespace

OutputFile::OutputFile(std::filesystem::path file, std::uintmax_t bytes)
    : path_(std::move(file)), bytes_(bytes) {}

void OutputFile::fail(const std::string& reason) const {
  throw InputError(fmt::format("cannot write '{}': {}; the file needs {} bytes, {} are available",
                               path_.string(), reason, bytes_, available_space(path_)));
}

void OutputFile::reserve() const {
  const bool existed = std::filesystem::exists(path_);
  try {
    reserve_in_place();
  } catch (...) {
    if (!existed) remove();
    throw;
  }
}

void OutputFile::reserve_in_place() const {
  const Descriptor descriptor(path_);
  if (descriptor.get() < 0) {
    throw InputError(fmt::format("cannot create '{}': {}; expected a path in a writable directory",
                                 path_.string(), std::strerror(errno)));
  }
  // HDF5 locks the files it writes in the same way.
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw InputError(
          fmt::format("cannot write '{}': another run is writing it; expected a file of its own for each run",
                      path_.string()));
    if (hdf5::locks_files())
      throw InputError(fmt::format("cannot write '{}': {}", path_.string(), hdf5::explain_lock(errno)));
  }
  if (available_space(path_) < bytes_) fail("not enough space");
  // Sparse files promise space they do not have; a file system that cannot reserve says so and is left alone.
  if (::fallocate(descriptor.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes_)) != 0 &&
      (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
    fail(std::strerror(errno));
  }
}

void OutputFile::rename_to(const std::filesystem::path& name) const {
  sync_file(path_);
  std::error_code failed;
  std::filesystem::rename(path_, name, failed);
  if (failed) fail(fmt::format("cannot be renamed to '{}': {}", name.string(), failed.message()));
  sync_folder(std::filesystem::absolute(name).parent_path());
}

void OutputFile::remove() const noexcept {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

} // namespace ptychoscale
