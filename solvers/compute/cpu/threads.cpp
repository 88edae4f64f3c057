#include "ptychoscale/compute/threads.hpp"

#include <omp.h>

namespace ptychoscale {

int threads_given(int wanted) {
  int given = 1;
#pragma omp parallel num_threads(wanted)
#pragma omp single
  given = omp_get_num_threads();
  return given;
}

} // namespace ptychoscale
