// The fp32 multislice model and its adjoint against an independent fp64 model and its central differences.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "reference_multislice.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <utility>

namespace ptychoscale {
namespace {

struct Variant {
  const char* name;
  GridKind grid;
  Bandwidth bandwidth;
  Adjoint adjoint;
  int slices;
  int threads;
  int modes = 1; ///< of the probe
};

/// Modes that are neither orthogonal nor equally strong, [mode][ky][kx].
std::vector<Complex> make_test_probe(int modes, double energy_eV, Extent detector, PixelSize pixel) {
  std::vector<Complex> all;
  for (int mode = 0; mode < modes; ++mode)
    for (const Complex p :
         make_probe({energy_eV, 38 - 4.0 * mode, -20 + 90.0 * mode, 2e4, true}, detector, pixel))
      all.push_back(p / static_cast<float>(1 + mode));
  return all;
}

/// A rectangular detector with unequal pixels, a tile that the windows leave on two sides, off-pixel
/// positions.
struct Bench {
  static constexpr double energy_eV = 80e3;
  Variant variant;
  Extent detector{14, 18};
  Extent tile{16, 15};
  Offset origin{3, -2};
  PixelSize pixel{0.31, 0.26};
  std::vector<Position> positions{{9.37 * 0.31, 6.81 * 0.26}, {12.5 * 0.31, 2.2 * 0.26}};
  double thickness_A = 3.0;
  std::unique_ptr<Backend> backend;
  std::vector<Complex> probe;
  std::vector<float> potential;

  explicit Bench(const Variant& v)
      : variant(v), backend(make_backend({"cpu", v.threads, Planning::estimate})),
        probe(make_test_probe(v.modes, energy_eV, detector, pixel)) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> volts(-300, 900);
    potential.resize(tile.area() * static_cast<std::size_t>(v.slices));
    for (auto& p : potential) p = volts(random);
  }

  [[nodiscard]] Extent grid() const { return variant.grid == GridKind::tile ? Extent{20, 18} : detector; }

  [[nodiscard]] Multislice model(int batch = 1) const {
    MultisliceParameters p;
    p.detector = detector;
    p.grid = grid();
    p.pixel = pixel;
    p.slices = variant.slices;
    p.slice_thickness_A = thickness_A;
    p.wavelength_A = electron_wavelength_A(energy_eV);
    p.sigma = interaction_parameter(energy_eV);
    p.grid_kind = variant.grid;
    p.bandwidth = variant.bandwidth;
    p.adjoint = variant.adjoint;
    return {*backend, p, probe, batch};
  }

  [[nodiscard]] reference::Model reference() const {
    reference::Model m;
    m.detector = detector;
    m.grid = grid();
    m.tile = variant.grid == GridKind::tile;
    m.limited = variant.bandwidth == Bandwidth::two_thirds;
    m.pixel = pixel;
    m.wavelength_A = electron_wavelength_A(energy_eV);
    m.sigma = interaction_parameter(energy_eV);
    m.thickness_A = thickness_A;
    m.slices = variant.slices;
    m.volume = tile;
    m.origin = origin;
    m.probe.assign(probe.begin(), probe.end());
    return m;
  }

  Volume view(Buffer<float>& b) const { return {b.data(), variant.slices, tile}; }
  [[nodiscard]] Buffer<float> volume() const { return {*backend, potential.size(), MemoryLabel::volume}; }
  [[nodiscard]] Buffer<float> uploaded_potential() const {
    auto b = volume();
    b.upload(potential);
    return b;
  }
};

/// Amplitudes of a specimen unlike the one at hand, so that the residual is large.
std::vector<double> measured(const Bench& b, Position position) {
  std::vector<double> other(b.potential.begin(), b.potential.end());
  for (std::size_t i = 0; i < other.size(); ++i) other[i] *= 0.5 + 0.4 * std::sin(static_cast<double>(i));
  return reference::amplitudes(b.reference(), other, position);
}

template <class A, class B> double relative_l2(const A& a, const B& b) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::norm(std::complex<double>(a[i]) - std::complex<double>(b[i]));
    norm += std::norm(std::complex<double>(b[i]));
  }
  return std::sqrt(difference / norm);
}

class MultisliceModel : public testing::TestWithParam<Variant> {};

