#include "ptychoscale/multislice/probe_modes.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <utility>

namespace ptychoscale {
namespace {

using Number = std::complex<double>;
using Mode = std::vector<Number>;
using Square = std::vector<Mode>; ///< [row][column]

Number product(const Mode& a, const Mode& b) {
  Number sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += std::conj(a[k]) * b[k];
  return sum;
}

void scale(Mode& mode, double factor) {
  for (auto& value : mode) value *= factor;
}

std::vector<Mode> modes_of(const ApertureProbe& probe) {
  const std::size_t pixels = probe.box.extent().area();
  std::vector<Mode> modes;
  for (auto first = probe.values.begin(); first != probe.values.end();
       first += static_cast<std::ptrdiff_t>(pixels))
    modes.emplace_back(first, first + static_cast<std::ptrdiff_t>(pixels));
  return modes;
}

ApertureProbe joined(Box box, const std::vector<Mode>& modes) {
  ApertureProbe probe{box, {}};
  for (const auto& mode : modes)
    for (const auto& value : mode) probe.values.emplace_back(value);
  return probe;
}

/// Powers (of ky, of kx) in the order 1, x, y, x^2, xy, ...
std::pair<int, int> powers_of_mode(int mode) {
  int degree = 0;
  for (; mode > degree; ++degree) mode -= degree + 1;
  return {mode, degree - mode};
}

/// `first` times powers of k, in units in which the aperture is about 1 wide.
Mode times_powers(const Mode& first, Box box, std::pair<int, int> powers) {
  const Extent e = box.extent();
  const double width = std::max(e.y, e.x);
  Mode made;
  auto value = first.begin();
  for (int ky = box.y0; ky < box.y1; ++ky)
    for (int kx = box.x0; kx < box.x1; ++kx)
      made.push_back(*value++ * std::pow(ky / width, powers.first) * std::pow(kx / width, powers.second));
  return made;
}

/// Takes from a mode what it has of others, which have power 1, twice for the sake of rounding; its power is
/// 1 then, or nothing is left of it.
bool orthonormalise(Mode& mode, const std::vector<Mode>& others) {
  constexpr double rounding = 1e-6; // of a probe in single precision
  const double before = std::sqrt(product(mode, mode).real());
  for (int time = 0; time < 2; ++time)
    for (const auto& other : others) {
      const Number part = product(other, mode);
      for (std::size_t k = 0; k < mode.size(); ++k) mode[k] -= part * other[k];
    }
  const double left = std::sqrt(product(mode, mode).real());
  if (!(left > rounding * before)) return false;
  scale(mode, 1 / left);
  return true;
}

/// One of Jacobi's rotations, which makes m[p][q] zero: the same of m's rows and columns, and of `rows`.
void rotate(Square& m, Square& rows, std::size_t p, std::size_t q) {
  const double size = std::abs(m[p][q]);
  if (size == 0) return;
  const Number phase = m[p][q] / size;
  const double angle = std::atan2(2 * size, m[p][p].real() - m[q][q].real()) / 2;
  const double c = std::cos(angle), s = std::sin(angle);
  const auto turn = [&](Number& a, Number& b, Number by) {
    const Number before = a;
    a = c * before + s * by * b;
    b = c * b - s * std::conj(by) * before;
  };
  for (auto& row : m) turn(row[p], row[q], std::conj(phase));
  for (std::size_t k = 0; k < m.size(); ++k) turn(m[p][k], m[q][k], phase);
  for (std::size_t k = 0; k < rows.front().size(); ++k) turn(rows[p][k], rows[q][k], phase);
}

/// Makes rows orthogonal, longest first, by a unitary matrix in front of them, which leaves the sum of their
/// |row><row| as it is.
void make_orthogonal(std::vector<Mode>& rows) {
  const std::size_t n = rows.size();
  Square gram(n, Mode(n));
  for (std::size_t p = 0; p < n; ++p)
    for (std::size_t q = 0; q < n; ++q) gram[p][q] = product(rows[q], rows[p]);
  for (int sweep = 0; sweep < 12; ++sweep) // converges quadratically
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) rotate(gram, rows, p, q);
  std::ranges::stable_sort(rows, std::ranges::greater(),
                           [](const Mode& row) { return product(row, row).real(); });
}

} // namespace

std::vector<double> powers_of(std::span<const Complex> probe, std::size_t pixels) {
  std::vector<double> powers(probe.size() / pixels);
  for (std::size_t i = 0; i < probe.size(); ++i) powers[i / pixels] += std::norm(Number(probe[i]));
  return powers;
}

ApertureProbe make_modes(const ApertureProbe& probe, int count, double share) {
  if (count == 1) return probe;
  const Mode first = modes_of(probe).front();
  const double power = product(first, first).real();
  std::vector<Mode> made;
  for (int m = 0; m < count; ++m) {
    auto mode = times_powers(first, probe.box, powers_of_mode(m));
    if (!orthonormalise(mode, made))
      throw InputError(fmt::format("probe_modes: {} modes cannot be made of a probe of {} x {} pixels", count,
                                   probe.box.extent().y, probe.box.extent().x));
    made.push_back(std::move(mode));
  }
  for (int m = 0; m < count; ++m)
    scale(made[static_cast<std::size_t>(m)], std::sqrt(power * (m == 0 ? 1 - share * (count - 1) : share)));
  return joined(probe.box, made);
}

ApertureProbe orthogonal_modes(const ApertureProbe& probe) {
  if (probe.modes() == 1) return probe;
  auto modes = modes_of(probe);
  make_orthogonal(modes);
  return joined(probe.box, modes);
}

double overlap_of(const ApertureProbe& a, const ApertureProbe& b) {
  const auto of_a = modes_of(a), of_b = modes_of(b);
  if (of_a.size() == 1) return std::abs(product(of_a.front(), of_b.front()));
  Square products;
  for (const auto& one : of_a) {
    auto& row = products.emplace_back();
    for (const auto& other : of_b) row.push_back(product(one, other));
  }
  make_orthogonal(products); // their lengths are the singular values then
  double sum = 0;
  for (const auto& row : products) sum += std::sqrt(product(row, row).real());
  return sum;
}

} // namespace ptychoscale
