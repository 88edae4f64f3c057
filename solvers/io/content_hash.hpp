#pragma once

#include "progress_file.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "skeleton.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ptychoscale {

/// What two writers must share for one to go on where the other stopped: a digest of the header, of how
/// counts are stored and of whether there is a truth.
[[nodiscard]] std::string identity_of(const DatasetHeader& header, CountType type, bool with_truth);

/// Digest of an identity and of the hash of every part, in order: what a dataset stores as its content hash.
[[nodiscard]] std::string content_hash(std::string_view identity, const PartHashes& parts);

/// The same of the patterns in use alone, which a reconstruction reads anyway: what a dataset stores as their
/// hash.
[[nodiscard]] std::string patterns_hash(std::string_view identity,
                                        const std::map<int, std::uint64_t>& patterns);

/// Both, of all parts.
[[nodiscard]] ContentHashes hashes_of_parts(const DatasetHeader& header, std::string_view identity,
                                            PartHashes parts);

} // namespace ptychoscale
