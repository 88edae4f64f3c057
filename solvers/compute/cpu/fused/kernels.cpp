#include "kernels.hpp"

// Compiled once for each of these, by including itself; the rest is for the processor that the program as a
// whole is for. Vectors of no fixed length cannot be kept in arrays.
#define HWY_DISABLED_TARGETS                                                                                 \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/fused/kernels.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h> // before highway.h
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace ptychoscale::cpu::fused {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
// Each needs those before it.
// clang-format off
#include "lanes-inl.hpp"
#include "passes-inl.hpp"
#include "columns-inl.hpp"
#include "rows-inl.hpp"
// clang-format on

KernelSet these_kernels() {
  return {.instruction_set = hwy::TargetName(HWY_TARGET),
          .columns_at_once = lanes_of<ColumnTag>,
          .rows_at_once = rows_at_once,
          .row_lanes = row_lanes,
          .transform_columns = transform_columns,
          .propagate = propagate,
          .transform_rows = transform_rows,
          .transmit = transmit,
          .transmit_adjoint = transmit_adjoint};
}

} // namespace
KernelSet kernels() { return these_kernels(); }
} // namespace HWY_NAMESPACE
} // namespace ptychoscale::cpu::fused
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ptychoscale::cpu::fused {
namespace {
HWY_EXPORT(kernels);
}

KernelSet best_kernels() { return HWY_DYNAMIC_DISPATCH(kernels)(); }

std::vector<KernelSet> all_kernels() {
  std::vector<KernelSet> all;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    all.push_back(best_kernels());
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return all;
}

} // namespace ptychoscale::cpu::fused
#endif
