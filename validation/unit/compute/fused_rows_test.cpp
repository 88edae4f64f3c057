/// The fused row kernels on the host, against transforms in double precision and the CPU backend's verbs.
#include "kernels_on_host.hpp"

#include <array>
#include <numbers>

namespace ptychoscale {
namespace {

using cuda::RowBlock;

constexpr float sigma = 7.2884e-4F; // rad / (V angstrom) at 200 kV

template <class Length> class FusedRows : public ::testing::Test {
public:
  static constexpr int length = Length::value;
  static constexpr int ny = RowBlock<length>::lines + 3; // the last block is not full
  static constexpr Extent extent{ny, length};
  static constexpr int groups = (ny + RowBlock<length>::lines - 1) / RowBlock<length>::lines;
  const Tables tables{length};

  static cuda::SliceOn slice_on(const std::vector<float>& volts, Extent e) {
    return {volts.data(), e, sigma};
  }

  std::vector<Complex> transformed(const std::vector<Complex>& waves, bool inverse) const {
    return same_in_both_orders(waves, [&](auto order, std::vector<Complex>& out) {
      const cuda::TransformRows job{cuda::raw(out.data()), ny, inverse ? 1.0F / length : 1, inverse,
                                    tables.view()};
      launch_on_host(groups, 1, RowBlock<length>::threads, RowBlock<length>::memory, order,
                     [&](auto place, auto* shared, const auto& barrier) {
                       cuda::transform_rows<length>(job, place, shared, barrier);
                     });
    });
  }
};
TYPED_TEST_SUITE(FusedRows, TypedLengths<cuda::FusedLengths>::Types, LengthNames);

/// sum_j w_j exp(-2 pi i j k / n) of one row, in double precision by the definition.
std::vector<Complex> reference_transform(const Complex* row, int n) {
  std::vector<std::complex<double>> turn;
  for (int j = 0; j < n; ++j) turn.push_back(std::polar(1.0, -2 * std::numbers::pi * j / n));
  std::vector<Complex> result;
  for (int k = 0; k < n; ++k) {
    std::complex<double> sum;
    for (int j = 0; j < n; ++j)
      sum += std::complex<double>(row[j]) * turn[static_cast<std::size_t>(static_cast<long>(j) * k % n)];
    result.emplace_back(sum);
  }
  return result;
}

TYPED_TEST(FusedRows, TransformAgreesWithTheDefinition) {
  constexpr int n = TestFixture::length;
  const auto waves = random_waves(this->extent.area(), 1);
  const auto found = this->transformed(waves, false);
  for (const std::size_t y : {std::size_t{0}, std::size_t{TestFixture::ny - 1}}) {
    const std::vector<Complex> row(found.begin() + static_cast<long>(y) * n,
                                   found.begin() + static_cast<long>(y + 1) * n);
    EXPECT_LT(relative_error(row, reference_transform(waves.data() + y * n, n)), rounding_bound(n, 1));
  }
}

TYPED_TEST(FusedRows, InverseTransformTakesItBack) {
  const auto waves = random_waves(this->extent.area(), 2);
  EXPECT_LT(relative_error(this->transformed(this->transformed(waves, false), true), waves),
            rounding_bound(this->length, 2));
}

TYPED_TEST(FusedRows, TransmitAgreesWithTheCpu) {
  constexpr int nx = TestFixture::length;
  constexpr Extent e = TestFixture::extent;
  const Extent slice{e.y + 1, nx - 5};
  // Inside, off two edges of the slice, off the other two, beside it.
  const std::array<Offset, 4> origins{Offset{0, 0}, Offset{-2, -7}, Offset{3, 11}, Offset{0, slice.x}};
  const auto volts = random_volts(slice.area(), 3);
  const auto waves = random_waves(origins.size() * e.area(), 4);
  const auto found = same_in_both_orders(waves, [&](auto order, std::vector<Complex>& out) {
    const cuda::TransmitRows job{cuda::raw(out.data()),        e.y,
                                 this->slice_on(volts, slice), 1.0F / nx,
                                 this->tables.view(),          origins.data()};
    launch_on_host(this->groups, int(origins.size()), RowBlock<nx>::threads, RowBlock<nx>::memory, order,
                   [&](auto place, auto* shared, const auto& barrier) {
                     cuda::transmit_rows<nx>(job, place, shared, barrier);
                   });
  });

  const auto cpu = cpu_backend();
  cpu->prepare({&e, 1});
  const auto w = on_cpu(*cpu, waves);
  const auto v = on_cpu(*cpu, volts);
  cpu->transmit({w.data(), int(origins.size()), e}, {v.data(), slice}, origins, sigma);
  EXPECT_LT(relative_error(found, from_cpu(w)), rounding_bound(nx, 2));
  EXPECT_TRUE(std::equal(waves.end() - static_cast<long>(e.area()), waves.end(),
                         found.end() - static_cast<long>(e.area())))
      << "a wave beside the slice was changed";
}

/// Waves, potential and gradient that an adjoint works on.
struct Adjoint {
  std::vector<Complex> transmitted;
  std::vector<Complex> adjoint;
  std::vector<float> potential;
  std::vector<float> gradient;
};

template <int nx>
Adjoint adjoint_on_host(Adjoint a, Extent e, Extent slice, Offset origin, float step, bool rewind,
                        const Tables& tables, BlockOnHost::Order order) {
  const cuda::TransmitAdjointRows job{.transmitted = cuda::raw(a.transmitted.data()),
                                      .adjoint = cuda::raw(a.adjoint.data()),
                                      .ny = e.y,
                                      .slice = {a.potential.data(), slice, sigma},
                                      .update = {a.potential.data(), a.gradient.data(), slice, step},
                                      .origin = &origin,
                                      .scale = 1.0F / nx,
                                      .rewind = rewind,
                                      .twiddles = tables.view()};
  const int groups = (e.y + RowBlock<nx>::lines - 1) / RowBlock<nx>::lines;
  launch_on_host(groups, 1, RowBlock<nx>::threads, RowBlock<nx>::memory + cuda::Aside<nx>::memory, order,
                 [&](auto place, auto* shared, const auto& barrier) {
                   cuda::transmit_adjoint_rows<nx>(job, place, shared, barrier);
                 });
  return a;
}

Adjoint adjoint_on_cpu(const Adjoint& a, Extent e, Extent slice, Offset origin, float step, bool rewind) {
  const auto cpu = cpu_backend();
  cpu->prepare({&e, 1});
  const auto w = on_cpu(*cpu, a.transmitted);
  const auto adjoint = on_cpu(*cpu, a.adjoint);
  const auto v = on_cpu(*cpu, a.potential);
  const auto g = on_cpu(*cpu, a.gradient);
  cpu->transmit_adjoint({w.data(), 1, e}, {adjoint.data(), 1, e}, {{v.data(), slice}, g.data(), step},
                        {&origin, 1}, sigma, rewind);
  return {from_cpu(w), from_cpu(adjoint), from_cpu(v), from_cpu(g)};
}

template <int nx> void compare_adjoints(Extent e, Offset origin, float step, bool rewind) {
  const Extent slice{e.y + 1, nx - 5};
  const Tables tables(nx);
  Adjoint input{random_waves(e.area(), 5), random_waves(e.area(), 6), random_volts(slice.area(), 7),
                random_volts(slice.area(), 8)};
  for (auto& g : input.gradient) g *= 1e-6F / nx; // about as large as what is added to it
  const auto found =
      adjoint_on_host<nx>(input, e, slice, origin, step, rewind, tables, BlockOnHost::Order::ascending);
  const auto again =
      adjoint_on_host<nx>(input, e, slice, origin, step, rewind, tables, BlockOnHost::Order::descending);
  EXPECT_EQ(found.gradient, again.gradient);
  EXPECT_EQ(found.potential, again.potential);
  EXPECT_EQ(found.adjoint, again.adjoint);
  EXPECT_EQ(found.transmitted, again.transmitted);

  const auto expected = adjoint_on_cpu(input, e, slice, origin, step, rewind);
  const double bound = rounding_bound(nx, 2);
  EXPECT_LT(relative_error(found.adjoint, expected.adjoint), bound);
  EXPECT_LT(relative_error(found.gradient, expected.gradient), bound);
  EXPECT_LT(relative_error(found.potential, expected.potential), bound);
  EXPECT_LT(relative_error(found.transmitted, expected.transmitted), bound);
  if (!rewind) {
    EXPECT_EQ(found.transmitted, input.transmitted);
  }
}

TYPED_TEST(FusedRows, AdjointAgreesWithTheCpu) {
  for (const auto origin : {Offset{0, 0}, Offset{-2, -7}, Offset{3, 11}})
    compare_adjoints<TestFixture::length>(this->extent, origin, 0, false);
}
TYPED_TEST(FusedRows, AdjointThatStepsAndRewindsAgreesWithTheCpu) {
  for (const auto origin : {Offset{1, -3}, Offset{-1, 4}})
    compare_adjoints<TestFixture::length>(this->extent, origin, 1e6F * TestFixture::length, true);
}

} // namespace
} // namespace ptychoscale
