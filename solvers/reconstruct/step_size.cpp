#include "step_size.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/window_model.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

struct Brightness {
  double one = 0; ///< brightest pixel of one probe
  double all = 0; ///< of the sum over an endless raster of them
};

/// Brightest N |psi|^2 of a real-space wave, alone and repeated with the scan's steps (folded into one cell
/// of the raster).
Brightness brightness(const Complex* wave, Extent e, double step_y_px, double step_x_px) {
  const int cell_y = std::max(1, static_cast<int>(std::lround(step_y_px)));
  const int cell_x = std::max(1, static_cast<int>(std::lround(step_x_px)));
  std::vector<double> cell(static_cast<std::size_t>(cell_y) * static_cast<std::size_t>(cell_x));
  Brightness b;
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x) {
      const double intensity =
          static_cast<double>(e.area()) *
          std::norm(std::complex<double>(wave[static_cast<std::size_t>(y) * static_cast<std::size_t>(e.x) +
                                              static_cast<std::size_t>(x)]));
      b.one = std::max(b.one, intensity);
      cell[static_cast<std::size_t>(y % cell_y) * static_cast<std::size_t>(cell_x) +
           static_cast<std::size_t>(x % cell_x)] += intensity;
    }
  b.all = std::max(b.one, *std::max_element(cell.begin(), cell.end()));
  return b;
}

} // namespace

double default_step(const DatasetHeader& h, const ReconstructionOptions& options, int rounds) {
  // Free propagation through the empty specimen; estimated plans, so that the step is the same on every run
  // and rank.
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  const double sigma = interaction_parameter(h.energy_eV);
  Multislice vacuum(*backend, window_model(h), h.probe);
  Brightness brightest;
  vacuum.for_each_vacuum_wave([&](const Complex* wave) {
    const auto b = brightness(wave, h.detector, h.scan_step_A.y / h.pixel.y, h.scan_step_A.x / h.pixel.x);
    brightest.one = std::max(brightest.one, b.one);
    brightest.all = std::max(brightest.all, b.all);
  });
  double m = brightest.one;
  if (options.method == Method::gd || options.update == UpdateRule::batch)
    m = std::max(m, brightest.all / rounds) * (options.update == UpdateRule::as_printed ? 2 : 1);
  return 1 / (2 * sigma * sigma * h.slices * m);
}

} // namespace ptychoscale
