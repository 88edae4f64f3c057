#pragma once

#include <functional>
#include <string>

namespace ptychoscale {

/// Reads what may be damaged in a child of this process first, since the HDF5 library does not survive all
/// damage: up to 1.14 a global heap (where text of variable length lies) with a wrong size ends the process
/// with a signal, and a cycle of links or of a tree may keep it busy for ever. What `read` throws is left to
/// the reading that follows. Throws InputError naming `file` where the child crashed or did not end.
void read_first_in_a_child(const std::string& file, const std::function<void()>& read);

} // namespace ptychoscale
