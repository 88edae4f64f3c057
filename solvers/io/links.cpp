#include "links.hpp"

#include <fmt/format.h>

#include <compare>
#include <filesystem>
#include <set>
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

bool has_object(hid_t file, const std::string& name) {
  const bool there = leads_somewhere(file, name);
  H5Eclear2(H5E_DEFAULT);
  return there;
}

/// A part of a view: `dataset` in the file `file`; "." is the view's own.
struct Source {
  std::string file, dataset;
  auto operator<=>(const Source&) const = default;
};

std::optional<std::string> missing(hid_t view, const Source& source) {
  if (source.file == ".") {
    const Handle own(check(H5Iget_file_id(view), "cannot get a dataset's file"), H5Fclose);
    if (has_object(own, source.dataset)) return std::nullopt;
    return fmt::format("'{}' in the same file, which has none", source.dataset);
  }
  const auto file = found_source(file_of(view), source.file);
  if (!file) return fmt::format("'{}' in the file '{}', which is not there", source.dataset, source.file);
  try {
    const Handle opened = open_file(*file, Access::read_only);
    if (has_object(opened, source.dataset)) return std::nullopt;
    return fmt::format("'{}' in the file '{}', which has none", source.dataset, source.file);
  } catch (const RunError& e) {
    return fmt::format("'{}' in another file: {}", source.dataset, e.what());
  }
}

/// The name of a source for one block of a view without end: there %b is the block's number, and %% is %.
std::string name_for_block(const std::string& pattern, hsize_t block) {
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool special = pattern[i] == '%' && i + 1 < pattern.size();
    if (special && pattern[i + 1] == 'b')
      name += fmt::to_string(block);
    else
      name += pattern[i];
    if (special) ++i;
  }
  return name;
}

/// How many blocks of a mapping begin within the view; 1 where the mapping has an end.
hsize_t blocks_within(hid_t view, hid_t mapped) {
  const auto rank =
      static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(mapped), "cannot get a mapping"));
  std::vector<hsize_t> start(rank), stride(rank), count(rank), block(rank), extent(rank);
  if (H5Sis_regular_hyperslab(mapped) <= 0 ||
      H5Sget_regular_hyperslab(mapped, start.data(), stride.data(), count.data(), block.data()) < 0)
    return 1;
  const Handle space(check(H5Dget_space(view), "cannot get a dataset's extent"), H5Sclose);
  check(H5Sget_simple_extent_dims(space, extent.data(), nullptr), "cannot get a dataset's extent");
  for (std::size_t d = 0; d < rank; ++d)
    if (count[d] == H5S_UNLIMITED)
      return extent[d] > start[d] ? (extent[d] - start[d] + stride[d] - 1) / stride[d] : 0;
  return 1;
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
  std::set<Source> checked; // most views have many parts of few files
  for (size_t i = 0; i < count; ++i) {
    const std::string file = source_name(H5Pget_virtual_filename, properties, i);
    const std::string name = source_name(H5Pget_virtual_dsetname, properties, i);
    const Handle mapped(check(H5Pget_virtual_vspace(properties, i), "cannot get a mapping"), H5Sclose);
    const hsize_t blocks = (file + name).find("%b") == std::string::npos ? 1 : blocks_within(dataset, mapped);
    for (hsize_t block = 0; block < blocks; ++block) {
      const Source source{name_for_block(file, block), name_for_block(name, block)};
      if (!checked.insert(source).second) continue;
      if (auto lacking = missing(dataset, source)) return lacking;
    }
  }
  return std::nullopt;
}

} // namespace ptychoscale::hdf5
