#include "momentum.hpp"
#include "tile_solver.hpp"

namespace ptychoscale {
namespace {

/// Gradient descent on F with Nesterov's momentum, every voxel's step scaled by how much light it gets. One
/// exchange per iteration, and as many iterations on any mesh.
///
/// The tile holds the point y that gradients are taken at, beside it m = beta (x - x_before) of the steps x:
///   m <- m - alpha w g;  y <- y - alpha w g;  m <- beta m;  y <- y + m.
class AcceleratedDescent final : public Solver {
public:
  AcceleratedDescent(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                     std::span<const float> weights, double step)
      : tile_(tile), step_(step), gradient_(tile.make_accumulation_buffer()),
        momentum_(tile.make_accumulation_buffer()),
        weights_(tile.backend(), weights.size(), MemoryLabel::accumulation),
        exchange_(make_exchange(plan.exchange, comm, tile.backend(), plan.tiling, tile.timer())) {
    weights_.upload(weights);
  }

  void sweep(SweepPlace& at, const SweepCalls& calls) override {
    visit_round(tile_, at, calls, tile_.view(gradient_), 0, [&] { exchange_->progress(); });
    calls.before_exchange();
    exchange_->start(tile_.view(gradient_));
    exchange_->finish();
    descend();
    gradient_.zero();
  }
  void finished(std::span<const double> cost) override { factors_.finished(cost); }
  [[nodiscard]] std::span<float> accumulated() override { return {gradient_.data(), gradient_.size()}; }
  [[nodiscard]] std::span<float> carried() override { return {momentum_.data(), momentum_.size()}; }
  [[nodiscard]] Traffic traffic() const override { return exchange_->traffic(); }

private:
  void descend() {
    Backend& b = tile_.backend();
    const std::size_t n = gradient_.size();
    float* y = tile_.volume().data;
    float* m = momentum_.data();
    const auto step = static_cast<float>(-step_);
    b.scale(tile_.view(gradient_), weights_.data());
    b.axpy(m, step, gradient_.data(), n);
    b.axpy(y, step, gradient_.data(), n);
    b.axpy(m, static_cast<float>(factors_.factor() - 1), m, n);
    b.axpy(y, 1, m, n);
  }

  TileSolver& tile_;
  double step_;
  Momentum factors_;
  Buffer<float> gradient_;
  Buffer<float> momentum_;
  Buffer<float> weights_;
  std::unique_ptr<GradientExchange> exchange_;
};

} // namespace

std::unique_ptr<Solver> make_accelerated_descent(TileSolver& tile, const Communicator& comm,
                                                 const ReconstructionPlan& plan,
                                                 std::span<const float> weights, double step) {
  return std::make_unique<AcceleratedDescent>(tile, comm, plan, weights, step);
}

} // namespace ptychoscale
