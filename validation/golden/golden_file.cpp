#include "golden_file.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>

#include <functional>
#include <numeric>
#include <utility>

namespace ptychoscale {
namespace {

/// An HDF5 handle that closes itself; negative: the call failed.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& o) noexcept : id_(std::exchange(o.id_, -1)), close_(o.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] bool valid() const { return id_ >= 0; }

private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

std::vector<std::size_t> shape_of(const Handle& space) {
  std::vector<hsize_t> dims(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!dims.empty()) H5Sget_simple_extent_dims(space.get(), dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

std::size_t product(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

bool is_number(const Handle& type) {
  const auto kind = H5Tget_class(type.get());
  return kind == H5T_FLOAT || kind == H5T_INTEGER;
}

Handle complex_type() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(std::complex<double>)), H5Tclose);
  H5Tinsert(type.get(), "r", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(type.get(), "i", sizeof(double), H5T_NATIVE_DOUBLE);
  return type;
}

} // namespace

struct GoldenFile::Impl {
  std::string name;
  Handle file;

  [[noreturn]] void fail(const std::string& field, const std::string& what) const {
    throw InputError(fmt::format("{}: {}: {}", name, field, what));
  }

  [[nodiscard]] Handle attribute(const std::string& object, const std::string& key) const {
    const bool there = H5Aexists_by_name(file.get(), object.c_str(), key.c_str(), H5P_DEFAULT) > 0;
    if (!there) fail(fmt::format("attribute {} of {}", key, object), "is missing");
    return {H5Aopen_by_name(file.get(), object.c_str(), key.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose};
  }

  [[nodiscard]] std::vector<double> attribute_numbers(const std::string& object, const std::string& key,
                                                      std::size_t count) const {
    const auto a = attribute(object, key);
    const Handle type(H5Aget_type(a.get()), H5Tclose);
    const Handle space(H5Aget_space(a.get()), H5Sclose);
    const auto found = product(shape_of(space));
    if (!is_number(type) || found != count)
      fail(fmt::format("attribute {} of {}", key, object), fmt::format("valid: {} number(s)", count));
    std::vector<double> values(count);
    if (H5Aread(a.get(), H5T_NATIVE_DOUBLE, values.data()) < 0) fail(key, "cannot be read");
    return values;
  }

  [[nodiscard]] Handle dataset(const std::string& path) const {
    Handle d(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), H5Dclose);
    if (!d.valid()) fail(path, "is missing");
    return d;
  }

  template <class T>
  [[nodiscard]] std::vector<T> read(const std::string& path, const std::vector<std::size_t>& shape,
                                    H5T_class_t complex_or_float, hid_t memory_type) const {
    const auto d = dataset(path);
    const Handle space(H5Dget_space(d.get()), H5Sclose);
    const Handle type(H5Dget_type(d.get()), H5Tclose);
    const bool fits =
        complex_or_float == H5T_COMPOUND ? H5Tget_class(type.get()) == H5T_COMPOUND : is_number(type);
    if (!fits)
      fail(path, complex_or_float == H5T_COMPOUND ? "valid: complex numbers" : "valid: real numbers");
    if (const auto found = shape_of(space); found != shape)
      fail(path, fmt::format("shape is [{}]; valid: [{}]", fmt::join(found, ", "), fmt::join(shape, ", ")));
    std::vector<T> values(product(shape));
    if (H5Dread(d.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      fail(path, "cannot be read; the file may be damaged");
    return values;
  }
};

GoldenFile::GoldenFile(const std::filesystem::path& file) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    throw InputError(fmt::format("{}: is not there; valid: a golden file (HDF5)", file.string()));
  Handle handle(H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!handle.valid())
    throw InputError(
        fmt::format("{}: is not an HDF5 file, or a truncated one; valid: a golden file", file.string()));
  impl_ = std::make_unique<Impl>(file.string(), std::move(handle));
}

GoldenFile::~GoldenFile() = default;

std::vector<double> GoldenFile::numbers(const std::string& attribute, std::size_t count) const {
  return impl_->attribute_numbers("/", attribute, count);
}

double GoldenFile::number(const std::string& attribute, double otherwise) const {
  return H5Aexists(impl_->file.get(), attribute.c_str()) > 0 ? number(attribute) : otherwise;
}

double GoldenFile::number_of(const std::string& object, const std::string& attribute) const {
  if (!has(object)) impl_->fail(object, "is missing");
  return impl_->attribute_numbers(object, attribute, 1).front();
}

std::string GoldenFile::text(const std::string& attribute) const {
  const auto a = impl_->attribute("/", attribute);
  const Handle type(H5Aget_type(a.get()), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING) impl_->fail("attribute " + attribute, "valid: text");
  if (H5Tis_variable_str(type.get()) > 0) {
    char* raw = nullptr;
    if (H5Aread(a.get(), type.get(), static_cast<void*>(&raw)) < 0 || raw == nullptr)
      impl_->fail("attribute " + attribute, "cannot be read");
    std::string value(raw);
    H5free_memory(raw);
    return value;
  }
  std::string value(H5Tget_size(type.get()), '\0');
  if (H5Aread(a.get(), type.get(), value.data()) < 0) impl_->fail("attribute " + attribute, "cannot be read");
  return value.substr(0, value.find('\0'));
}

bool GoldenFile::has(const std::string& dataset) const {
  // H5Lexists wants every link on the way to exist.
  for (auto slash = dataset.find('/', 1);; slash = dataset.find('/', slash + 1)) {
    if (H5Lexists(impl_->file.get(), dataset.substr(0, slash).c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash == std::string::npos) return true;
  }
}

std::size_t GoldenFile::count(const std::string& dataset) const {
  const auto d = impl_->dataset(dataset);
  const auto shape = shape_of({H5Dget_space(d.get()), H5Sclose});
  if (shape.empty()) impl_->fail(dataset, "is a single number; valid: an array");
  return shape.front();
}

std::vector<double> GoldenFile::reals(const std::string& dataset,
                                      const std::vector<std::size_t>& shape) const {
  return impl_->read<double>(dataset, shape, H5T_FLOAT, H5T_NATIVE_DOUBLE);
}

std::vector<std::complex<double>> GoldenFile::complexes(const std::string& dataset,
                                                        const std::vector<std::size_t>& shape) const {
  const auto type = complex_type();
  return impl_->read<std::complex<double>>(dataset, shape, H5T_COMPOUND, type.get());
}

} // namespace ptychoscale
