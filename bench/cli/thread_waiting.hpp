#pragma once

namespace ptychoscale {

/// Lets threads that wait for each other sleep after some ten microseconds, unless the environment says how
/// they are to wait. GNU OpenMP's own choice is to spin for milliseconds: where another process, or the
/// system, takes one core for a moment, the threads of a rank come to share the other, each spins while the
/// next could work, and a run takes tens of times as long. On a quiet machine it makes no difference.
///
/// The runtime looks into the environment when it is loaded, so this sets it and starts the program again in
/// its place; where that fails, it goes on as it is.
void let_threads_sleep_soon(char** argv);

} // namespace ptychoscale
