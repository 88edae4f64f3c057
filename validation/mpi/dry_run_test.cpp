// What a run on real ranks takes and sends: as a dry run, or one rank alone, tells it, and within bounds.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "reconstruction_on_ranks.hpp"

#include <vector>

namespace ptychoscale::test {
namespace {

/// What a dry run must tell of a rank exactly: everything but its times, and memory that only a file needs.
std::vector<std::int64_t> told(const RankStatistics& s) {
  std::vector<std::int64_t> all{s.positions, s.extended_voxels, s.messages, s.bytes_sent};
  for (const auto label : {MemoryLabel::volume, MemoryLabel::accumulation, MemoryLabel::waves,
                           MemoryLabel::measurements, MemoryLabel::exchange, MemoryLabel::fft})
    all.push_back(s.peak_bytes[static_cast<std::size_t>(label)]);
  return all;
}

TEST_F(ReconstructionOnRanks, ADryRunTellsMessagesBytesAndPeaksOfEveryRankExactly) {
  std::vector<ReconstructionOptions> many;
  for (const auto exchange :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce})
    many.push_back({.method = Method::gd, .rounds = 2, .exchange = exchange});
  many.push_back({.method = Method::gd,
                  .rounds = 0,
                  .halo_A = full_halo_A,
                  .grid = GridKind::tile,
                  .adjoint = Adjoint::store});
  many.push_back({.method = Method::gd, .adjoint = Adjoint::checkpoint, .bandwidth = Bandwidth::two_thirds});
  for (const bool stream : {false, true})
    for (const auto type : {MeasurementType::float32, MeasurementType::float16})
      many.push_back({.method = Method::gd,
                      .update = UpdateRule::batch,
                      .rounds = 2,
                      .stream_measurements = stream,
                      .measurement_type = type,
                      .positions_at_once = 3});
  if (comm.size() != hve_impossible)
    for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never})
      many.push_back({.method = Method::hve, .halo_fill = fill, .stream_measurements = true});
  for (auto& options : many) {
    options.iterations = 1;
    options.step = 1; // nothing is reconstructed
    memory_meter().forget_peaks();
    const auto real = run(comm, dataset, options);
    const auto dry = dry_run(dataset.header(), options, real.plan, {}, 1);
    for (const auto& rank : real.result.ranks)
      EXPECT_EQ(told(dry[static_cast<std::size_t>(rank.rank)]), told(rank))
          << name(options.method) << " " << name(options.exchange) << ", rank " << rank.rank << " of "
          << comm.size();
  }
}

TEST_F(ReconstructionOnRanks, OneRankAloneUsesTheMemoryItUsesAmongTheOthers) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 1, .step = 1};
    memory_meter().forget_peaks();
    const auto together = run(comm, dataset, options);
    for (const auto& rank : together.result.ranks) {
      const auto alone = Communicator::alone(rank.rank, comm.size());
      const auto backend = make_backend({"cpu", 1, Planning::estimate});
      memory_meter().forget_peaks();
      const auto result = reconstruct(alone, *backend, acquisition_without_data(dataset.header()),
                                      together.plan, options, {});
      EXPECT_EQ(told(result.ranks.front()), told(rank)) << name(method) << ", rank " << rank.rank;
    }
  }
}

TEST_F(ReconstructionOnRanks, ARankThatDoesNotExistIsAnInputError) {
  EXPECT_THROW((void)Communicator::alone(4, 4), InputError);
  EXPECT_THROW((void)Communicator::alone(-1, 4), InputError);
}

TEST_F(ReconstructionOnRanks, MemoryStaysWithinSixteenBytesPerVoxelAnd64MB) {
  for (const auto mesh : meshes(comm.size()))
    for (const auto exchange :
         {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
      const auto r = run(
          comm, dataset,
          {.method = Method::gd, .iterations = 2, .exchange = exchange, .mesh = mesh, .halo_A = full_halo_A});
      for (const auto& rank : r.result.ranks) {
        const auto measurements = rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::measurements)];
        EXPECT_GT(rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::volume)], 0);
        EXPECT_LE(rank.peak_total_bytes - measurements, 16 * rank.extended_voxels + (std::int64_t{64} << 20));
      }
    }
}

} // namespace
} // namespace ptychoscale::test
