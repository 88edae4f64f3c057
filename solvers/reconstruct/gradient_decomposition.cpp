#include "tile_solver.hpp"

namespace ptychoscale {
namespace {

/// Gradient Decomposition: Wang et al., SC22, Algorithm 1, with its update rule made a choice (see
/// UpdateRule).
class GradientDecomposition final : public Solver {
public:
  GradientDecomposition(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                        UpdateRule update, std::span<const float> weights, double step)
      : tile_(tile), update_(update), rounds_(plan.rounds), step_(step),
        accumulated_(tile.make_accumulation_buffer()),
        weights_(tile.backend(), weights.size(), MemoryLabel::accumulation),
        exchange_(make_exchange(plan.exchange, comm, tile.backend(), plan.tiling, tile.timer())) {
    weights_.upload(weights);
  }

  void sweep(SweepPlace& at, const SweepCalls& calls) override {
    for (; at.round < rounds_; ++at.round) {
      visit_round(tile_, at, calls, tile_.view(accumulated_), update_ == UpdateRule::batch ? 0 : step_,
                  [&] { exchange_->progress(); });
      calls.before_exchange();
      // The local steps are taken back rather than subtracted from the total later: that needs no copy of the
      // rank's own gradient.
      if (update_ == UpdateRule::once || update_ == UpdateRule::averaged) step_tile(+step_);
      exchange_->start(tile_.view(accumulated_));
      exchange_->finish();
      if (weights_.size() > 0) tile_.backend().scale(tile_.view(accumulated_), weights_.data());
      step_tile(-step_);
      accumulated_.zero();
      at.batch = 0;
    }
  }
  [[nodiscard]] std::span<float> accumulated() override { return {accumulated_.data(), accumulated_.size()}; }
  [[nodiscard]] Traffic traffic() const override { return exchange_->traffic(); }

private:
  void step_tile(double factor) {
    tile_.backend().axpy(tile_.volume().data, static_cast<float>(factor), accumulated_.data(),
                         accumulated_.size());
  }

  TileSolver& tile_;
  UpdateRule update_;
  int rounds_;
  double step_;
  Buffer<float> accumulated_;
  Buffer<float> weights_;
  std::unique_ptr<GradientExchange> exchange_;
};

} // namespace

std::unique_ptr<Solver> make_gradient_decomposition(TileSolver& tile, const Communicator& comm,
                                                    const ReconstructionPlan& plan, UpdateRule update,
                                                    std::span<const float> weights, double step) {
  return std::make_unique<GradientDecomposition>(tile, comm, plan, update, weights, step);
}

} // namespace ptychoscale