TEST_P(MultisliceModel, IntensitiesEqualTheReference) {
  const Bench b(GetParam());
  auto model = b.model(2);
  auto potential = b.uploaded_potential();
  std::vector<float> intensities(2 * b.detector.area());
  model.intensities(b.view(potential), b.origin, b.positions, intensities);
  const std::vector<double> truth(b.potential.begin(), b.potential.end());
  std::vector<double> expected;
  for (const auto& p : b.positions)
    for (const double a : reference::amplitudes(b.reference(), truth, p)) expected.push_back(a * a);
  // fp32: about 2e-7 per transform, a dozen of them.
  EXPECT_LT(relative_l2(intensities, expected), 2e-6);
}

/// A beam stop and a few dead pixels, [ky][kx].
bool has_weight(std::size_t pixel) { return pixel > 2 && pixel % 11 != 5; }
bool all_have(std::size_t) { return true; }

/// The reference's loss over the pixels that have weight.
double reference_loss(const reference::Model& m, const std::vector<double>& v, Position p,
                      const std::vector<double>& amplitudes, bool (*weighs)(std::size_t)) {
  double sum = 0;
  const auto model = reference::amplitudes(m, v, p);
  for (std::size_t i = 0; i < model.size(); ++i)
    if (weighs(i)) sum += std::pow(model[i] - amplitudes[i], 2);
  return sum;
}

void expect_gradient_of_central_differences(const Bench& b, bool (*weighs)(std::size_t)) {
  auto model = b.model(2);
  auto potential = b.uploaded_potential();
  auto gradient = b.volume();
  std::vector<std::vector<double>> amplitudes;
  std::vector<float> flat;
  for (const auto& p : b.positions) {
    amplitudes.push_back(measured(b, p));
    for (std::size_t i = 0; i < amplitudes.back().size(); ++i)
      flat.push_back(weighs(i) ? static_cast<float>(amplitudes.back()[i]) : no_weight);
  }
  Buffer<float> uploaded(*b.backend, flat.size(), MemoryLabel::measurements);
  uploaded.upload(flat);
  const double loss =
      model.loss_and_gradient(b.view(potential), b.view(gradient), b.origin, b.positions, uploaded.data());

  const auto reference = b.reference();
  std::vector<double> v(b.potential.begin(), b.potential.end());
  const auto total = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < b.positions.size(); ++i)
      sum += reference_loss(reference, v, b.positions[i], amplitudes[i], weighs);
    return sum;
  };
  EXPECT_NEAR(loss / total(), 1, 1e-5);
  std::vector<float> got(b.potential.size());
  gradient.download(got);
  std::vector<double> expected;
  std::vector<float> sampled;
  constexpr double h = 0.05; // V * angstrom: truncation about 1e-8 of the gradient, rounding about 1e-10
  for (std::size_t i = 0; i < v.size(); i += 7 * static_cast<std::size_t>(b.variant.modes)) {
    const double centre = std::exchange(v[i], v[i] + h);
    const double above = total();
    v[i] = centre - h;
    const double below = total();
    v[i] = centre;
    expected.push_back((above - below) / (2 * h));
    sampled.push_back(got[i]);
  }
  EXPECT_LT(relative_l2(sampled, expected), 1e-5);
}

TEST_P(MultisliceModel, GradientEqualsCentralDifferences) {
  expect_gradient_of_central_differences(Bench(GetParam()), all_have);
}

TEST_P(MultisliceModel, GradientWithPixelsWithoutWeightEqualsCentralDifferences) {
  expect_gradient_of_central_differences(Bench(GetParam()), has_weight);
}

