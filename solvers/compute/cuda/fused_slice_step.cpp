#include "../lines/twiddles.hpp"
#include "fused_launch.hpp"
#include "fused_lengths.hpp"
#include "slice_step.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace ptychoscale::cuda {
namespace {

template <int... N> std::vector<int> list(std::integer_sequence<int, N...>) { return {N...}; }

void warn_of_cufft(Extent e) {
  fmt::print(
      stderr,
      "ptychoscale: warning: kernels: 'fused' has no kernels for {} x {} pixels, which go with cufft; sides "
      "that it has: {}\n",
      e.y, e.x, fmt::join(list(FusedLengths{}), ", "));
}

class FusedSliceStep final : public SliceStep {
public:
  FusedSliceStep(Backend& memory, cudaStream_t stream)
      : memory_(memory), stream_(stream), any_extent_(make_cufft_slice_step(memory, stream)) {}

  void prepare(Extent e) override {
    if (serves(e)) {
      prepare_length(e.x);
      prepare_length(e.y);
    } else {
      if (with_cufft_.insert({e.y, e.x}).second) warn_of_cufft(e);
      any_extent_->prepare(e);
    }
  }

  [[nodiscard]] std::string description() const override {
    std::string text = "kernels fused";
    for (const auto& [y, x] : with_cufft_) text += fmt::format(", cufft for {} x {}", y, x);
    return text;
  }

  void transform_rows(Waves waves, Direction direction) override {
    if (!serves(waves.extent)) return any_extent_->transform_rows(waves, direction);
    const auto [ny, nx] = waves.extent;
    const bool inverse = direction == Direction::inverse;
    launch(TransformRows{raw(waves.data), ny, inverse ? reciprocal(nx) : 1, inverse, twiddles(nx)}, nx,
           waves.count, stream_);
  }

  void transform_columns(Waves waves, Direction direction) override {
    if (!serves(waves.extent)) return any_extent_->transform_columns(waves, direction);
    const auto [ny, nx] = waves.extent;
    const bool inverse = direction == Direction::inverse;
    launch(TransformColumns{raw(waves.data), nx, inverse ? reciprocal(ny) : 1, inverse, twiddles(ny)}, ny,
           waves.count, stream_);
  }

  void transmit(Waves waves, Slice potential, const Offset* origins, float sigma) override {
    if (!serves(waves.extent)) return any_extent_->transmit(waves, potential, origins, sigma);
    const auto [ny, nx] = waves.extent;
    launch(TransmitRows{raw(waves.data),
                        ny,
                        {potential.data, potential.extent, sigma},
                        reciprocal(nx),
                        twiddles(nx),
                        origins},
           nx, waves.count, stream_);
  }

  void propagate(Waves waves, const Propagator& p, Sense sense) override {
    if (!serves(waves.extent)) return any_extent_->propagate(waves, p, sense);
    const auto [ny, nx] = waves.extent;
    const PropagatorOn propagator{raw(p.y), raw(p.x), p.mask, reciprocal(ny),
                                  sense == Sense::direct ? 1.0F : -1.0F};
    launch(PropagateColumns{raw(waves.data), nx, propagator, twiddles(ny)}, ny, waves.count, stream_);
  }

  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update, const Offset* origins,
                        float sigma, bool rewind) override {
    if (!serves(adjoint.extent))
      return any_extent_->transmit_adjoint(transmitted, adjoint, update, origins, sigma, rewind);
    const auto [ny, nx] = adjoint.extent;
    const Extent e = update.potential.extent;
    float* apart = adjoint.count > 1 && update.gradient != nullptr ? apart_for(adjoint) : nullptr;
    launch(TransmitAdjointRows{raw(transmitted.data),
                               raw(adjoint.data),
                               ny,
                               {update.potential.data, e, sigma},
                               {update.potential.data, update.gradient, e, update.step},
                               apart,
                               origins,
                               reciprocal(nx),
                               rewind,
                               twiddles(nx)},
           nx, adjoint.count, stream_);
    if (apart != nullptr)
      launch(GatherGradients{update.gradient, e, apart, adjoint.extent, adjoint.count, origins}, stream_);
  }

private:
  static bool serves(Extent e) { return has_fused_kernels(e.y) && has_fused_kernels(e.x); }
  static float reciprocal(int n) { return 1.0F / static_cast<float>(n); }

  /// [wave][y][x] of the waves; as large as the largest so far.
  [[nodiscard]] float* apart_for(Waves waves) {
    if (apart_.size() < waves.size()) apart_ = {memory_, waves.size(), MemoryLabel::waves};
    return apart_.data();
  }

  void prepare_length(int n) {
    if (tables_.contains(n)) return;
    auto both = lines::twiddle_table(radices_of(n), Order::ascending);
    const auto descending = lines::twiddle_table(radices_of(n), Order::descending);
    both.insert(both.end(), descending.begin(), descending.end());
    Buffer<Complex> table(memory_, both.size(), MemoryLabel::fft);
    table.upload(both);
    tables_.emplace(n, std::move(table));
    allow_column_memory(n);
  }
  [[nodiscard]] Twiddles twiddles(int n) const {
    const Complex64* table = raw(tables_.at(n).data());
    return {table, table + n};
  }

  Backend& memory_;
  cudaStream_t stream_;
  std::unique_ptr<SliceStep> any_extent_;
  std::map<int, Buffer<Complex>> tables_;    ///< by length: ascending, then descending
  Buffer<float> apart_;                      ///< gradients of several waves before they are added up
  std::set<std::pair<int, int>> with_cufft_; ///< extents without kernels
};

} // namespace

std::unique_ptr<SliceStep> make_fused_slice_step(Backend& memory, cudaStream_t stream) {
  return std::make_unique<FusedSliceStep>(memory, stream);
}

} // namespace ptychoscale::cuda
