#include "probe_image.hpp"

#include <fftw3.h>

#include <cmath>
#include <complex>
#include <memory>
#include <type_traits>

namespace ptychoscale {
namespace {

struct DestroyPlan {
  void operator()(fftw_plan plan) const { fftw_destroy_plan(plan); }
};
using Plan = std::unique_ptr<std::remove_pointer_t<fftw_plan>, DestroyPlan>;

void add_image_of_mode(std::span<const Complex> mode, Extent extent, std::vector<Complex>& images) {
  std::vector<std::complex<double>> field(mode.begin(), mode.end());
  auto* data = reinterpret_cast<fftw_complex*>(field.data()); // the layout FFTW documents for std::complex
  const Plan plan(fftw_plan_dft_2d(extent.y, extent.x, data, data, FFTW_BACKWARD, FFTW_ESTIMATE));
  fftw_execute(plan.get());
  const double scale = 1 / std::sqrt(static_cast<double>(extent.area()));
  std::vector<Complex> image(field.size());
  for (int y = 0; y < extent.y; ++y) {
    for (int x = 0; x < extent.x; ++x) {
      const auto from =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) + static_cast<std::size_t>(x);
      const auto row = static_cast<std::size_t>((y + extent.y / 2) % extent.y);
      const auto column = static_cast<std::size_t>((x + extent.x / 2) % extent.x);
      image[row * static_cast<std::size_t>(extent.x) + column] = Complex(field[from] * scale);
    }
  }
  images.insert(images.end(), image.begin(), image.end());
}

} // namespace

std::vector<Complex> probe_image(std::span<const Complex> probe, Extent extent) {
  std::vector<Complex> images;
  for (; !probe.empty(); probe = probe.subspan(extent.area()))
    add_image_of_mode(probe.first(extent.area()), extent, images);
  return images;
}

} // namespace ptychoscale
