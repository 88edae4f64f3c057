#include "hdf5.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace ptychoscale::hdf5 {
namespace {

herr_t collect(unsigned depth, const H5E_error2_t* error, void* texts) {
  // The innermost message carries the system's reason, the outermost what was tried; those between repeat
  // them.
  auto& all = *static_cast<std::vector<std::string>*>(texts);
  if (error->desc && (depth == 0 || all.size() < 2)) all.emplace_back(error->desc);
  return 0;
}

/// The system's own words, where the library quotes them among file descriptors and addresses.
std::string system_reason(const std::string& text) {
  constexpr std::string_view key = "error message = '";
  const auto begin = text.find(key);
  if (begin == std::string::npos) return text;
  const auto end = text.find('\'', begin + key.size());
  return text.substr(begin + key.size(), end - begin - key.size());
}

/// What the library said first about the call that just failed; clears the error stack.
std::string innermost_text() {
  std::vector<std::string> texts;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &texts);
  H5Eclear2(H5E_DEFAULT);
  return texts.empty() ? "no reason given" : texts.front();
}

/// The handle of a file that was opened or created, or why it was not.
Handle opened(hid_t id, const std::filesystem::path& file, std::string_view tried) {
  if (id >= 0) return {id, H5Fclose};
  const std::string text = innermost_text();
  if (text.find("unable to lock file") != std::string::npos)
    for (const int error : {EAGAIN, ENOLCK, ENOSYS, EOPNOTSUPP})
      if (text.find(std::strerror(error)) != std::string::npos)
        throw LockError(fmt::format("cannot {} '{}': {}", tried, file.string(), explain_lock(error)));
  throw RunError(fmt::format("cannot {} '{}' (HDF5: {})", tried, file.string(), system_reason(text)));
}

/// Data go to the file at once: the library would otherwise hold small writes back until a dataset is closed,
/// where a full disk would go unnoticed.
Handle unbuffered_access() {
  Handle access(check(H5Pcreate(H5P_FILE_ACCESS), "cannot create access properties"), H5Pclose);
  check(H5Pset_sieve_buf_size(access, 0), "cannot switch buffering off");
  return access;
}

Handle scalar_space() { return {check(H5Screate(H5S_SCALAR), "cannot create a scalar dataspace"), H5Sclose}; }

void write_attribute_of(hid_t object, const std::string& name, hid_t type, const Handle& space,
                        const void* value) {
  const Handle attribute(check(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                               fmt::format("cannot create attribute '{}'", name)),
                         H5Aclose);
  check(H5Awrite(attribute, type, value), fmt::format("cannot write attribute '{}'", name));
}

Handle write_dataset_of(hid_t parent, const std::string& name, hid_t type, const Handle& space,
                        const void* value) {
  const Handle properties = create_dataset_properties();
  Handle dataset(check(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                       fmt::format("cannot create dataset '{}'", name)),
                 H5Dclose);
  check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value),
        fmt::format("cannot write dataset '{}'", name));
  return dataset;
}

} // namespace

void start() {
  [[maybe_unused]] static const bool started = [] {
    H5dont_atexit();
    return H5open() >= 0;
  }();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); // per thread
}

