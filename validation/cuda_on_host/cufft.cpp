#include "memory.hpp"
#include "queue.hpp"

#include <fftw3.h>

#include <complex>
#include <cufft.h>
#include <map>
#include <memory>
#include <vector>

namespace cuda_on_host {
namespace {

/// Lines of `length` values `stride` apart, one `distance` behind the other.
struct Lines {
  int length = 0;
  int stride = 0;
  int distance = 0;
  int count = 0;
};

struct Plan {
  Lines lines;
  void* work = nullptr;
  bool automatic = true; ///< cuFFT's own work area
  cudaStream_t stream = nullptr;
};

std::map<cufftHandle, Plan> plans;

/// A transform of one line in double precision, made once per length and direction.
class LineTransform {
public:
  LineTransform(int length, int direction) : values_(static_cast<std::size_t>(length)) {
    auto* v = reinterpret_cast<fftw_complex*>(values_.data());
    plan_.reset(fftw_plan_dft_1d(length, v, v, direction == CUFFT_FORWARD ? FFTW_FORWARD : FFTW_BACKWARD,
                                 FFTW_ESTIMATE));
  }
  [[nodiscard]] std::vector<std::complex<double>>& values() { return values_; }
  void run() { fftw_execute(plan_.get()); }

private:
  struct Destroy {
    void operator()(fftw_plan plan) const { fftw_destroy_plan(plan); }
  };
  std::vector<std::complex<double>> values_;
  std::unique_ptr<std::remove_pointer_t<fftw_plan>, Destroy> plan_;
};

LineTransform& transform_of(int length, int direction) {
  static std::map<std::pair<int, int>, LineTransform> transforms;
  return transforms.try_emplace({length, direction}, length, direction).first->second;
}

/// By way of the work area, so that one that is too small or not there any more shows.
void run(const Plan& plan, cufftComplex* in, cufftComplex* out, int direction) {
  const Lines& lines = plan.lines;
  auto& transform = transform_of(lines.length, direction);
  auto& values = transform.values();
  for (int line = 0; line < lines.count; ++line) {
    const auto at = [&](std::size_t i) {
      return static_cast<std::ptrdiff_t>(line) * lines.distance +
             static_cast<std::ptrdiff_t>(i) * lines.stride;
    };
    auto* work = static_cast<cufftComplex*>(plan.work) + static_cast<std::ptrdiff_t>(line) * lines.length;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = {in[at(i)].x, in[at(i)].y};
    transform.run();
    for (std::size_t i = 0; i < values.size(); ++i)
      work[i] = {static_cast<float>(values[i].real()), static_cast<float>(values[i].imag())};
    for (std::size_t i = 0; i < values.size(); ++i) out[at(i)] = work[i];
  }
}

Plan* find(cufftHandle handle) {
  const auto found = plans.find(handle);
  return found == plans.end() ? nullptr : &found->second;
}

} // namespace
} // namespace cuda_on_host

using namespace cuda_on_host;

extern "C" {

cufftResult cufftCreate(cufftHandle* plan) {
  const Turn turn;
  static cufftHandle next = 1;
  plans[*plan = next++] = {};
  return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle plan) {
  const Turn turn;
  return plans.erase(plan) == 1 ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}

cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic) {
  const Turn turn;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  plan->automatic = automatic != 0;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream) {
  const Turn turn;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  plan->stream = stream;
  return CUFFT_SUCCESS;
}

cufftResult cufftSetWorkArea(cufftHandle handle, void* work) {
  const Turn turn;
  Plan* plan = find(handle);
  if (plan == nullptr) return CUFFT_INVALID_PLAN;
  if (!in_device_memory(work)) return CUFFT_INVALID_VALUE;
  plan->work = work;
  return CUFFT_SUCCESS;
}

/// Every plan needs a work area as large as its lines; of cuFFT's, some need none.
cufftResult cufftMakePlanMany(cufftHandle handle, int rank, int* lengths, int* in_embedding, int in_stride,
                              int in_distance, int* out_embedding, int out_stride, int out_distance,
                              cufftType type, int batch, std::size_t* work_bytes) {
  const Turn turn;
  Plan* plan = find(handle);
  if (plan == nullptr || plan->lines.length != 0) return CUFFT_INVALID_PLAN;
  if (invalidate_captures()) return CUFFT_INTERNAL_ERROR;
  if (rank != 1 || type != CUFFT_C2C || in_embedding == nullptr || out_embedding == nullptr ||
      in_stride != out_stride || in_distance != out_distance)
    give_up("of cuFFT only lines of complex numbers with a stride are built, the same in and out");
  if (plan->automatic) give_up("of cuFFT only plans with a work area of the caller's are built");
  if (lengths[0] < 1 || batch < 1) return CUFFT_INVALID_SIZE;
  plan->lines = {lengths[0], in_stride, in_distance, batch};
  *work_bytes = sizeof(cufftComplex) * static_cast<unsigned>(lengths[0]) * static_cast<unsigned>(batch);
  return CUFFT_SUCCESS;
}

cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* in, cufftComplex* out, int direction) {
  const Turn turn;
  const Plan* plan = find(handle);
  if (plan == nullptr || plan->lines.length == 0) return CUFFT_INVALID_PLAN;
  if (direction != CUFFT_FORWARD && direction != CUFFT_INVERSE) return CUFFT_INVALID_VALUE;
  if (!in_device_memory(in) || !in_device_memory(out)) return CUFFT_INVALID_VALUE;
  if (plan->work == nullptr) return CUFFT_INTERNAL_ERROR;
  const auto work = [=, now = *plan] { run(now, in, out, direction); };
  return queue(work, plan->stream) == cudaSuccess ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}
}
