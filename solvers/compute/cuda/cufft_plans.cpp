#include "cufft_plans.hpp"

#include "check.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ptychoscale::cuda {

CufftPlans::Handle::Handle() { check(cufftCreate(&value), "cufftCreate"); }
CufftPlans::Handle::~Handle() { report(cufftDestroy(value), "cufftDestroy"); }

CufftPlans::Plan::Plan(int length, int stride, int distance, int lines, cudaStream_t stream) {
  check(cufftSetAutoAllocation(plan_.value, 0), "cufftSetAutoAllocation");
  check(cufftMakePlanMany(plan_.value, 1, &length, &length, stride, distance, &length, stride, distance,
                          CUFFT_C2C, lines, &work_bytes_),
        "cufftMakePlanMany");
  check(cufftSetStream(plan_.value, stream), "cufftSetStream");
}

void CufftPlans::Plan::use(void* work) const {
  check(cufftSetWorkArea(plan_.value, work), "cufftSetWorkArea");
}

void CufftPlans::Plan::run(Complex* first_line, Direction direction) const {
  auto* data = reinterpret_cast<cufftComplex*>(first_line);
  check(
      cufftExecC2C(plan_.value, data, data, direction == Direction::forward ? CUFFT_FORWARD : CUFFT_INVERSE),
      "cufftExecC2C");
}

void CufftPlans::prepare(Extent extent) {
  if (plans_.try_emplace({extent.y, extent.x}, extent, stream_).second) share_work_area();
}

void CufftPlans::share_work_area() {
  std::size_t most = 1;
  for (const auto& [extent, of] : plans_)
    most = std::max({most, of.rows.work_bytes(), of.rows_of_two.work_bytes(), of.columns.work_bytes()});
  if (work_.size() < most) {
    work_ = {};
    work_ = Buffer<std::byte>(memory_, most, MemoryLabel::fft);
  }
  for (const auto& [extent, of] : plans_)
    for (const Plan* plan : {&of.rows, &of.rows_of_two, &of.columns}) plan->use(work_.data());
}

const CufftPlans::Plans& CufftPlans::of(Extent extent) const {
  const auto found = plans_.find({extent.y, extent.x});
  if (found == plans_.end())
    throw RunError(fmt::format("transforms of {} x {} pixels were never prepared", extent.y, extent.x));
  return found->second;
}

void CufftPlans::rows(Waves waves, Direction direction) const {
  const Plan& plan = of(waves.extent).rows;
  for (int i = 0; i < waves.count; ++i) plan.run(waves.one(i).data, direction);
}

void CufftPlans::rows_in_pairs(Waves waves, Direction direction) const {
  const Plan& plan = of(waves.extent).rows_of_two;
  for (int i = 0; i < waves.count; i += 2) plan.run(waves.one(i).data, direction);
}

void CufftPlans::columns(Waves waves, Direction direction) const {
  const Plan& plan = of(waves.extent).columns;
  for (int i = 0; i < waves.count; ++i) plan.run(waves.one(i).data, direction);
}

} // namespace ptychoscale::cuda