std::string error_text() {
  std::string text = system_reason(innermost_text());
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

bool locks_files() {
  const char* wish = std::getenv("HDF5_USE_FILE_LOCKING");
  return wish == nullptr || (std::strcmp(wish, "FALSE") != 0 && std::strcmp(wish, "0") != 0);
}

std::string explain_lock(int error) {
  if (error == EAGAIN) return "another process has it open for writing; wait until that has ended";
  return fmt::format("its file system has no locks ({}); HDF5_USE_FILE_LOCKING=FALSE in the environment does "
                     "without, when no other process writes the file",
                     std::strerror(error));
}

hid_t check(hid_t status, const std::string& what) {
  if (status < 0) throw RunError(fmt::format("{} (HDF5: {})", what, error_text()));
  return status;
}

void Handle::close(const std::string& what) {
  const hid_t id = std::exchange(id_, H5I_INVALID_HID);
  if (id >= 0) check(close_(id), what);
}

Handle create_file(const std::filesystem::path& file) {
  start();
  const Handle properties(check(H5Pcreate(H5P_FILE_CREATE), "cannot create file properties"), H5Pclose);
  check(H5Pset_obj_track_times(properties, false), "cannot switch object times off");
  return opened(H5Fcreate(file.c_str(), H5F_ACC_TRUNC, properties, unbuffered_access()), file, "create");
}

Handle open_file(const std::filesystem::path& file, Access access) {
  start();
  const unsigned flags = access == Access::read_only ? H5F_ACC_RDONLY : H5F_ACC_RDWR;
  return opened(H5Fopen(file.c_str(), flags, unbuffered_access()), file, "open");
}

Handle complex_type() {
  Handle type(check(H5Tcreate(H5T_COMPOUND, sizeof(std::complex<float>)), "cannot create the complex type"),
              H5Tclose);
  check(H5Tinsert(type, "r", 0, H5T_IEEE_F32LE), "cannot create the complex type");
  check(H5Tinsert(type, "i", sizeof(float), H5T_IEEE_F32LE), "cannot create the complex type");
  return type;
}

Handle boolean_type() {
  Handle type(check(H5Tenum_create(H5T_STD_I8LE), "cannot create the boolean type"), H5Tclose);
  for (const auto& [name, value] : {std::pair{"FALSE", std::int8_t{0}}, std::pair{"TRUE", std::int8_t{1}}}) {
    check(H5Tenum_insert(type, name, &value), "cannot create the boolean type");
  }
  return type;
}

Handle half_type() {
  Handle type(check(H5Tcopy(H5T_IEEE_F32LE), "cannot create the float16 type"), H5Tclose);
  check(H5Tset_fields(type, 15, 10, 5, 0, 10), "cannot create the float16 type");
  check(H5Tset_size(type, 2), "cannot create the float16 type");
  check(H5Tset_ebias(type, 15), "cannot create the float16 type");
  return type;
}

Handle text_type() {
  // Variable length and UTF-8: h5py hands these back as str, which emdfile compares with ==.
  Handle type(check(H5Tcopy(H5T_C_S1), "cannot create the text type"), H5Tclose);
  check(H5Tset_size(type, H5T_VARIABLE), "cannot create the text type");
  check(H5Tset_cset(type, H5T_CSET_UTF8), "cannot create the text type");
  return type;
}

std::string type_name(hid_t type) {
  const std::size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    return fmt::format("float{}", bits);
  case H5T_INTEGER:
    return fmt::format("{}int{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
  case H5T_STRING:
    return "string";
  case H5T_COMPOUND:
    return fmt::format("compound of {} members", H5Tget_nmembers(type));
  case H5T_ENUM:
    return "enumeration";
  default:
    return "another type";
  }
}

Handle create_group(hid_t parent, const std::string& name) {
  const Handle properties(check(H5Pcreate(H5P_GROUP_CREATE), "cannot create group properties"), H5Pclose);
  check(H5Pset_obj_track_times(properties, false), "cannot switch object times off");
  return {check(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT),
                fmt::format("cannot create group '{}'", name)),
          H5Gclose};
}

Handle create_space(const Shape& shape) {
  return {check(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                "cannot create a dataspace"),
          H5Sclose};
}

Handle create_dataset_properties() {
  Handle properties(check(H5Pcreate(H5P_DATASET_CREATE), "cannot create dataset properties"), H5Pclose);
  check(H5Pset_obj_track_times(properties, false), "cannot switch object times off");
  return properties;
}

Handle create_dataset(hid_t parent, const std::string& name, hid_t type, const Shape& shape,
                      const Handle& properties) {
  const Handle space = create_space(shape);
  return {check(H5Dcreate2(parent, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                fmt::format("cannot create dataset '{}'", name)),
          H5Dclose};
}

Handle create_contiguous(hid_t parent, const std::string& name, hid_t type, const Shape& shape) {
  const Handle properties = create_dataset_properties();
  check(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY), "cannot set allocation");
  check(H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER), "cannot set filling");
  return create_dataset(parent, name, type, shape, properties);
}

