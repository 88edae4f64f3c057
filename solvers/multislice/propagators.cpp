#include "propagators.hpp"

#include "upload.hpp"

#include <cmath>
#include <numeric>
#include <random>

namespace ptychoscale {
namespace {

/// Factor by which a pair of fp32 transforms, forward and inverse, changes the norm of a wave: about 1 -
/// 8e-8, because rounded twiddle factors err the same way every time. Over many slices that would be the
/// largest error of all, so the propagator takes it back.
double transform_gain(Backend& backend, const Propagator& one, Waves workspace) {
  if (!backend.computes()) return 1;
  std::vector<Complex> host(workspace.size());
  std::minstd_rand random(1);
  const auto uniform = [&] { return static_cast<float>(random()) / 2147483647.0F - 0.5F; };
  for (auto& w : host) w = {uniform(), uniform()};
  const auto power = [&] {
    return std::accumulate(host.begin(), host.end(), 0.0,
                           [](double sum, Complex w) { return sum + std::norm(std::complex<double>(w)); });
  };
  const double before = power();
  backend.to_device(workspace.data, host.data(), host.size() * sizeof(Complex));
  propagate_real(backend, workspace, one, Sense::direct);
  backend.to_host(host.data(), workspace.data, host.size() * sizeof(Complex));
  return std::sqrt(power() / before);
}

} // namespace

Propagators make_propagators(Backend& backend, const MultisliceParameters& p, Waves workspace) {
  const auto fresnel = [&](int n, double pixel_A, double weight) {
    return upload<Complex>(backend, fresnel_factor(n, pixel_A, p.wavelength_A, p.slice_thickness_A, weight));
  };
  const auto one = [&](int n) {
    return upload<Complex>(backend, std::vector<Complex>(static_cast<std::size_t>(n), Complex{1}));
  };
  Propagators made;
  made.one_y = one(p.grid.y);
  made.one_x = one(p.grid.x);
  made.fresnel_y = fresnel(p.grid.y, p.pixel.y, 1 / transform_gain(backend, made.limit(), workspace));
  made.fresnel_x = fresnel(p.grid.x, p.pixel.x, 1);
  if (p.bandwidth != Bandwidth::none)
    made.mask =
        upload<float>(backend, bandwidth_mask(p.grid, p.pixel, p.bandwidth_cutoff, p.bandwidth_taper));
  return made;
}

void propagate_real(Backend& backend, Waves w, const Propagator& propagator, Sense sense) {
  backend.transform_rows(w, Direction::forward);
  backend.propagate(w, propagator, sense);
  backend.transform_rows(w, Direction::inverse);
}

} // namespace ptychoscale
