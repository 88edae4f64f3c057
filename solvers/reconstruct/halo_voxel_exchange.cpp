#include "tile_solver.hpp"

namespace ptychoscale {
namespace {

/// Halo Voxel Exchange: local steps over own and repeated positions, then halos are filled from the
/// neighbours' cores (`paste`), or all copies of a voxel averaged (`mean`, made from the summing passes), or
/// nothing until the cores are stitched (`never`).
class HaloVoxelExchange final : public Solver {
public:
  HaloVoxelExchange(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                    const ReconstructionOptions& options, double step)
      : tile_(tile), fill_(options.halo_fill), every_(options.paste_every), step_(step) {
    if (fill_ == HaloFill::paste)
      paste_ = make_voxel_paste(plan.paste, comm, tile.backend(), plan.tiling, tile.timer());
    if (fill_ == HaloFill::mean) {
      sum_ = make_exchange(plan.exchange, comm, tile.backend(), plan.tiling, tile.timer());
      auto weights = overlap_multiplicity(plan.tiling, comm.rank());
      for (auto& w : weights) w = 1 / w;
      weights_ = {tile.backend(), weights.size(), MemoryLabel::exchange};
      weights_.upload(weights);
    }
  }

  void sweep(SweepPlace& at, const SweepCalls& calls) override {
    for (int& k = at.batch; k < tile_.positions() && !calls.leaves(); ++k) {
      calls.before_visit(k);
      const double one = tile_.visit({k, k + 1}, {}, step_);
      if (tile_.owns(k)) at.loss += one;
    }
    calls.before_exchange();
    if ((at.iteration + 1) % every_ == 0) fill_halos();
  }

  [[nodiscard]] Traffic traffic() const override {
    if (paste_) return paste_->traffic();
    return sum_ ? sum_->traffic() : Traffic{};
  }

private:
  void fill_halos() {
    if (paste_) paste_->paste(tile_.volume());
    if (sum_) {
      sum_->start(tile_.volume());
      sum_->finish();
      tile_.backend().scale(tile_.volume(), weights_.data());
    }
  }

  TileSolver& tile_;
  HaloFill fill_;
  int every_;
  double step_;
  std::unique_ptr<VoxelPaste> paste_;
  std::unique_ptr<GradientExchange> sum_;
  Buffer<float> weights_;
};

} // namespace

std::unique_ptr<Solver> make_halo_voxel_exchange(TileSolver& tile, const Communicator& comm,
                                                 const ReconstructionPlan& plan,
                                                 const ReconstructionOptions& options, double step) {
  return std::make_unique<HaloVoxelExchange>(tile, comm, plan, options, step);
}

} // namespace ptychoscale