TEST_P(MultisliceModel, ProbeGradientEqualsCentralDifferences) {
  const Bench b(GetParam());
  auto model = b.model(2);
  auto potential = b.uploaded_potential();
  std::vector<std::vector<double>> amplitudes;
  std::vector<float> flat;
  for (const auto& p : b.positions) {
    amplitudes.push_back(measured(b, p));
    flat.insert(flat.end(), amplitudes.back().begin(), amplitudes.back().end());
  }
  Buffer<float> uploaded(*b.backend, flat.size(), MemoryLabel::measurements);
  uploaded.upload(flat);
  Buffer<Complex> gradient(*b.backend, model.probe().size(), MemoryLabel::waves);
  model.loss_and_gradient(b.view(potential), {}, b.origin, b.positions, uploaded.data(), 0, gradient.data());
  ApertureProbe got{model.aperture(), std::vector<Complex>(gradient.size())};
  gradient.download(got.values);

  auto reference = b.reference();
  const std::vector<double> v(b.potential.begin(), b.potential.end());
  const auto change = [&](std::complex<double>& pixel, std::complex<double> by) {
    const auto total = [&] {
      double sum = 0;
      for (std::size_t i = 0; i < b.positions.size(); ++i)
        sum += reference::loss(reference, v, b.positions[i], amplitudes[i]);
      return sum;
    };
    const auto centre = std::exchange(pixel, pixel + by);
    const double above = total();
    pixel = centre - by;
    const double below = total();
    pixel = centre;
    return (above - below) / 2;
  };
  std::vector<std::complex<double>> expected, sampled;
  const auto on_detector = extend_aperture(got, b.detector);
  constexpr double h = 1e-5; // of amplitudes of about 0.1: truncation and rounding some 1e-8 of the gradient
  for (std::size_t k = 0; k < on_detector.size(); k += b.variant.modes == 1 ? 2 : 7) {
    if (on_detector[k] == Complex{}) continue; // outside the aperture's box
    auto& pixel = reference.probe[k];
    expected.emplace_back(change(pixel, h) / (2 * h), change(pixel, {0, h}) / (2 * h));
    sampled.emplace_back(on_detector[k]);
  }
  EXPECT_GT(sampled.size(), 20U);
  EXPECT_LT(relative_l2(sampled, expected), 1e-5);
}

TEST_P(MultisliceModel, ALocalStepIsTheGradientTimesTheStep) {
  const Bench b(GetParam());
  auto model = b.model();
  const std::span<const Position> one(b.positions.data(), 1);
  const auto amplitudes = measured(b, b.positions[0]);
  Buffer<float> uploaded(*b.backend, amplitudes.size(), MemoryLabel::measurements);
  uploaded.upload(std::vector<float>(amplitudes.begin(), amplitudes.end()));
  auto potential = b.uploaded_potential();
  auto gradient = b.volume();
  model.loss_and_gradient(b.view(potential), b.view(gradient), b.origin, one, uploaded.data());
  constexpr float step = 3e4F;
  auto stepped = b.uploaded_potential();
  model.loss_and_gradient(b.view(stepped), {}, b.origin, one, uploaded.data(), step);
  std::vector<float> g(b.potential.size());
  std::vector<float> v(b.potential.size());
  gradient.download(g);
  stepped.download(v);
  for (std::size_t i = 0; i < v.size(); ++i)
    ASSERT_FLOAT_EQ(v[i], b.potential[i] - step * g[i]) << "voxel " << i;
}

using enum GridKind;
using enum Adjoint;
INSTANTIATE_TEST_SUITE_P(
    Variants, MultisliceModel,
    testing::Values(Variant{"window_reverse", window, Bandwidth::none, reverse, 5, 1},
                    Variant{"window_reverse_threads", window, Bandwidth::none, reverse, 5, 3},
                    Variant{"window_store", window, Bandwidth::none, store, 5, 1},
                    Variant{"window_checkpoint", window, Bandwidth::none, checkpoint, 5, 1},
                    Variant{"one_slice", window, Bandwidth::none, reverse, 1, 1},
                    Variant{"tile_reverse", tile, Bandwidth::none, reverse, 4, 1},
                    Variant{"tile_checkpoint", tile, Bandwidth::none, checkpoint, 4, 1},
                    Variant{"limited_store", window, Bandwidth::two_thirds, store, 4, 1},
                    Variant{"limited_checkpoint", window, Bandwidth::two_thirds, checkpoint, 5, 1},
                    Variant{"limited_tile", tile, Bandwidth::two_thirds, checkpoint, 4, 2},
                    Variant{"modes_reverse", window, Bandwidth::none, reverse, 2, 1, 3},
                    Variant{"modes_checkpoint_threads", window, Bandwidth::none, checkpoint, 3, 3, 2},
                    Variant{"modes_tile", tile, Bandwidth::none, reverse, 2, 1, 2},
                    Variant{"modes_limited", window, Bandwidth::two_thirds, store, 2, 1, 2}),
    [](const auto& variant) { return std::string(variant.param.name); });

TEST(Multislice, ReverseAdjointRefusesABandwidthLimit) {
  const Bench b({"", window, Bandwidth::two_thirds, reverse, 3, 1});
  EXPECT_THROW((void)b.model(), InputError);
}

TEST(Physics, WavelengthAndInteractionParameterAt200kV) {
  EXPECT_NEAR(electron_wavelength_A(200e3), 0.025079340451, 5e-13);
  EXPECT_NEAR(interaction_parameter(200e3), 7.2884010410e-4, 5e-14);
}

} // namespace
} // namespace ptychoscale
