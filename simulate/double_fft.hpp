#pragma once

#include <complex>
#include <memory>

struct fftw_plan_s;

namespace ptychoscale {

/// One-dimensional fp64 FFT of one length and kind, unscaled; a handle of an FFTW plan.
///
/// Planned by estimate and without wisdom, so that the same input gives the same bytes in every run; a line
/// is transformed by one thread, so that it does so at every thread count. Lines must be aligned to 64 bytes.
/// Running is thread-safe.
class DoubleFft {
public:
  enum class Kind { real_to_complex, forward, inverse, complex_to_real };
  [[nodiscard]] DoubleFft(int length, Kind kind);
  /// Complex lines, in place (`forward`, `inverse`).
  void run(std::complex<double>* line) const;
  /// `length` reals to length / 2 + 1 complex (`real_to_complex`); may overwrite its input.
  void run(double* in, std::complex<double>* out) const;
  /// length / 2 + 1 complex to `length` reals (`complex_to_real`); overwrites its input.
  void run(std::complex<double>* in, double* out) const;

private:
  struct Destroy {
    void operator()(fftw_plan_s* plan) const noexcept;
  };
  std::unique_ptr<fftw_plan_s, Destroy> plan_;
};

} // namespace ptychoscale
