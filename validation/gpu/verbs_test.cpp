// Every verb of the CUDA backend against the CPU backend, on random fields.
#include "gpu_test.hpp"
#include "ptychoscale/compute/kernel_rates.hpp"

#include <array>
#include <tuple>

namespace ptychoscale {
namespace {

constexpr int count = 2;       // waves
constexpr float sigma = 1e-3F; // rad / (V * angstrom)
constexpr float volts = 900;   // V * angstrom

/// Everything a verb can read or write, on one backend, and the call; the same numbers on every backend.
class Fields {
public:
  Fields(Backend& backend, Extent grid)
      : backend_(backend), grid_(grid), tile_{grid.y + 5, grid.x - 7},
        waves_(test::upload(backend, test::random_waves(count * grid.area(), 1), MemoryLabel::waves)),
        adjoint_(test::upload(backend, test::random_waves(count * grid.area(), 2), MemoryLabel::waves)),
        factors_(test::upload(backend, test::random_waves(grid.area(), 3), MemoryLabel::waves)),
        mask_(test::upload(backend, test::random_floats(grid.area(), 0, 1, 4), MemoryLabel::waves)),
        // Every fifth is negative, and has no weight.
        amplitudes_(test::upload(backend, test::random_floats(count * grid.area(), -0.5F, 2, 5),
                                 MemoryLabel::measurements)),
        potential_(test::upload(backend, test::random_floats(slices * tile_.area(), -300, volts, 6),
                                MemoryLabel::volume)),
        gradient_(test::upload(backend, test::random_floats(slices * tile_.area(), -1, 1, 7),
                               MemoryLabel::accumulation)),
        packed_(test::upload(backend, test::random_floats(slices * tile_.area(), -1, 1, 8),
                             MemoryLabel::exchange)) {
    backend.prepare(std::array{grid});
  }

  void call(Verb verb);

  /// Relative L2 differences of all fields and the losses, the root of the sum of their squares: at least the
  /// largest.
  [[nodiscard]] double difference(const Fields& reference) const {
    const auto of = [&](const auto& ours, const auto& theirs) {
      return test::relative_l2(test::download(backend_, ours), test::download(reference.backend_, theirs));
    };
    double sum = std::pow(test::relative_l2(losses_, reference.losses_), 2);
    for (const double d : {of(waves_, reference.waves_), of(adjoint_, reference.adjoint_),
                           of(amplitudes_, reference.amplitudes_), of(potential_, reference.potential_),
                           of(gradient_, reference.gradient_), of(packed_, reference.packed_)})
      sum += d * d;
    return std::sqrt(sum);
  }
  [[nodiscard]] auto bits() const {
    return std::tuple(test::download(backend_, waves_), test::download(backend_, adjoint_),
                      test::download(backend_, amplitudes_), test::download(backend_, potential_),
                      test::download(backend_, gradient_), test::download(backend_, packed_), losses_);
  }

private:
  static constexpr int slices = 3;

