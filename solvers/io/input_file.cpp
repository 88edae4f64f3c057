#include "input_file.hpp"

#include "links.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <system_error>
#include <utility>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

/// The first bytes of an HDF5 file without a user block.
bool has_signature(const std::filesystem::path& file) {
  constexpr std::array<char, 8> signature{'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  std::array<char, 8> head{};
  std::ifstream in(file, std::ios::binary);
  return in.read(head.data(), head.size()) && head == signature;
}

Handle open_input(const std::filesystem::path& file, const std::string& kind) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    throw InputError(fmt::format("'{}': no such file, expected a {}", file.string(), kind));
  }
  if (std::filesystem::is_directory(status)) {
    throw InputError(fmt::format("'{}': is a directory, expected a {}", file.string(), kind));
  }
  if (!std::ifstream(file)) {
    throw InputError(
        fmt::format("'{}': cannot be opened for reading, expected a readable {}", file.string(), kind));
  }
  if (!has_signature(file)) {
    throw InputError(fmt::format("'{}': is not an HDF5 file, expected a {}", file.string(), kind));
  }
  try {
    return hdf5::open_file(file, hdf5::Access::read_only);
  } catch (const hdf5::LockError& e) {
    throw InputError(e.what());
  } catch (const RunError& e) {
    throw InputError(
        fmt::format("'{}': is damaged or truncated, expected a whole {}: {}", file.string(), kind, e.what()));
  }
}

Shape shape_of(const Handle& space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  Shape shape(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  H5Sget_simple_extent_dims(space, shape.data(), nullptr);
  return shape;
}

Handle space_of_dataset(hid_t dataset) {
  return {hdf5::check(H5Dget_space(dataset), "cannot get a dataspace"), H5Sclose};
}

Handle type_of_dataset(hid_t dataset) {
  return {hdf5::check(H5Dget_type(dataset), "cannot get a type"), H5Tclose};
}

/// Elements of a shape, at most `most_elements`, so that no product overflows.
constexpr std::size_t most_elements = std::size_t{1} << 48;
std::size_t element_count(const Shape& shape) {
  std::size_t n = 1;
  for (const hsize_t extent : shape) {
    if (extent != 0 && n > most_elements / extent) return most_elements;
    n *= extent;
  }
  return n;
}

/// Text of fixed or variable length; `read` moves the value to memory of the type given.
template <class Read> std::string read_text(hid_t type, const Handle& space, const Read& read) {
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    read(type, static_cast<void*>(&text));
    std::string value = text ? text : "";
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, static_cast<void*>(&text));
    return value;
  }
  constexpr std::size_t longest_text = 100'000'000; // as JSON, see json_text.hpp
  if (H5Tget_size(type) > longest_text) throw RunError("text of more bytes than any has");
  std::string value(H5Tget_size(type), '\0');
  read(type, value.data());
  value.resize(std::min(value.size(), value.find('\0')));
  return value;
}

} // namespace

std::string to_text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

InputFile::InputFile(const std::filesystem::path& file, std::string kind)
    : name_(file.string()), kind_(std::move(kind)), file_(open_input(file, kind_)) {}

void InputFile::reject(const std::string& message) const {
  throw InputError(fmt::format("'{}': {}", name_, message));
}

bool InputFile::has(const std::string& object) const {
  // Each link on the way must be asked for: the library fails on a path whose beginning is missing.
  for (std::size_t end = 0; end != std::string::npos;) {
    end = object.find('/', end + 1);
    const std::string part = object.substr(0, end);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0 ||
        H5Oexists_by_name(file_, part.c_str(), H5P_DEFAULT) <= 0) {
      H5Eclear2(H5E_DEFAULT);
      return false;
    }
  }
  return true;
}

bool InputFile::is_there(const std::string& object) const {
  refuse_broken_link(object);
  return has(object);
}

void InputFile::refuse_broken_link(const std::string& object) const {
  if (const auto link = hdf5::broken_link(file_, object)) reject(*link);
}

void InputFile::require(const std::string& object, std::string_view kind) const {
  if (has(object)) return;
  refuse_broken_link(object);
  reject(fmt::format("has no {} '{}', expected a {} written by ptychoscale", kind, object, kind_));
}

void InputFile::require_schema(const std::string& object, std::int64_t version) const {
  require(object, "group");
  const double found = attribute_number(object, "schema_version");
  if (found != static_cast<double>(version)) {
    reject(fmt::format("attribute 'schema_version' of '{}' = {}, expected {}", object, found, version));
  }
}

