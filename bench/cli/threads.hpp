#pragma once

namespace ptychoscale {

class Communicator;

/// Threads of this rank: `asked`, or without that (0) what default_threads() says; and of these what OpenMP
/// really gives, which is what reports name. Standard error says what is not as the user asked: an overruled
/// OMP_NUM_THREADS, fewer threads than wanted, more than cores. `comm` is null for a command without MPI.
[[nodiscard]] int ready_threads(int asked, const Communicator* comm);

} // namespace ptychoscale
