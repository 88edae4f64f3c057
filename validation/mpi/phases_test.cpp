// A device works off what is queued while the host goes on: whose time it is that the host then waits for.
#include "mpi_test.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "ptychoscale/compute/model.hpp"
#include "random_tiling.hpp"

#include <cstdlib>
#include <memory>
#include <random>

namespace ptychoscale {
namespace {

constexpr int slices = 3;

/// A device on which steps take a second and nothing else takes time; the clock shows what was waited for.
struct PhasesOfExchanges : test::MpiTest {
  double clock = 0;
  PhaseTimer timer{[this] { return clock; }};
  std::unique_ptr<Backend> device =
      make_model_backend({.device = "one of seconds",
                          .cost = [](Verb verb, std::size_t) { return verb == Verb::axpy ? 1.0 : 0.0; },
                          .charge = [this](double seconds) { clock += seconds; },
                          .clock = [this] { return clock; },
                          .allocate_messages = [](std::size_t bytes) { return std::malloc(bytes); },
                          .release_messages = [](void* memory) { std::free(memory); }});
  std::mt19937 random{2022}; // the same on every rank
  Tiling tiling = test::random_tiling(random, {1, comm.size()},
                                      {.least_core = 20, .most_core = 40, .least_halo = 4, .most_halo = 10});
  Extent extent = tiling.tiles[static_cast<std::size_t>(comm.rank())].extended.extent();
  Buffer<float> gradient{*device, slices* extent.area(), MemoryLabel::accumulation};

  [[nodiscard]] Volume volume() const { return {gradient.data(), slices, extent}; }
  void queue_a_second() { device->axpy(gradient.data(), 1, gradient.data(), gradient.size()); }
  void expect_only_computation(double seconds, std::string_view what) {
    device->synchronize();
    timer.switch_to(Phase::compute);
    EXPECT_EQ(timer.seconds(Phase::compute), seconds) << what;
    EXPECT_EQ(timer.seconds(Phase::communication), 0) << what;
    EXPECT_EQ(timer.seconds(Phase::wait), 0) << what;
    timer.reset();
  }
};

TEST_F(PhasesOfExchanges, WhatWasQueuedBeforeOrMeanwhileIsComputation) {
  for (const auto kind :
       {ExchangeKind::appp, ExchangeKind::neighbours, ExchangeKind::passes, ExchangeKind::allreduce}) {
    const auto exchange = make_exchange(plan_exchange({kind, std::size_t{1} << 20}, tiling, slices), comm,
                                        *device, tiling, timer);
    queue_a_second();
    exchange->start(volume());
    queue_a_second(); // a visit
    bool under_way = exchange->progress();
    for (int look = 0; under_way && look < 1000; ++look) under_way = exchange->progress();
    queue_a_second();
    exchange->finish();
    expect_only_computation(3, name(kind));
  }
}

TEST_F(PhasesOfExchanges, WhatWasQueuedBeforeAPasteIsComputation) {
  const auto paste = make_voxel_paste(plan_voxel_paste({}, tiling, slices), comm, *device, tiling, timer);
  queue_a_second();
  paste->paste(volume());
  expect_only_computation(1, "paste");
}

} // namespace
} // namespace ptychoscale
