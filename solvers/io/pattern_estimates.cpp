#include "ptychoscale/io/pattern_estimates.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

namespace ptychoscale {
namespace {

/// Spatial frequencies of a detector's rows or columns, 1 / angstrom.
std::vector<double> frequencies(int n, double pixel_A) {
  std::vector<double> all;
  for (int i = 0; i < n; ++i) all.push_back(signed_frequency(i, n) / (n * pixel_A));
  return all;
}

/// Slopes of the deflections along y and x about one position.
struct Slopes {
  Deflection along_y;
  Deflection along_x;
};

/// Positions in squares so wide that all neighbours of one are in its own or the next.
class Neighbourhood {
public:
  Neighbourhood(const DatasetHeader& h, double reach_A) : h_(h), reach_A_(reach_A) {
    for (std::size_t i = 0; i < h.positions_A.size(); ++i)
      if (is_used(h, i)) squares_[square_of(h.positions_A[i])].push_back(i);
  }
  template <class Body> void for_each_near(std::size_t i, const Body& body) const {
    const Position& from = h_.positions_A[i];
    const auto [y, x] = square_of(from);
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx)
        if (const auto found = squares_.find({y + dy, x + dx}); found != squares_.end())
          for (const std::size_t other : found->second) {
            const Position& p = h_.positions_A[other];
            if (std::hypot(p.y - from.y, p.x - from.x) <= reach_A_) body(other, p.y - from.y, p.x - from.x);
          }
  }

private:
  [[nodiscard]] std::pair<int, int> square_of(const Position& p) const {
    return {static_cast<int>(std::floor(p.y / reach_A_)), static_cast<int>(std::floor(p.x / reach_A_))};
  }
  const DatasetHeader& h_;
  double reach_A_;
  std::map<std::pair<int, int>, std::vector<std::size_t>> squares_;
};

/// The plane that fits the differences to a position's neighbours; nothing where those lie on one line.
std::optional<Slopes> slopes_at(std::size_t i, const Neighbourhood& near, std::span<const Deflection> d) {
  double yy = 0, yx = 0, xx = 0;
  Deflection by_y, by_x; // sums of differences times distances
  near.for_each_near(i, [&](std::size_t other, double y, double x) {
    yy += y * y;
    yx += y * x;
    xx += x * x;
    const Deflection step{d[other].ky - d[i].ky, d[other].kx - d[i].kx};
    by_y = {by_y.ky + y * step.ky, by_y.kx + y * step.kx};
    by_x = {by_x.ky + x * step.ky, by_x.kx + x * step.kx};
  });
  const double determinant = yy * xx - yx * yx;
  constexpr double on_a_line = 0.05; // of what as many neighbours all around would give
  if (!(determinant > on_a_line * (yy + xx) * (yy + xx) / 4)) return std::nullopt;
  const auto solve = [&](double with_y, double with_x) {
    return std::pair((xx * with_y - yx * with_x) / determinant, (yy * with_x - yx * with_y) / determinant);
  };
  const auto [ky_y, ky_x] = solve(by_y.ky, by_x.ky);
  const auto [kx_y, kx_x] = solve(by_y.kx, by_x.kx);
  return Slopes{{ky_y, kx_y}, {ky_x, kx_x}};
}

/// Second moments of divergence and curl over all positions.
struct Moments {
  double divergence2 = 0;
  double curl2 = 0;
  double product = 0;
  void add(double divergence, double curl) {
    divergence2 += divergence * divergence;
    curl2 += curl * curl;
    product += divergence * curl;
  }
  [[nodiscard]] double all() const { return divergence2 + curl2; }
  /// Share of the curl in the orientation where it is least.
  [[nodiscard]] double least() const {
    return 0.5 - std::hypot(divergence2 - curl2, 2 * product) / (2 * all());
  }
  /// A field without curl, turned by phi, has -tan(phi) times its divergence.
  [[nodiscard]] double degrees() const {
    return -90 / std::numbers::pi * std::atan2(2 * product, divergence2 - curl2);
  }
};

} // namespace

