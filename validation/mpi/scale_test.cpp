// The beam's scale as an unknown: found by every method, on every mesh the serial solver's.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

/// Patterns of a beam that has other electrons than the header says.
class RefinedScale : public MpiTest {
protected:
  double electrons = 0.9; ///< for each that the header has
  DatasetHeader header = small_header();
  std::vector<std::vector<float>> patterns = strong_patterns(header);
  Acquisition dim{header, [this](int position, std::span<float> amplitudes) {
                    const auto scale = static_cast<float>(std::sqrt(electrons));
                    std::ranges::transform(patterns[static_cast<std::size_t>(position)], amplitudes.begin(),
                                           [&](float a) { return a * scale; });
                  }};
  Acquisition right{header, [this](int position, std::span<float> amplitudes) {
                      std::ranges::copy(patterns[static_cast<std::size_t>(position)], amplitudes.begin());
                    }};

  test::Run scaled(const Communicator& on, ReconstructionOptions options) const {
    options.refine_scale = 2;
    return run(on, dim, options);
  }
  [[nodiscard]] double scale_of(const test::Run& r) const {
    double now = 0, given = 0;
    for (std::size_t k = 0; k < header.probe.size(); ++k) {
      now += std::norm(std::complex<double>(r.result.probe[k]));
      given += std::norm(std::complex<double>(header.probe[k]));
    }
    return std::sqrt(now / given);
  }
};

TEST_F(RefinedScale, IsFoundAndCostsWhatTheRightOneDoesByEveryMethodAndRule) {
  std::vector<ReconstructionOptions> all;
  using enum UpdateRule;
  for (const auto update : {once, batch}) all.push_back({.update = update, .rounds = 2});
  all.push_back({.update = once, .rounds = 2, .delay = 1});
  all.push_back({.method = Method::replicated, .rounds = 2});
  if (comm.size() != hve_impossible) all.push_back({.method = Method::hve});
  if (comm.size() == 1) all.push_back({.method = Method::serial});
  for (auto& options : all) {
    options.iterations = 8;
    const auto what = std::string(name(options.method)) + " " + std::string(name(options.update));
    const auto known = run(comm, right, options);
    const auto r = scaled(comm, options);
    EXPECT_NEAR(scale_of(r) / std::sqrt(electrons), 1, 0.01) << what;
    // The first iteration is lost, and steps of the volume are 10 % too short.
    EXPECT_NEAR(r.result.cost.back() / electrons / known.result.cost.back(), 1, 0.2) << what;
    EXPECT_GT(run(comm, dim, options).result.cost.back(), 1.3 * known.result.cost.back()) << what;
  }
}

TEST_F(RefinedScale, OfABrighterBeamThanIsElseTakenIsFound) {
  electrons = 1.1;
  const ReconstructionOptions options{.iterations = 8, .update = UpdateRule::batch};
  EXPECT_NEAR(scale_of(scaled(comm, options)) / std::sqrt(electrons), 1, 0.01);
  EXPECT_THROW(run(comm, dim, options), InputError);
}

TEST_F(RefinedScale, OfBatchEqualsSerialOnEveryMesh) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = scaled(Communicator::self(), options);
  options.halo_A = full_halo_A;
  options.method = Method::gd;
  for (const auto mesh : meshes(comm.size())) {
    options.mesh = mesh;
    const auto parallel = scaled(comm, options);
    EXPECT_LT(difference(comm, header, parallel, serial), 1e-5) << mesh.rows;
    EXPECT_NEAR(scale_of(parallel) / scale_of(serial), 1, 1e-6) << mesh.rows;
    EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5) << mesh.rows;
    const auto again = scaled(comm, options);
    EXPECT_EQ(again.tile, parallel.tile);
    EXPECT_EQ(again.result.probe, parallel.result.probe);
  }
}

