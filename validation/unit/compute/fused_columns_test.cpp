/// The fused column kernels on the host, against the CPU backend's verbs.
#include "kernels_on_host.hpp"

#include <numbers>

namespace ptychoscale {
namespace {

using cuda::ColumnBlock;

template <class Length> class FusedColumns : public ::testing::Test {
public:
  static constexpr int ny = Length::value;
  static constexpr int nx = ColumnBlock<ny>::lines + 3; // the last block is not full
  static constexpr Extent extent{ny, nx};
  static constexpr int groups = (nx + ColumnBlock<ny>::lines - 1) / ColumnBlock<ny>::lines;
  static constexpr int waves = 2;
  const Tables tables{ny};
  const std::vector<Complex> input = random_waves(waves * extent.area(), 1);

  template <class Job, class Kernel> std::vector<Complex> run(Job job, const Kernel& kernel) const {
    return same_in_both_orders(input, [&](auto order, std::vector<Complex>& out) {
      job.waves = cuda::raw(out.data());
      launch_on_host(
          groups, waves, ColumnBlock<ny>::threads, ColumnBlock<ny>::memory, order,
          [&](auto place, auto* shared, const auto& barrier) { kernel(job, place, shared, barrier); });
    });
  }
  std::vector<Complex> transformed(bool inverse) const {
    return run(cuda::TransformColumns{nullptr, nx, inverse ? 1.0F / ny : 1, inverse, tables.view()},
               [](const auto&... all) { cuda::transform_columns<ny>(all...); });
  }
  std::vector<Complex> propagated(const std::vector<Complex>& y, const std::vector<Complex>& x,
                                  const float* mask, Sense sense) const {
    const cuda::PropagatorOn p{cuda::raw(y.data()), cuda::raw(x.data()), mask, 1.0F / ny,
                               sense == Sense::direct ? 1.0F : -1.0F};
    return run(cuda::PropagateColumns{nullptr, nx, p, tables.view()},
               [](const auto&... all) { cuda::propagate_columns<ny>(all...); });
  }
};
TYPED_TEST_SUITE(FusedColumns, TypedLengths<cuda::FusedLengths>::Types, LengthNames);

TYPED_TEST(FusedColumns, TransformsAgreeWithTheCpu) {
  const auto cpu = cpu_backend();
  cpu->prepare({&this->extent, 1});
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    const auto w = on_cpu(*cpu, this->input);
    cpu->transform_columns({w.data(), this->waves, this->extent}, direction);
    EXPECT_LT(relative_error(this->transformed(direction == Direction::inverse), from_cpu(w)),
              rounding_bound(this->ny, 1));
  }
}

std::vector<Complex> phases(int n, float rate) {
  std::vector<Complex> all;
  for (int i = 0; i < n; ++i) all.push_back(std::polar(1.0F, rate * static_cast<float>(i * i % 997)));
  return all;
}

TYPED_TEST(FusedColumns, PropagateAgreesWithTheCpu) {
  const auto cpu = cpu_backend();
  cpu->prepare({&this->extent, 1});
  const auto y = phases(this->ny, 0.013F);
  const auto x = phases(this->nx, 0.4F);
  const auto mask = random_volts(this->extent.area(), 2);
  const auto y_cpu = on_cpu(*cpu, y);
  const auto x_cpu = on_cpu(*cpu, x);
  const auto mask_cpu = on_cpu(*cpu, mask);
  for (const auto sense : {Sense::direct, Sense::conjugate})
    for (const bool masked : {false, true}) {
      const auto w = on_cpu(*cpu, this->input);
      cpu->propagate({w.data(), this->waves, this->extent},
                     {y_cpu.data(), x_cpu.data(), masked ? mask_cpu.data() : nullptr}, sense);
      EXPECT_LT(relative_error(this->propagated(y, x, masked ? mask.data() : nullptr, sense), from_cpu(w)),
                rounding_bound(this->ny, 2));
    }
}

} // namespace
} // namespace ptychoscale
