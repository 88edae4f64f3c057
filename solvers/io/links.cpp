#include "links.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <vector>

namespace ptychoscale::hdf5 {
namespace {

namespace fs = std::filesystem;

std::string describe(hid_t file, const std::string& link, const H5L_info_t& info) {
  std::vector<char> value(info.u.val_size + 1);
  if (H5Lget_val(file, link.c_str(), value.data(), info.u.val_size, H5P_DEFAULT) < 0)
    return "an unknown place";
  if (info.type == H5L_TYPE_SOFT) return fmt::format("'{}'", value.data());
  const char* target = nullptr;
  const char* object = nullptr;
  if (H5Lunpack_elink_val(value.data(), info.u.val_size, nullptr, &target, &object) < 0)
    return "an unknown place";
  return fmt::format("'{}' in the file '{}'", object, target);
}

bool leads_somewhere(hid_t file, const std::string& link) {
  return H5Oexists_by_name(file, link.c_str(), H5P_DEFAULT) > 0;
}

using NameOf = ssize_t (*)(hid_t properties, size_t index, char* name, size_t size);

std::string source_name(NameOf name_of, hid_t properties, size_t index) {
  const ssize_t length = name_of(properties, index, nullptr, 0);
  std::vector<char> name(length > 0 ? static_cast<std::size_t>(length) + 1 : 1);
  if (length > 0) name_of(properties, index, name.data(), name.size());
  return name.data();
}

/// The file that holds `dataset`.
fs::path file_of(hid_t dataset) {
  const ssize_t length = H5Fget_name(dataset, nullptr, 0);
  std::vector<char> name(length > 0 ? static_cast<std::size_t>(length) + 1 : 1);
  if (length > 0) H5Fget_name(dataset, name.data(), name.size());
  return name.data();
}

/// Where the library looks for a source: beside the view, then where the program was started.
std::optional<fs::path> found_source(const fs::path& view, const fs::path& source) {
  std::error_code none;
  for (const auto& candidate : {view.parent_path() / source, source, view.parent_path() / source.filename()})
    if (fs::is_regular_file(candidate, none)) return candidate;
  return std::nullopt;
}

std::optional<std::string> missing_source_of(const fs::path& view, const std::string& source,
                                             const std::string& dataset) {
  const auto file = found_source(view, source);
  if (!file) return fmt::format("'{}' in the file '{}', which is not there", dataset, source);
  try {
    const Handle opened = open_file(*file, Access::read_only);
    const bool there = leads_somewhere(opened, dataset);
    H5Eclear2(H5E_DEFAULT);
    if (!there) return fmt::format("'{}' in the file '{}', which has none", dataset, source);
    return std::nullopt;
  } catch (const RunError& e) {
    return fmt::format("'{}' in another file: {}", dataset, e.what());
  }
}

} // namespace

std::optional<std::string> broken_link(hid_t file, const std::string& object) {
  std::optional<std::string> broken;
  for (std::size_t end = 0; end != std::string::npos && !broken;) {
    end = object.find('/', end + 1);
    const std::string link = object.substr(0, end);
    H5L_info_t info;
    if (H5Lexists(file, link.c_str(), H5P_DEFAULT) <= 0 ||
        H5Lget_info(file, link.c_str(), &info, H5P_DEFAULT) < 0)
      break;
    if (info.type != H5L_TYPE_HARD && !leads_somewhere(file, link))
      broken = fmt::format("'{}' is a link to {}, which is not there", link, describe(file, link, info));
  }
  H5Eclear2(H5E_DEFAULT);
  return broken;
}

std::optional<std::string> missing_source(hid_t dataset) {
  const Handle properties(check(H5Dget_create_plist(dataset), "cannot get a dataset's properties"), H5Pclose);
  if (H5Pget_layout(properties) != H5D_VIRTUAL) return std::nullopt;
  size_t count = 0;
  check(H5Pget_virtual_count(properties, &count), "cannot get a virtual dataset's sources");
  std::string checked; // most views have many parts of few files
  for (size_t i = 0; i < count; ++i) {
    const std::string file = source_name(H5Pget_virtual_filename, properties, i);
    const std::string name = source_name(H5Pget_virtual_dsetname, properties, i);
    if (file == "." || file.find('%') != std::string::npos || file + '/' + name == checked) continue;
    if (const auto missing = missing_source_of(file_of(dataset), file, name)) return missing;
    checked = file + '/' + name;
  }
  return std::nullopt;
}

} // namespace ptychoscale::hdf5
