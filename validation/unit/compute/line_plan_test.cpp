/// Plans, twiddle factors and phase factors of the GPU kernels, and the host's stand-in for a block.
#include "cuda/slice_element.hpp"
#include "kernels_on_host.hpp"

namespace ptychoscale {
namespace {

template <class Length> class LinePlans : public ::testing::Test {};
TYPED_TEST_SUITE(LinePlans, TypedLengths<cuda::FusedLengths>::Types, LengthNames);

TYPED_TEST(LinePlans, RadicesMultiplyToTheLengthAndFitABlock) {
  constexpr int n = TypeParam::value;
  using Plan = cuda::LinePlan<n>;
  EXPECT_EQ(cuda::stride_of(Plan::radices, cuda::Order::ascending, Plan::passes), n);
  EXPECT_EQ(cuda::stride_of(Plan::radices, cuda::Order::descending, Plan::passes), n);
  EXPECT_GE(Plan::threads * Plan::values, n);
  EXPECT_LE(cuda::ColumnBlock<n>::threads, 1024);
  // What every architecture from 80 on lets a block have: 99 KiB.
  EXPECT_LE(sizeof(cuda::Complex64) * cuda::ColumnBlock<n>::memory, 99 << 10);
}

TYPED_TEST(LinePlans, EveryPassTouchesEveryValueOnce) {
  constexpr int n = TypeParam::value;
  constexpr int radix = cuda::outer_radix<n>;
  std::vector<int> touched(n);
  for (int t = 0; t < cuda::LinePlan<n>::threads; ++t)
    cuda::for_values<n, radix>(t, [&](int slot, int i) {
      EXPECT_LT(slot, cuda::LinePlan<n>::values);
      ++touched[static_cast<std::size_t>(i)];
    });
  EXPECT_EQ(touched, std::vector<int>(n, 1));
}

TEST(PhaseFactor, IsWithin2em7UpTo10000Rad) {
  double worst = 0;
  for (int i = -200000; i <= 200000; ++i) {
    const float angle = 0.05F * static_cast<float>(i);
    const auto f = cuda::phase_factor(angle);
    worst = std::max({worst, std::abs(f.re - std::cos(static_cast<double>(angle))),
                      std::abs(f.im - std::sin(static_cast<double>(angle)))});
  }
  EXPECT_LT(worst, 2e-7);
}

/// What the other tests rest on: a block that is left without its barriers is found out.
TEST(BlockOnHost, ShowsAMissingBarrier) {
  constexpr int n = 64;
  const Tables tables(n);
  const auto input = random_waves(n, 1);
  const auto run = [&](BlockOnHost::Order order, bool with_barriers) {
    auto row = input;
    const cuda::TransformRows job{cuda::raw(row.data()), 1, 1, false, tables.view()};
    launch_on_host(1, 1, cuda::RowBlock<n>::threads, cuda::RowBlock<n>::memory, order,
                   [&](auto place, auto* shared, const auto& barrier) {
                     if (with_barriers)
                       cuda::transform_rows<n>(job, place, shared, barrier);
                     else
                       cuda::transform_rows<n>(job, place, shared, [] {});
                   });
    return row;
  };
  const auto correct = run(BlockOnHost::Order::ascending, true);
  EXPECT_EQ(run(BlockOnHost::Order::descending, true), correct);
  EXPECT_NE(run(BlockOnHost::Order::ascending, false), correct);
  EXPECT_NE(run(BlockOnHost::Order::descending, false), correct);
}

TEST(BlockOnHost, RefusesABarrierThatOnlySomeReach) {
  BlockOnHost block(4, BlockOnHost::Order::ascending);
  EXPECT_THROW(block.run([](int thread, const auto& barrier) {
    if (thread != 2) barrier();
  }),
               std::logic_error);
}

} // namespace
} // namespace ptychoscale