Deflection deflection_of(std::span<const float> amplitudes, const DatasetHeader& h) {
  const auto ky = frequencies(h.detector.y, h.pixel.y);
  const auto kx = frequencies(h.detector.x, h.pixel.x);
  double all = 0;
  Deflection sum;
  const float* a = amplitudes.data();
  for (const double y : ky)
    for (const double x : kx) {
      const double weight = *a > 0 ? static_cast<double>(*a) * static_cast<double>(*a) : 0.0;
      ++a;
      all += weight;
      sum = {sum.ky + weight * y, sum.kx + weight * x};
    }
  return all > 0 ? Deflection{sum.ky / all, sum.kx / all} : Deflection{};
}

std::optional<Turn> turn_of(const DatasetHeader& h, std::span<const Deflection> deflections) {
  constexpr double reach = 1.6; // steps: the eight neighbours on a square raster
  constexpr int fewest = 9;
  const double step_A = h.scattered ? typical_distance_A(h) : std::max(h.scan_step_A.y, h.scan_step_A.x);
  if (!(step_A > 0)) return std::nullopt;
  const Neighbourhood near(h, reach * step_A);
  Moments as_is, transposed;
  int found = 0;
  for (std::size_t i = 0; i < deflections.size(); ++i) {
    const auto s = is_used(h, i) ? slopes_at(i, near, deflections) : std::nullopt;
    if (!s) continue;
    ++found;
    as_is.add(s->along_y.ky + s->along_x.kx, s->along_y.kx - s->along_x.ky);
    transposed.add(s->along_y.kx + s->along_x.ky, s->along_y.ky - s->along_x.kx);
  }
  if (found < fewest || !(as_is.all() > 0) || !(transposed.all() > 0)) return std::nullopt;
  const bool swap = transposed.least() < as_is.least();
  const Moments& best = swap ? transposed : as_is;
  return Turn{best.degrees(), swap, best.least(), as_is.curl2 / as_is.all()};
}

std::optional<Disk> disk_of(std::span<const double> mean, const DatasetHeader& h) {
  const auto ky = frequencies(h.detector.y, h.pixel.y);
  const auto kx = frequencies(h.detector.x, h.pixel.x);
  const double edge = 1e-3 * h.semiangle_mrad / electron_wavelength_A(h.energy_eV);
  const auto has_weight = [&](std::size_t i) { return h.pixels_used.empty() || h.pixels_used[i] != 0; };
  const auto k_of = [&](std::size_t i) { return std::pair(ky[i / kx.size()], kx[i % kx.size()]); };
  std::vector<double> middle;
  std::size_t inside = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const auto [y, x] = k_of(i);
    if (std::hypot(y, x) > edge / 2) continue;
    ++inside;
    if (has_weight(i)) middle.push_back(mean[i]);
  }
  if (middle.empty() || 2 * middle.size() < inside) return std::nullopt;
  const auto half = middle.begin() + static_cast<std::ptrdiff_t>(middle.size() / 2);
  std::ranges::nth_element(middle, half);
  const double level = *half / 2;
  double lit = 0, hidden = 0, sum_y = 0, sum_x = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const auto [y, x] = k_of(i);
    if (!has_weight(i))
      hidden += std::hypot(y, x) < edge ? 1 : 0;
    else if (mean[i] > level) {
      ++lit;
      sum_y += y;
      sum_x += x;
    }
  }
  if (lit == 0) return std::nullopt;
  const double pixel_area = 1 / (h.detector.y * h.pixel.y * h.detector.x * h.pixel.x);
  const double radius = std::sqrt((lit + hidden) * pixel_area / std::numbers::pi);
  return Disk{1e3 * radius * electron_wavelength_A(h.energy_eV),
              std::sqrt((lit + hidden) / std::numbers::pi),
              {sum_y / lit, sum_x / lit}};
}

} // namespace ptychoscale
