#include "tile_solver.hpp"

namespace ptychoscale {
namespace {

/// Gradient Decomposition whose exchange runs while the next round is computed: a rank's own steps count at
/// once, what its neighbours add to them comes a round late.
///
/// With o_k the rank's own sum of round k and T_k that of all ranks, the tile is, in round k + 1,
///   V = V_0 - alpha (w T_1 + ... + w T_{k-1} + o_k + the steps of the round so far),
/// and when T_k is there, w T_k - o_k is what is late. It takes two more volumes than without delay: that of
/// the exchange under way, and the o_k that it began with.
class DelayedDecomposition final : public Solver {
public:
  DelayedDecomposition(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                       UpdateRule update, std::span<const float> weights, double step)
      : tile_(tile), descends_(update == UpdateRule::batch), rounds_(plan.rounds), step_(step),
        own_(tile.make_accumulation_buffer()), sent_(tile.make_accumulation_buffer()),
        late_(tile.make_accumulation_buffer()),
        weights_(tile.backend(), weights.size(), MemoryLabel::accumulation),
        exchange_(make_exchange(plan.exchange, comm, tile.backend(), plan.tiling, tile.timer())) {
    weights_.upload(weights);
  }

  void sweep(SweepPlace& at, const SweepCalls& calls) override {
    for (; at.round < rounds_; ++at.round) {
      {
        const Meanwhile messages(tile_.backend(), [&] { return under_way_ && exchange_->progress(); });
        visit_round(tile_, at, calls, tile_.view(own_), descends_ ? 0 : step_);
        tile_.backend().synchronize(); // messages move on until the last slice is computed
      }
      calls.before_exchange();
      if (descends_) step_tile(own_);
      catch_up();
      begin_exchange();
      at.batch = 0;
    }
  }
  void settle() override {
    if (!under_way_) return;
    exchange_->finish();
    if (weights_.size() > 0) tile_.backend().scale(tile_.view(late_), weights_.data());
    add(late_, -1, sent_);
    under_way_ = false;
  }
  void complete() override {
    catch_up();
    late_.zero();
  }
  [[nodiscard]] std::span<float> accumulated() override { return {own_.data(), own_.size()}; }
  [[nodiscard]] std::span<float> carried() override { return {late_.data(), late_.size()}; }
  [[nodiscard]] Traffic traffic() const override { return exchange_->traffic(); }

private:
  /// Copies instead of changing places, since a GPU's recorded sweeps hold the address of own_.
  void begin_exchange() {
    for (Buffer<float>* copy : {&sent_, &late_}) {
      copy->zero();
      add(*copy, 1, own_);
    }
    own_.zero();
    tile_.backend().synchronize(); // messages that are merged meanwhile do not wait for the copies
    exchange_->start(tile_.view(late_));
    under_way_ = true;
  }
  void catch_up() {
    settle();
    step_tile(late_);
  }
  void step_tile(const Buffer<float>& sum) {
    tile_.backend().axpy(tile_.volume().data, static_cast<float>(-step_), sum.data(), sum.size());
  }
  void add(Buffer<float>& to, float factor, const Buffer<float>& from) {
    tile_.backend().axpy(to.data(), factor, from.data(), from.size());
  }

  TileSolver& tile_;
  bool descends_;
  int rounds_;
  double step_;
  Buffer<float> own_;  ///< of the round under way
  Buffer<float> sent_; ///< what the exchange began with
  Buffer<float> late_; ///< the exchange's, then what is late, once it is settled
  Buffer<float> weights_;
  std::unique_ptr<GradientExchange> exchange_;
  bool under_way_ = false;
};

} // namespace

std::unique_ptr<Solver> make_delayed_decomposition(TileSolver& tile, const Communicator& comm,
                                                   const ReconstructionPlan& plan, UpdateRule update,
                                                   std::span<const float> weights, double step) {
  return std::make_unique<DelayedDecomposition>(tile, comm, plan, update, weights, step);
}

} // namespace ptychoscale
