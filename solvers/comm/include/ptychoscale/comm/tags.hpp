#pragma once

namespace ptychoscale {

/// The tag of messages that are sent while an exchange may be under way, whose own count from 0: the largest
/// that every MPI has. With one of the exchange's a receive would take what belongs to the other.
inline constexpr int tag_beside_exchanges = 32767;

} // namespace ptychoscale
