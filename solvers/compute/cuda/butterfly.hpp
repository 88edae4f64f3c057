#pragma once

#include "complex64.hpp"
#include "ptychoscale/compute/backend.hpp"

namespace ptychoscale::cuda {

#define PTYCHOSCALE_LINE PTYCHOSCALE_HD
#define PTYCHOSCALE_LINE_LAMBDA
#include "../lines/butterfly-inl.hpp"
#undef PTYCHOSCALE_LINE
#undef PTYCHOSCALE_LINE_LAMBDA

} // namespace ptychoscale::cuda
