#pragma once

#include "hdf5.hpp"

#include <string>

/// The pieces of an EMD 1.0 tree (emdatasets.com/format), as emdfile 0.0.16 writes and reads them.
namespace ptychoscale::emd {

/// Marks `file` as EMD 1.0.
void write_file_header(hid_t file, const std::string& uuid);

/// The one root of a file's tree.
[[nodiscard]] hdf5::Handle create_root(hid_t file, const std::string& name);

/// Group `name` for an array; `python_class` is "Array" or "DataCube". The caller adds the dataset "data" and
/// its axes.
[[nodiscard]] hdf5::Handle create_array(hid_t parent, const std::string& name,
                                        const std::string& python_class);

/// Axis `n` of the array in `array`: starts at 0, the given step.
void write_axis(hid_t array, int n, double step, const std::string& name, const std::string& units);

/// A group of single values below a tree node. `bundle` is the node's metadatabundle.
class Metadata {
public:
  [[nodiscard]] Metadata(hid_t bundle, const std::string& name, const std::string& python_class);
  void text(const std::string& name, const std::string& value);
  void number(const std::string& name, double value);
  void boolean(const std::string& name, bool value);

private:
  hdf5::Handle group_;
};

[[nodiscard]] hdf5::Handle create_metadata_bundle(hid_t node);

} // namespace ptychoscale::emd