/// Without a specimen the waves are the probe, so that what the steps come to can be said: of the way to the
/// best scale each goes as large a part as is seen of the beam, all of it without masks.
TEST_F(RefinedScale, OfAnEmptyVolumeIsTheClosedForm) {
  for (const std::size_t hidden : {0, 3}) { // every so many pixels one
    const Acquisition masked{header, [&](int position, std::span<float> amplitudes) {
                               dim.read_amplitudes(position, amplitudes);
                               for (std::size_t k = 0; hidden > 0 && k < amplitudes.size(); k += hidden)
                                 amplitudes[k] = -1;
                             }};
    double data_and_model = 0, model = 0;
    for (const auto& pattern : patterns)
      for (std::size_t k = 0; k < pattern.size(); ++k) {
        if (hidden > 0 && k % hidden == 0) continue;
        const double beam = std::abs(std::complex<double>(header.probe[k]));
        data_and_model += beam * pattern[k] * std::sqrt(electrons);
        model += beam * beam;
      }
    const double best = data_and_model / model;
    const double left = 1 - model / static_cast<double>(patterns.size());
    for (const int steps : {1, 3}) {
      const auto r =
          run(comm, masked,
              {.iterations = 1 + steps, .update = UpdateRule::batch, .step = 1e-12, .refine_scale = 2});
      EXPECT_NEAR(scale_of(r), best + std::pow(left, steps) * (1 - best), 1e-5) << hidden << ", " << steps;
    }
  }
}

TEST_F(RefinedScale, GivesWayToTheWholeProbe) {
  const ReconstructionOptions options{.iterations = 4, .refine_probe = 4, .refine_scale = 2};
  const auto both = run(comm, dim, options);
  auto only_scale = options;
  only_scale.refine_probe = 0;
  const auto scale = run(comm, dim, only_scale);
  EXPECT_EQ(both.result.cost, scale.result.cost); // the probe's first step comes after the last one is seen
  EXPECT_NE(both.result.probe, scale.result.probe);
  const auto is_multiple = [&](const test::Run& r) {
    for (std::size_t k = 0; k < header.probe.size(); ++k)
      if (std::abs(r.result.probe[k] - static_cast<float>(scale_of(r)) * header.probe[k]) > 1e-5)
        return false;
    return true;
  };
  EXPECT_TRUE(is_multiple(scale));
  EXPECT_FALSE(is_multiple(both));
}

TEST_F(RefinedScale, IsRefusedWhereItCannotBe) {
  const auto plan = [&](const ReconstructionOptions& options) {
    (void)plan_reconstruction(header, options, 1);
  };
  EXPECT_NO_THROW(plan({.refine_scale = 2}));
  EXPECT_NO_THROW(plan({.refine_probe = 3, .refine_scale = 2}));
  EXPECT_THROW(plan({.refine_scale = 1}), InputError);
  EXPECT_THROW(plan({.refine_probe = 2, .refine_scale = 2}), InputError);
  EXPECT_THROW(plan({.update = UpdateRule::accelerated, .refine_scale = 2}), InputError);
}

TEST_F(RefinedScale, SendsANumberInEveryRoundAsADryRunTells) {
  ReconstructionOptions options{.iterations = 2, .rounds = 3, .step = 1};
  const auto known = run(comm, right, options);
  options.refine_scale = 2;
  memory_meter().forget_peaks();
  const auto r = run(comm, right, options);
  const auto dry = dry_run(header, options, r.plan, {}, 1);
  options.refine_scale = 0;
  const auto dry_known = dry_run(header, options, known.plan, {}, 1);
  const int rounds = comm.size() == 1 ? 0 : 3;
  for (std::size_t rank = 0; rank < r.result.ranks.size(); ++rank) {
    const auto &ours = r.result.ranks[rank], &others = known.result.ranks[rank];
    EXPECT_EQ(ours.messages - others.messages, rounds);
    EXPECT_EQ(ours.bytes_sent - others.bytes_sent, rounds * 4);
    EXPECT_EQ(dry[rank].messages - dry_known[rank].messages, rounds);
    EXPECT_EQ(dry[rank].bytes_sent - dry_known[rank].bytes_sent, rounds * 4);
    for (const auto label : {MemoryLabel::waves, MemoryLabel::exchange, MemoryLabel::accumulation}) {
      const auto i = static_cast<std::size_t>(label);
      EXPECT_EQ(dry[rank].peak_bytes[i], ours.peak_bytes[i]);
    }
  }
}

} // namespace
} // namespace ptychoscale::test
