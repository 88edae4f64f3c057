#pragma once

#include "ptychoscale/base/error.hpp"

#include <hdf5.h>

#include <complex>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// The HDF5 C API behind move-only handles. Nothing is printed: every failing call throws RunError with the
/// library's own text.
namespace ptychoscale::hdf5 {

using Shape = std::vector<hsize_t>;

/// What the library says about the call that just failed, on one line, innermost cause first; clears the
/// error stack.
[[nodiscard]] std::string error_text();

/// A file that is whole, for all that is known, but cannot be locked: another process has it open for
/// writing, or the file system has no locks.
class LockError : public RunError {
public:
  using RunError::RunError;
};

/// Whether the library locks the files it opens, which HDF5_USE_FILE_LOCKING in the environment forbids.
[[nodiscard]] bool locks_files();
/// What `error`, an errno of flock(), says of the file, and what helps.
[[nodiscard]] std::string explain_lock(int error);

/// Throws RunError with `what` and error_text() when `status` is negative; otherwise returns it.
hid_t check(hid_t status, const std::string& what);

/// Owner of one HDF5 identifier; closes it quietly, because a destructor must not throw.
class Handle {
public:
  using Close = herr_t (*)(hid_t);
  Handle() = default;
  [[nodiscard]] Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
  Handle(Handle&& o) noexcept : id_(std::exchange(o.id_, H5I_INVALID_HID)), close_(o.close_) {}
  Handle& operator=(Handle&& o) noexcept {
    Handle old(std::move(*this));
    id_ = std::exchange(o.id_, H5I_INVALID_HID);
    close_ = o.close_;
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  /// Closes now and throws RunError when that fails, e.g. because buffered data cannot be written.
  void close(const std::string& what);

private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// Readies the library: no printing and no clean-up at exit, where a file that could not be written to the
/// end would be tried again. The functions below that name a file call it.
void start();

/// @name Files. Throw LockError where locking is what failed.
/// @{
[[nodiscard]] Handle create_file(const std::filesystem::path& file);
enum class Access { read_only, read_write };
[[nodiscard]] Handle open_file(const std::filesystem::path& file, Access access);
/// @}

/// @name Types. Complex numbers are compounds {r, i} of float32, as h5py has them; booleans its enumeration
/// {FALSE, TRUE}.
/// @{
[[nodiscard]] Handle complex_type();
[[nodiscard]] Handle boolean_type();
[[nodiscard]] Handle half_type();
[[nodiscard]] Handle text_type();
/// Name as numpy has it ("float32", "uint16", "string", ...), for messages.
[[nodiscard]] std::string type_name(hid_t type);
/// @}

/// @name Objects. Object times are off, so that equal content gives equal bytes.
/// @{
[[nodiscard]] Handle create_group(hid_t parent, const std::string& name);
[[nodiscard]] Handle create_space(const Shape& shape);
[[nodiscard]] Handle create_dataset_properties();
[[nodiscard]] Handle create_dataset(hid_t parent, const std::string& name, hid_t type, const Shape& shape,
                                    const Handle& properties);
/// Storage is reserved at once and never filled.
[[nodiscard]] Handle create_contiguous(hid_t parent, const std::string& name, hid_t type, const Shape& shape);
[[nodiscard]] Handle create_chunked(hid_t parent, const std::string& name, hid_t type, const Shape& shape,
                                    const Shape& chunk);
[[nodiscard]] Handle open_dataset(hid_t file, const std::string& name);
void link_softly(hid_t file, const std::string& target, const std::string& name);
/// @}

/// @name Small values, written whole
/// @{
Handle write_text(hid_t parent, const std::string& name, const std::string& value);
Handle write_number(hid_t parent, const std::string& name, double value);
Handle write_boolean(hid_t parent, const std::string& name, bool value);
Handle write_array(hid_t parent, const std::string& name, std::span<const double> values, const Shape& shape);
Handle write_array(hid_t parent, const std::string& name, std::span<const float> values, const Shape& shape);
Handle write_array(hid_t parent, const std::string& name, std::span<const std::int32_t> values,
                   const Shape& shape);
Handle write_array(hid_t parent, const std::string& name, std::span<const std::uint64_t> values,
                   const Shape& shape);
Handle write_array(hid_t parent, const std::string& name, std::span<const std::complex<float>> values,
                   const Shape& shape);
void write_attribute(hid_t object, const std::string& name, const std::string& value);
void write_attribute(hid_t object, const std::string& name, double value);
void write_attribute(hid_t object, const std::string& name, std::int64_t value);
void write_attribute(hid_t object, const std::string& name, std::uint64_t value);
void write_attribute(hid_t object, const std::string& name, std::span<const double> values);
void write_attribute(hid_t object, const std::string& name, std::span<const std::int64_t> values);
/// @}

/// Reads the box at `offset` of a dataset into memory [count...] of `type`, contiguous; numbers are
/// converted. `what` says what could not be read.
void read_box(hid_t dataset, const Shape& offset, const Shape& count, hid_t type, void* values,
              const std::string& what);

} // namespace ptychoscale::hdf5