  Backend& backend_;
  Extent grid_;
  Extent tile_; ///< left by the waves on two sides
  Buffer<Complex> waves_, adjoint_, factors_;
  Buffer<float> mask_, amplitudes_, potential_, gradient_, packed_;
  std::vector<double> losses_ = std::vector<double>(count);
};

void Fields::call(Verb verb) {
  const Waves w{waves_.data(), count, grid_};
  const Waves a{adjoint_.data(), count, grid_};
  const Volume volume{potential_.data(), slices, tile_};
  const Slice slice = volume.slice(1);
  const SliceUpdate gather{slice, gradient_.data(), 0};
  const Propagator propagator{factors_.data(), factors_.data() + grid_.y, mask_.data()};
  const Box inner{3, tile_.y - 2, 1, tile_.x - 4};
  const Aperture aperture{factors_.data(), {-grid_.y / 4, grid_.y / 4, -grid_.x / 4, grid_.x / 4}};
  static constexpr std::array<Offset, count> origins{Offset{2, -3}, Offset{-4, 1}};
  static constexpr std::array<Backend::Shift, count> shifts{Backend::Shift{3.3, -1.7},
                                                            Backend::Shift{0, 12.25}};
  switch (verb) {
  case Verb::transform_rows:
    backend_.transform_rows(w, Direction::forward);
    return backend_.transform_rows(a, Direction::inverse);
  case Verb::transform_columns:
    backend_.transform_columns(w, Direction::forward);
    return backend_.transform_columns(a, Direction::inverse);
  case Verb::transmit:
    return backend_.transmit(w, slice, origins, sigma);
  case Verb::propagate: // with a mask, and without
    backend_.propagate(w, propagator, Sense::direct);
    return backend_.propagate(a, {propagator.y, propagator.x, nullptr}, Sense::conjugate);
  case Verb::transmit_adjoint:
    return backend_.transmit_adjoint(w, a, gather, origins, sigma, false);
  case Verb::rewind: // one position steps at once
    return backend_.transmit_adjoint(w.one(0), a.one(0), {slice, nullptr, 0.5F}, {origins.data(), 1}, sigma,
                                     true);
  case Verb::shift_probe: // and its adjoint
    backend_.gather_probe(a, reinterpret_cast<Complex*>(gradient_.data()), aperture.box, shifts);
    return backend_.shift_probe(w, aperture, shifts);
  case Verb::place:
    return backend_.place(a, w, {-5, 9});
  case Verb::amplitude_loss: // as patterns of their own, then as modes of one
    backend_.amplitude_loss(w, amplitudes_.data(), a, losses_);
    return backend_.amplitude_loss(a, amplitudes_.data(), w, std::span(losses_).first(1));
  case Verb::intensity:
    return backend_.intensity(w, amplitudes_.data());
  case Verb::transmission:
    return backend_.transmission(w, slice, origins, sigma);
  case Verb::multiply:
    backend_.multiply(w, a, Sense::direct);
    return backend_.multiply(a, w, Sense::conjugate);
  case Verb::phase_gradient:
    return backend_.phase_gradient(w, gather, origins, sigma);
  case Verb::axpy: // and what counts as two of them
    backend_.axpy(gradient_.data(), -0.75F, potential_.data(), potential_.size());
    return backend_.deliver_sum({volume.slice(0), slice.data, 0.5F}, gradient_.data(), {origins.data(), 1},
                                grid_);
  case Verb::pack:
    return backend_.pack(packed_.data(), volume, inner, 1, slices);
  case Verb::unpack: // one slice by adding, the next by replacing
    backend_.unpack(volume, packed_.data(), inner, 0, 1, Merging::add);
    return backend_.unpack(volume, packed_.data(), inner, 1, 2, Merging::replace);
  case Verb::scale:
    return backend_.scale(volume, gradient_.data());
  }
}

using Parameters = std::tuple<int, Extent, Kernels>;
class GpuVerb : public test::NeedsGpu<testing::TestWithParam<Parameters>> {
protected:
  Verb verb = static_cast<Verb>(std::get<0>(GetParam()));
  Extent grid = std::get<1>(GetParam());
  Kernels kernels = std::get<2>(GetParam());
};

TEST_P(GpuVerb, EqualsTheCpu) {
  const auto cpu = test::make_cpu();
  const auto gpu = test::make_gpu(kernels);
  Fields untouched(*cpu, grid);
  Fields expected(*cpu, grid);
  Fields ours(*gpu, grid);
  expected.call(verb);
  ours.call(verb);
  EXPECT_GT(expected.difference(untouched), 1e-3) << "the verb changes nothing here: this test shows nothing";
  EXPECT_LT(ours.difference(expected), test::equal_to_cpu);
}

TEST_P(GpuVerb, GivesTheSameBitsEachTime) {
  const auto gpu = test::make_gpu(kernels);
  Fields first(*gpu, grid);
  Fields second(*gpu, grid);
  first.call(verb);
  second.call(verb);
  EXPECT_EQ(first.bits(), second.bits());
}

std::string test_name(const testing::TestParamInfo<Parameters>& info) {
  const auto [verb, e, kernels] = info.param;
  return std::string(name(static_cast<Verb>(verb))) + "_" + std::to_string(e.y) + "x" + std::to_string(e.x) +
         "_" + test::name(kernels);
}

// Powers of two, which a kernel may treat apart; rows longer than the block that adds their losses; columns
// for which a block needs more shared memory than it gets unasked, and rows that do not fill the last block;
// lengths that have no fused kernels.
INSTANTIATE_TEST_SUITE_P(Every, GpuVerb,
                         testing::Combine(testing::Range(0, static_cast<int>(verb_count)),
                                          testing::Values(Extent{64, 64}, Extent{128, 384}, Extent{1024, 96},
                                                          Extent{42, 90}),
                                          testing::Values(Kernels::cufft, Kernels::fused)),
                         test_name);

// The verbs of a slice step with fused kernels, at the lengths that the named cases and their tiles have:
// every plan of a line, rows and columns alike, and more of them than one block holds.
INSTANTIATE_TEST_SUITE_P(
    Named, GpuVerb,
    testing::Combine(testing::Values(static_cast<int>(Verb::transmit), static_cast<int>(Verb::propagate),
                                     static_cast<int>(Verb::transmit_adjoint),
                                     static_cast<int>(Verb::rewind)),
                     testing::Values(Extent{128, 64}, Extent{168, 168}, Extent{256, 256}, Extent{512, 512},
                                     Extent{1024, 1024}, Extent{64, 2048}, Extent{2048, 128}, Extent{168, 96}),
                     testing::Values(Kernels::fused)),
    test_name);

} // namespace
} // namespace ptychoscale