Handle InputFile::dataset(const std::string& name) const {
  require(name, "dataset");
  const hid_t id = H5Dopen2(file_, name.c_str(), H5P_DEFAULT);
  if (id < 0) reject(fmt::format("'{}' cannot be opened as a dataset ({})", name, hdf5::error_text()));
  Handle found(id, H5Dclose);
  if (const auto source = hdf5::missing_source(found))
    reject(fmt::format("dataset '{}' is a view of {}", name, *source));
  return found;
}

Shape InputFile::shape(const std::string& name) const { return shape_of(space_of_dataset(dataset(name))); }

void InputFile::require_shape(const std::string& name, const Shape& expected,
                              const std::string& meaning) const {
  const Shape found = shape(name);
  if (found != expected) {
    reject(fmt::format("dataset '{}' has shape {}, expected {} ({})", name, to_text(found), to_text(expected),
                       meaning));
  }
}

void InputFile::require_rank(const std::string& name, std::size_t rank, const std::string& meaning) const {
  const Shape found = shape(name);
  if (found.size() != rank) {
    reject(fmt::format("dataset '{}' has shape {}, expected {} dimensions ({})", name, to_text(found), rank,
                       meaning));
  }
}

std::string InputFile::type_name(const std::string& name) const {
  return hdf5::type_name(type_of_dataset(dataset(name)));
}

void InputFile::require_type(const std::string& name, const std::vector<std::string>& names) const {
  const std::string found = type_name(name);
  if (std::ranges::find(names, found) == names.end()) {
    reject(fmt::format("dataset '{}' has type {}, expected {}", name, found, fmt::join(names, " or ")));
  }
}

void InputFile::require_numeric(hid_t type, const std::string& what) const {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER) {
    reject(fmt::format("{} has type {}, expected numbers", what, hdf5::type_name(type)));
  }
}

std::vector<double> InputFile::numbers(const std::string& name) const {
  const Handle data = dataset(name);
  require_numeric(type_of_dataset(data), fmt::format("dataset '{}'", name));
  std::vector<double> values(count_that_can_be(data, name));
  if (H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    reject(fmt::format("dataset '{}' cannot be read ({})", name, hdf5::error_text()));
  }
  return values;
}

