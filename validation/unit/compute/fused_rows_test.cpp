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
  bool operator==(const Adjoint&) const = default;
};

/// Where the waves of an adjoint lie, and what it does.
struct AdjointCall {
  Extent grid;
  Extent slice;
  std::vector<Offset> origins; ///< of the waves
  float step = 0;
  bool rewind = false;
  [[nodiscard]] int waves() const { return static_cast<int>(origins.size()); }
};

/// Every thread of the kernel that adds up what several waves have left apart.
void gather_on_host(const cuda::GatherGradients& job, BlockOnHost::Order order) {
  const int pixels = static_cast<int>(job.window.area());
  const int all = job.waves * pixels;
  for (int i = 0; i < all; ++i) {
    const int thread = order == BlockOnHost::Order::ascending ? i : all - 1 - i;
    const int p = thread % pixels;
    cuda::gather_gradients(job, thread / pixels, {p / job.window.x, p % job.window.x});
  }
}

template <int nx> Adjoint adjoint_on_host(Adjoint a, const AdjointCall& call, BlockOnHost::Order order) {
  const Tables tables(nx);
  const int ny = call.grid.y;
  // What nothing sets is not read, or shows.
  std::vector<float> apart(a.adjoint.size(), std::numeric_limits<float>::quiet_NaN());
  const bool several = call.waves() > 1;
  const cuda::TransmitAdjointRows job{
      .transmitted = cuda::raw(a.transmitted.data()),
      .adjoint = cuda::raw(a.adjoint.data()),
      .ny = ny,
      .slice = {a.potential.data(), call.slice, sigma},
      .update = {a.potential.data(), a.gradient.data(), call.slice, call.step},
      .apart = several ? apart.data() : nullptr,
      .origins = call.origins.data(),
      .scale = 1.0F / nx,
      .rewind = call.rewind,
      .twiddles = tables.view()};
  const int groups = (ny + RowBlock<nx>::lines - 1) / RowBlock<nx>::lines;
  launch_on_host(groups, call.waves(), RowBlock<nx>::threads, RowBlock<nx>::memory + cuda::Aside<nx>::memory,
                 order, [&](auto place, auto* shared, const auto& barrier) {
                   cuda::transmit_adjoint_rows<nx>(job, place, shared, barrier);
                 });
  if (several)
    gather_on_host(
        {a.gradient.data(), call.slice, apart.data(), call.grid, call.waves(), call.origins.data()}, order);
  return a;
}

Adjoint adjoint_on_cpu(const Adjoint& a, const AdjointCall& call) {
  const auto cpu = cpu_backend();
  cpu->prepare({&call.grid, 1});
  const auto w = on_cpu(*cpu, a.transmitted);
  const auto adjoint = on_cpu(*cpu, a.adjoint);
  const auto v = on_cpu(*cpu, a.potential);
  const auto g = on_cpu(*cpu, a.gradient);
  cpu->transmit_adjoint({w.data(), call.waves(), call.grid}, {adjoint.data(), call.waves(), call.grid},
                        {{v.data(), call.slice}, g.data(), call.step}, call.origins, sigma, call.rewind);
  return {from_cpu(w), from_cpu(adjoint), from_cpu(v), from_cpu(g)};
}

template <int nx> Adjoint random_adjoint(const AdjointCall& call) {
  const std::size_t pixels = call.origins.size() * call.grid.area();
  Adjoint input{random_waves(pixels, 5), random_waves(pixels, 6), random_volts(call.slice.area(), 7),
                random_volts(call.slice.area(), 8)};
  for (auto& g : input.gradient) g *= 1e-6F / nx; // about as large as what is added to it
  return input;
}

template <int nx> void compare_adjoints(const AdjointCall& call) {
  const auto input = random_adjoint<nx>(call);
  const auto found = adjoint_on_host<nx>(input, call, BlockOnHost::Order::ascending);
  EXPECT_TRUE(found == adjoint_on_host<nx>(input, call, BlockOnHost::Order::descending))
      << "the result depends on the order of threads";

  const auto expected = adjoint_on_cpu(input, call);
  const double bound = rounding_bound(nx, 2);
  EXPECT_LT(relative_error(found.adjoint, expected.adjoint), bound);
  EXPECT_LT(relative_error(found.gradient, expected.gradient), bound);
  EXPECT_LT(relative_error(found.potential, expected.potential), bound);
  EXPECT_LT(relative_error(found.transmitted, expected.transmitted), bound);
  if (!call.rewind) {
    EXPECT_EQ(found.transmitted, input.transmitted);
  }
}

/// A slice that the waves leave on two sides.
template <int nx> Extent slice_under(Extent grid) { return {grid.y + 1, nx - 5}; }

TYPED_TEST(FusedRows, AdjointAgreesWithTheCpu) {
  constexpr int nx = TestFixture::length;
  for (const auto origin : {Offset{0, 0}, Offset{-2, -7}, Offset{3, 11}})
    compare_adjoints<nx>({this->extent, slice_under<nx>(this->extent), {origin}});
}
TYPED_TEST(FusedRows, AdjointThatStepsAndRewindsAgreesWithTheCpu) {
  constexpr int nx = TestFixture::length;
  for (const auto origin : {Offset{1, -3}, Offset{-1, 4}})
    compare_adjoints<nx>({this->extent, slice_under<nx>(this->extent), {origin}, 1e6F * nx, true});
}

/// Windows that overlap, that leave the slice, twice the same, and beside it.
template <int nx> AdjointCall several_waves(Extent grid) {
  const Extent slice = slice_under<nx>(grid);
  return {grid, slice, {{1, -3}, {-2, 8}, {1, -3}, {0, slice.x}, {3, 11}}, 0, true};
}
TYPED_TEST(FusedRows, AdjointOfSeveralWavesAgreesWithTheCpu) {
  compare_adjoints<TestFixture::length>(several_waves<TestFixture::length>(this->extent));
}
TYPED_TEST(FusedRows, AdjointOfSeveralWavesHasTheBitsOfOneAfterTheOther) {
  constexpr int nx = TestFixture::length;
  const auto all = several_waves<nx>(this->extent);
  const auto input = random_adjoint<nx>(all);
  auto gradient = input.gradient;
  for (std::size_t i = 0; i < all.origins.size(); ++i) {
    const auto one = [&](const std::vector<Complex>& waves) {
      const auto first = waves.begin() + static_cast<long>(i * all.grid.area());
      return std::vector<Complex>(first, first + static_cast<long>(all.grid.area()));
    };
    gradient =
        adjoint_on_host<nx>({one(input.transmitted), one(input.adjoint), input.potential, gradient},
                            {all.grid, all.slice, {all.origins[i]}, 0, true}, BlockOnHost::Order::ascending)
            .gradient;
  }
  EXPECT_EQ(adjoint_on_host<nx>(input, all, BlockOnHost::Order::ascending).gradient, gradient);
}

} // namespace
} // namespace ptychoscale
