#pragma once

#include "hdf5.hpp"
#include "ptychoscale/io/dataset.hpp"

#include <filesystem>
#include <string>

namespace ptychoscale {

/// What a whole dataset says of itself.
struct ContentHashes {
  std::string content;
  std::string patterns;
};

/// [scan_y, scan_x, ky, kx].
[[nodiscard]] hdf5::Shape pattern_shape(const DatasetHeader& header);
/// [slice, y, x].
[[nodiscard]] hdf5::Shape truth_shape(const DatasetHeader& header);

/// The whole file but its patterns and its truth, whose storage is set aside here: afterwards no object moves
/// or grows, so that the order of writing and interruptions leave no trace.
void create_skeleton(const std::filesystem::path& file, const DatasetHeader& header, CountType type,
                     bool with_truth, const std::string& identity);

/// Whether a file that was left unfinished is, beside its patterns and truth, what create_skeleton() makes,
/// or that with its hashes: byte by byte, against one that is made anew beside it and takes no room to
/// speak of.
[[nodiscard]] bool is_skeleton_of(const std::filesystem::path& file, const DatasetHeader& header,
                                  CountType type, bool with_truth, const std::string& identity,
                                  const ContentHashes& hashes);

/// Unless they are there already.
void add_hashes(hid_t file, const ContentHashes& hashes);

} // namespace ptychoscale
