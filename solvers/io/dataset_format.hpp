#pragma once

#include "hdf5.hpp"
#include "ptychoscale/io/dataset.hpp"

#include <cstdint>
#include <string>

/// Names in a dataset file and the rules its header keeps, shared by reader and writer.
namespace ptychoscale::dataset_format {

inline constexpr std::int64_t schema_version = 1;
inline constexpr const char* patterns = "dataset/datacube/data";
inline constexpr const char* microscope = "dataset/metadatabundle/microscope";
inline constexpr const char* calibration = "dataset/metadatabundle/calibration";
inline constexpr const char* axis = "dataset/datacube/dim"; // 0 to 3
inline constexpr const char* group = "ptychoscale";
inline constexpr const char* positions = "ptychoscale/positions_A";
inline constexpr const char* probe = "ptychoscale/probe";
inline constexpr const char* pixels_used = "ptychoscale/pixels_used";
inline constexpr const char* patterns_used = "ptychoscale/patterns_used";
inline constexpr const char* specimen = "ptychoscale/specimen";
inline constexpr const char* truth = "ptychoscale/truth/potential";

/// How counts lie in the file.
[[nodiscard]] hdf5::Handle type_of_counts(CountType type);

/// Throw InputError naming `file`, the field, its value and what would be valid. A header's ranges are those
/// of all but its positions and its probe.
void check_ranges(const DatasetHeader& header, const std::string& file);
void check_header(const DatasetHeader& header, const std::string& file);

} // namespace ptychoscale::dataset_format
