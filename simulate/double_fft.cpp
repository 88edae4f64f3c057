#include "double_fft.hpp"

#include "fourier_half_plane.hpp"
#include "ptychoscale/base/error.hpp"

#include <fftw3.h>

#include <mutex>
#include <string>

namespace ptychoscale {
namespace {

// FFTW's planner, unlike its execution, is not thread-safe.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

fftw_complex* native(std::complex<double>* line) { return reinterpret_cast<fftw_complex*>(line); }

fftw_plan make_plan(int length, DoubleFft::Kind kind) {
  const auto size = static_cast<std::size_t>(length);
  FftVector<double> real(size);
  FftVector<std::complex<double>> complex(size);
  fftw_complex* c = native(complex.data());
  switch (kind) {
  case DoubleFft::Kind::real_to_complex:
    return fftw_plan_dft_r2c_1d(length, real.data(), c, FFTW_ESTIMATE);
  case DoubleFft::Kind::forward:
    return fftw_plan_dft_1d(length, c, c, FFTW_FORWARD, FFTW_ESTIMATE);
  case DoubleFft::Kind::inverse:
    return fftw_plan_dft_1d(length, c, c, FFTW_BACKWARD, FFTW_ESTIMATE);
  case DoubleFft::Kind::complex_to_real:
    return fftw_plan_dft_c2r_1d(length, c, real.data(), FFTW_ESTIMATE);
  }
  return nullptr;
}

} // namespace

DoubleFft::DoubleFft(int length, Kind kind) {
  const std::scoped_lock lock(planner());
  plan_.reset(make_plan(length, kind));
  if (!plan_) throw RunError("FFTW could not plan a transform of length " + std::to_string(length));
}

void DoubleFft::Destroy::operator()(fftw_plan_s* plan) const noexcept {
  const std::scoped_lock lock(planner());
  fftw_destroy_plan(plan);
}

void DoubleFft::run(std::complex<double>* line) const {
  fftw_execute_dft(plan_.get(), native(line), native(line));
}
void DoubleFft::run(double* in, std::complex<double>* out) const {
  fftw_execute_dft_r2c(plan_.get(), in, native(out));
}
void DoubleFft::run(std::complex<double>* in, double* out) const {
  fftw_execute_dft_c2r(plan_.get(), native(in), out);
}

} // namespace ptychoscale
