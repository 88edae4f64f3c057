#include "tile_solver.hpp"

namespace ptychoscale {
namespace {

/// One tile, positions in order: a step after every position, or plain gradient descent on F (`batch`). The
/// oracle.
class Serial final : public Solver {
public:
  Serial(TileSolver& tile, UpdateRule update, double step) : tile_(tile), step_(step) {
    if (update == UpdateRule::batch) gradient_ = tile.make_accumulation_buffer();
  }

  void sweep(SweepPlace& at, const SweepCalls& calls) override {
    const bool descends = gradient_.size() > 0;
    visit_round(tile_, at, calls, descends ? tile_.view(gradient_) : Volume{}, descends ? 0 : step_);
    calls.before_exchange();
    if (descends) {
      tile_.backend().axpy(tile_.volume().data, static_cast<float>(-step_), gradient_.data(),
                           gradient_.size());
      gradient_.zero();
    }
  }
  [[nodiscard]] std::span<float> accumulated() override { return {gradient_.data(), gradient_.size()}; }
  [[nodiscard]] Traffic traffic() const override { return {}; }

private:
  TileSolver& tile_;
  double step_;
  Buffer<float> gradient_;
};

} // namespace

std::unique_ptr<Solver> make_serial(TileSolver& tile, UpdateRule update, double step) {
  return std::make_unique<Serial>(tile, update, step);
}

} // namespace ptychoscale
