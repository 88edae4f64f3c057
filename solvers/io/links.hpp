#pragma once

#include "hdf5.hpp"

#include <optional>
#include <string>

namespace ptychoscale::hdf5 {

/// The first link on the way to `object` that leads nowhere, and where it leads; none when every link is
/// sound or the first is not there at all.
[[nodiscard]] std::optional<std::string> broken_link(hid_t file, const std::string& object);

/// What a virtual dataset is made of and lacks, a file or a dataset in it: the library reads such parts as
/// zeros and says nothing. None for any other dataset. Of sources that are named by a pattern (%b), those of
/// the blocks within the view's extent are looked for; the library itself ends the extent before a last one
/// that is not there.
[[nodiscard]] std::optional<std::string> missing_source(hid_t dataset);

} // namespace ptychoscale::hdf5