Handle create_chunked(hid_t parent, const std::string& name, hid_t type, const Shape& shape,
                      const Shape& chunk) {
  const Handle properties = create_dataset_properties();
  check(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY), "cannot set allocation");
  check(H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER), "cannot set filling");
  check(H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data()), "cannot set chunks");
  return create_dataset(parent, name, type, shape, properties);
}

Handle open_dataset(hid_t file, const std::string& name) {
  return {check(H5Dopen2(file, name.c_str(), H5P_DEFAULT), fmt::format("cannot open dataset '{}'", name)),
          H5Dclose};
}

void link_softly(hid_t file, const std::string& target, const std::string& name) {
  check(H5Lcreate_soft(target.c_str(), file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        fmt::format("cannot create link '{}'", name));
}

Handle write_text(hid_t parent, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  return write_dataset_of(parent, name, text_type(), scalar_space(), static_cast<const void*>(&text));
}

Handle write_number(hid_t parent, const std::string& name, double value) {
  return write_dataset_of(parent, name, H5T_IEEE_F64LE, scalar_space(), &value);
}

Handle write_boolean(hid_t parent, const std::string& name, bool value) {
  const std::int8_t stored = value ? 1 : 0;
  return write_dataset_of(parent, name, boolean_type(), scalar_space(), &stored);
}

Handle write_array(hid_t parent, const std::string& name, std::span<const double> values,
                   const Shape& shape) {
  return write_dataset_of(parent, name, H5T_IEEE_F64LE, create_space(shape), values.data());
}

Handle write_array(hid_t parent, const std::string& name, std::span<const float> values, const Shape& shape) {
  return write_dataset_of(parent, name, H5T_IEEE_F32LE, create_space(shape), values.data());
}

Handle write_array(hid_t parent, const std::string& name, std::span<const std::int32_t> values,
                   const Shape& shape) {
  return write_dataset_of(parent, name, H5T_STD_I32LE, create_space(shape), values.data());
}

Handle write_array(hid_t parent, const std::string& name, std::span<const std::uint64_t> values,
                   const Shape& shape) {
  return write_dataset_of(parent, name, H5T_STD_U64LE, create_space(shape), values.data());
}

Handle write_array(hid_t parent, const std::string& name, std::span<const std::complex<float>> values,
                   const Shape& shape) {
  return write_dataset_of(parent, name, complex_type(), create_space(shape), values.data());
}

void write_attribute(hid_t object, const std::string& name, const std::string& value) {
  const char* text = value.c_str();
  write_attribute_of(object, name, text_type(), scalar_space(), static_cast<const void*>(&text));
}

void write_attribute(hid_t object, const std::string& name, double value) {
  write_attribute_of(object, name, H5T_IEEE_F64LE, scalar_space(), &value);
}

void write_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_attribute_of(object, name, H5T_STD_I64LE, scalar_space(), &value);
}

void write_attribute(hid_t object, const std::string& name, std::uint64_t value) {
  write_attribute_of(object, name, H5T_STD_U64LE, scalar_space(), &value);
}

void write_attribute(hid_t object, const std::string& name, std::span<const double> values) {
  write_attribute_of(object, name, H5T_IEEE_F64LE, create_space({values.size()}), values.data());
}

void write_attribute(hid_t object, const std::string& name, std::span<const std::int64_t> values) {
  write_attribute_of(object, name, H5T_STD_I64LE, create_space({values.size()}), values.data());
}

void read_box(hid_t dataset, const Shape& offset, const Shape& count, hid_t type, void* values,
              const std::string& what) {
  const Handle space(check(H5Dget_space(dataset), what), H5Sclose);
  check(H5Sselect_hyperslab(space, H5S_SELECT_SET, offset.data(), nullptr, count.data(), nullptr), what);
  const Handle memory = create_space(count);
  check(H5Dread(dataset, type, memory, space, H5P_DEFAULT, values), what);
}

} // namespace ptychoscale::hdf5
