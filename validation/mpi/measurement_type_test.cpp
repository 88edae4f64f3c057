// Measured amplitudes kept as float16: what that rounds, and what it takes.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

TEST_F(ReconstructionOnRanks, Float16MeasurementsGiveTheBitsOfAmplitudesRoundedBefore) {
  const Acquisition rounded{dataset.header(), [&](int position, std::span<float> amplitudes) {
                              dataset.read_amplitudes(position, amplitudes);
                              for (float& a : amplitudes)
                                a = float_from_half(half_from_float(a / half_amplitude_unit)) *
                                    half_amplitude_unit;
                            }};
  ReconstructionOptions options{.method = Method::gd, .iterations = 2};
  const auto expected = run(comm, rounded, options);
  options.measurement_type = MeasurementType::float16;
  for (const bool stream : {false, true}) {
    options.stream_measurements = stream;
    const auto half = run(comm, dataset, options);
    EXPECT_EQ(half.tile, expected.tile);
    EXPECT_EQ(half.result.cost, expected.result.cost);
    EXPECT_EQ(half.result.vacuum_cost, expected.result.vacuum_cost);
  }
}

TEST_F(ReconstructionOnRanks, Float16MeasurementsChangeTheCostByNoMoreThanTheirRounding) {
  // The root of F is the distance between measured and modelled amplitudes, so for any one volume rounding
  // the measured ones by 2^-11 each can change it by 2^-11 |a| at most. Gradient descent with a stable step
  // only shrinks what that does to the residual, so this holds after any number of steps as well, in as far
  // as the model is linear over what the rounding changes.
  std::vector<float> pattern(dataset.header().detector.area());
  double square = 0;
  for (int i = 0; i < static_cast<int>(dataset.header().positions_A.size()); ++i) {
    dataset.read_amplitudes(i, pattern);
    for (const float a : pattern) square += static_cast<double>(a) * static_cast<double>(a);
  }
  const double bound = 0x1p-11 * std::sqrt(square);
  ReconstructionOptions options{.method = Method::gd, .iterations = 8, .update = UpdateRule::batch};
  const auto full = run(comm, dataset, options).result;
  options.measurement_type = MeasurementType::float16;
  for (const bool stream : {false, true}) {
    options.stream_measurements = stream;
    const auto half = run(comm, dataset, options).result;
    EXPECT_NE(half.cost.front(), full.cost.front()); // they are rounded at all
    EXPECT_LE(std::abs(std::sqrt(half.vacuum_cost) - std::sqrt(full.vacuum_cost)), bound);
    for (std::size_t i = 0; i < full.cost.size(); ++i)
      EXPECT_LE(std::abs(std::sqrt(half.cost[i]) - std::sqrt(full.cost[i])), bound) << "iteration " << i;
  }
}

TEST_F(ReconstructionOnRanks, ResidentFloat16MeasurementsTakeExactlyHalfTheMemory) {
  const auto resident_of = [&](MeasurementType type) {
    std::int64_t bytes = 0;
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    const ReconstructionOptions options{.iterations = 1, .step = 1e-3, .measurement_type = type};
    const ReconstructionHooks while_computing{
        .on_iteration = {}, .interrupted = [&] {
          bytes = memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::measurements)];
          return false;
        }};
    const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
    (void)reconstruct(comm, *backend, acquisition_of(dataset), plan, options, while_computing);
    return bytes;
  };
  const auto full = resident_of(MeasurementType::float32);
  EXPECT_GT(full, 0);
  EXPECT_EQ(2 * resident_of(MeasurementType::float16), full);
}

TEST_F(ReconstructionOnRanks, AnAmplitudeBeyondFloat16IsAnInputErrorNamingItsPosition) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  for (const bool stream : {false, true}) {
    const ReconstructionOptions options{.iterations = 1,
                                        .step = 1e-3,
                                        .stream_measurements = stream,
                                        .measurement_type = MeasurementType::float16};
    const auto plan = plan_reconstruction(dataset.header(), options, 1);
    const Acquisition bright{dataset.header(), [](int position, std::span<float> amplitudes) {
                               std::ranges::fill(amplitudes, position == 5 ? 4.0F : 3.9F);
                             }};
    try {
      (void)reconstruct(Communicator::self(), *backend, bright, plan, options, {});
      ADD_FAILURE() << "took an amplitude of 4";
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find("position 5 has 4"), std::string::npos) << e.what();
    }
  }
}

} // namespace
} // namespace ptychoscale::test
