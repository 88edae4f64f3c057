#include "emd.hpp"

#include <array>
#include <cstdint>

namespace ptychoscale::emd {
namespace {

hdf5::Handle create_node(hid_t parent, const std::string& name, const std::string& group_type,
                         const std::string& python_class) {
  hdf5::Handle group = hdf5::create_group(parent, name);
  hdf5::write_attribute(group, "emd_group_type", group_type);
  hdf5::write_attribute(group, "python_class", python_class);
  return group;
}

} // namespace

void write_file_header(hid_t file, const std::string& uuid) {
  hdf5::write_attribute(file, "emd_group_type", "file");
  hdf5::write_attribute(file, "version_major", std::int64_t{1});
  hdf5::write_attribute(file, "version_minor", std::int64_t{0});
  hdf5::write_attribute(file, "UUID", uuid);
  hdf5::write_attribute(file, "authoring_program", "ptychoscale");
  hdf5::write_attribute(file, "authoring_user", "");
}

hdf5::Handle create_root(hid_t file, const std::string& name) {
  return create_node(file, name, "root", "Root");
}

hdf5::Handle create_array(hid_t parent, const std::string& name, const std::string& python_class) {
  return create_node(parent, name, "array", python_class);
}

void write_axis(hid_t array, int n, double step, const std::string& name, const std::string& units) {
  // Two values stand for a whole linear axis.
  const hdf5::Handle axis =
      hdf5::write_array(array, "dim" + std::to_string(n), std::array<double, 2>{0.0, step}, {2});
  hdf5::write_attribute(axis, "name", name);
  hdf5::write_attribute(axis, "units", units);
}

Metadata::Metadata(hid_t bundle, const std::string& name, const std::string& python_class)
    : group_(create_node(bundle, name, "metadata", python_class)) {}

void Metadata::text(const std::string& name, const std::string& value) {
  hdf5::write_attribute(hdf5::write_text(group_, name, value), "type", "string");
}

void Metadata::number(const std::string& name, double value) {
  hdf5::write_attribute(hdf5::write_number(group_, name, value), "type", "number");
}

void Metadata::boolean(const std::string& name, bool value) {
  hdf5::write_attribute(hdf5::write_boolean(group_, name, value), "type", "bool");
}

hdf5::Handle create_metadata_bundle(hid_t node) {
  hdf5::Handle bundle = hdf5::create_group(node, "metadatabundle");
  hdf5::write_attribute(bundle, "emd_group_type", "metadatabundle");
  return bundle;
}

} // namespace ptychoscale::emd