std::vector<std::uint64_t> InputFile::unsigned_numbers(const std::string& name) const {
  require_type(name, {"uint64"});
  const Handle data = dataset(name);
  std::vector<std::uint64_t> values(count_that_can_be(data, name));
  if (H5Dread(data, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    reject(fmt::format("dataset '{}' cannot be read ({})", name, hdf5::error_text()));
  }
  return values;
}

std::vector<std::complex<float>> InputFile::complex_numbers(const std::string& name) const {
  const Handle data = dataset(name);
  const Handle type = type_of_dataset(data);
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_member_index(type, "r") < 0 ||
      H5Tget_member_index(type, "i") < 0) {
    H5Eclear2(H5E_DEFAULT); // asking a type that is no compound for a member is an error
    reject(fmt::format("dataset '{}' has type {}, expected complex numbers {{r, i}} of float32", name,
                       hdf5::type_name(type)));
  }
  std::vector<std::complex<float>> values(count_that_can_be(data, name));
  if (H5Dread(data, hdf5::complex_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    reject(fmt::format("dataset '{}' cannot be read ({})", name, hdf5::error_text()));
  }
  return values;
}

std::size_t InputFile::count_that_can_be(hid_t data, const std::string& name) const {
  constexpr double most_compressed = 1032; // deflate gives no more
  const auto count = element_count(shape_of(space_of_dataset(data)));
  const auto bytes = static_cast<double>(count) * static_cast<double>(H5Tget_size(type_of_dataset(data)));
  std::error_code error;
  const auto in_file = static_cast<double>(std::filesystem::file_size(name_, error));
  if (!error && bytes > most_compressed * in_file)
    reject(fmt::format("dataset '{}' says that it has {} values, which a file of {} bytes cannot hold", name,
                       count, in_file));
  return count;
}

double InputFile::number(const std::string& name) const {
  const std::vector<double> values = numbers(name);
  if (values.size() != 1)
    reject(fmt::format("dataset '{}' has {} values, expected one", name, values.size()));
  return values.front();
}

bool InputFile::boolean(const std::string& name) const {
  const Handle data = dataset(name);
  const Handle type = type_of_dataset(data);
  std::int8_t value = 0;
  if (H5Tget_class(type) != H5T_ENUM || element_count(shape_of(space_of_dataset(data))) != 1 ||
      H5Dread(data, hdf5::boolean_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) < 0) {
    reject(fmt::format("dataset '{}' has type {}, expected one boolean", name, hdf5::type_name(type)));
  }
  return value != 0;
}

std::vector<std::uint8_t> InputFile::flags(const std::string& name) const {
  const Handle data = dataset(name);
  if (H5Tget_class(type_of_dataset(data)) == H5T_ENUM) {
    std::vector<std::uint8_t> values(count_that_can_be(data, name));
    if (H5Dread(data, hdf5::boolean_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      reject(fmt::format("dataset '{}' cannot be read as booleans ({})", name, hdf5::error_text()));
    return values;
  }
  std::vector<std::uint8_t> values;
  for (const double value : numbers(name)) {
    if (value != 0 && value != 1)
      reject(fmt::format("dataset '{}' has the value {} at index {}, expected 0 or 1", name, value,
                         values.size()));
    values.push_back(static_cast<std::uint8_t>(value));
  }
  return values;
}

std::string InputFile::text(const std::string& name) const {
  const Handle data = dataset(name);
  const Handle type = type_of_dataset(data);
  const Handle space = space_of_dataset(data);
  if (H5Tget_class(type) != H5T_STRING || element_count(shape_of(space)) != 1) {
    reject(fmt::format("dataset '{}' has type {}, expected one string", name, hdf5::type_name(type)));
  }
  return read_text(type, space, [&](hid_t as, void* value) {
    hdf5::check(H5Dread(data, as, H5S_ALL, H5S_ALL, H5P_DEFAULT, value), "cannot read text");
  });
}

Handle InputFile::attribute(const std::string& object, const std::string& name) const {
  require(object, "group");
  if (H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) <= 0) {
    reject(fmt::format("'{}' has no attribute '{}', expected a {}", object, name, kind_));
  }
  return {hdf5::check(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
                      fmt::format("cannot open attribute '{}'", name)),
          H5Aclose};
}

std::vector<double> InputFile::attribute_numbers(const std::string& object, const std::string& name,
                                                 std::size_t count) const {
  const Handle found = attribute(object, name);
  const Handle type(hdf5::check(H5Aget_type(found), "cannot get a type"), H5Tclose);
  const Handle space(hdf5::check(H5Aget_space(found), "cannot get a dataspace"), H5Sclose);
  const std::string what = fmt::format("attribute '{}' of '{}'", name, object);
  require_numeric(type, what);
  std::vector<double> values(element_count(shape_of(space)));
  if (values.size() != count)
    reject(fmt::format("{} has {} values, expected {}", what, values.size(), count));
  hdf5::check(H5Aread(found, H5T_NATIVE_DOUBLE, values.data()), "cannot read " + what);
  return values;
}

double InputFile::attribute_number(const std::string& object, const std::string& name) const {
  return attribute_numbers(object, name, 1).front();
}

int InputFile::attribute_integer(const std::string& object, const std::string& name, int low,
                                 int high) const {
  const double value = attribute_number(object, name);
  if (!(value >= low && value <= high && value == std::floor(value))) {
    reject(fmt::format("attribute '{}' of '{}' = {}, expected a whole number from {} to {}", name, object,
                       value, low, high));
  }
  return static_cast<int>(value);
}

std::uint64_t InputFile::attribute_unsigned(const std::string& object, const std::string& name) const {
  const Handle found = attribute(object, name);
  const Handle type(hdf5::check(H5Aget_type(found), "cannot get a type"), H5Tclose);
  if (H5Tget_class(type) != H5T_INTEGER || H5Aget_storage_size(found) != H5Tget_size(type)) {
    reject(fmt::format("attribute '{}' of '{}' has type {}, expected one integer", name, object,
                       hdf5::type_name(type)));
  }
  std::uint64_t value = 0;
  hdf5::check(H5Aread(found, H5T_NATIVE_UINT64, &value), "cannot read an attribute");
  return value;
}

bool InputFile::has_attribute(const std::string& object, const std::string& name) const {
  return H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::string InputFile::attribute_text(const std::string& object, const std::string& name) const {
  const Handle found = attribute(object, name);
  const Handle type(hdf5::check(H5Aget_type(found), "cannot get a type"), H5Tclose);
  const Handle space(hdf5::check(H5Aget_space(found), "cannot get a dataspace"), H5Sclose);
  if (H5Tget_class(type) != H5T_STRING || element_count(shape_of(space)) != 1) {
    reject(fmt::format("attribute '{}' of '{}' has type {}, expected one string", name, object,
                       hdf5::type_name(type)));
  }
  return read_text(type, space, [&](hid_t as, void* value) {
    hdf5::check(H5Aread(found, as, value), "cannot read text");
  });
}

} // namespace ptychoscale
