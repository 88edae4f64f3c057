// A run that was stopped anywhere, or killed, goes on to the bits of one that never was.
#include "mpi_test.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "small_experiment.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

/// Small, but with several positions in each round of each of four ranks, and extra ones for Halo Voxel
/// Exchange.
const test::SmallExperiment experiment{.detector = {16, 18},
                                       .pixel = {0.4, 0.4},
                                       .slices = 2,
                                       .slice_thickness_A = 4,
                                       .volume = {60, 60},
                                       .scan = {8, 8},
                                       .scan_step_A = {1.9, 1.8},
                                       .first_A = {4.3, 5.1},
                                       .C10_A = -60};

/// A folder of all ranks, made by the first and removed at the end.
class SharedFolder {
public:
  explicit SharedFolder(const Communicator& comm) : comm_(comm) {
    std::string name = (fs::temp_directory_path() / "ptychoscale-checkpoint-XXXXXX").string();
    if (comm.rank() == 0 && mkdtemp(name.data()) == nullptr) std::abort();
    comm.broadcast(name, 0);
    path_ = name;
  }
  ~SharedFolder() {
    comm_.barrier();
    if (comm_.rank() == 0) fs::remove_all(path_);
  }
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;
  [[nodiscard]] fs::path operator/(const std::string& name) const { return path_ / name; }

private:
  const Communicator& comm_;
  fs::path path_;
};

/// What must not depend on interruptions.
struct Ending {
  std::vector<float> tile; ///< this rank's
  std::vector<double> cost;
  double vacuum_cost = 0;
  std::vector<Complex> probe;        ///< where it was refined
  std::vector<std::int64_t> traffic; ///< on rank 0: messages and bytes of every rank
  bool operator==(const Ending&) const = default;
};

class Checkpoints : public test::MpiTest {
protected:
  DatasetHeader header = test::header_of(experiment);
  SharedFolder scratch{comm};
  CheckpointPolicy policy{.folder = scratch / "out.h5.checkpoint",
                          .conditions = {{"method", "any"}, {"compiler", "this", false}},
                          .every_s = 0,
                          .every_iterations = 0,
                          .meet_every_s = 0,
                          .stop_asked = {},
                          .tell = [this](const std::string& line) { said.push_back(line); }};
  std::vector<std::string> said; ///< on rank 0

  std::optional<Checkpoint> find() {
    return find_checkpoint(comm, policy.folder, policy.conditions, policy.tell);
  }

  Reconstruction reconstruct_with(Backend& backend, const ReconstructionOptions& options,
                                  ReconstructionHooks hooks, const std::optional<Checkpoint>& resume) {
    hooks.resume = resume ? &*resume : nullptr;
    const auto plan = plan_reconstruction(header, options, comm.size());
    return reconstruct(comm, backend, test::mottled(header), plan, options, hooks);
  }

  /// From the beginning, or from a checkpoint, to the end. Leaves in `last` what else is told of the run.
  Ending run(const ReconstructionOptions& options, const ReconstructionHooks& hooks,
             const std::optional<Checkpoint>& resume = std::nullopt) {
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    last = reconstruct_with(*backend, options, hooks, resume);
    Ending e{std::vector<float>(last.volume.size()), last.cost, last.vacuum_cost, last.probe, {}};
    last.volume.download(e.tile);
    last.volume = {}; // before its backend goes
    for (const auto& rank : last.ranks) e.traffic.insert(e.traffic.end(), {rank.messages, rank.bytes_sent});
    return e;
  }
  Reconstruction last;

  /// Stopped again and again, by a rank and after a number of batches that `random` chooses, and resumed.
  Ending run_with_stops(const ReconstructionOptions& options, std::mt19937& random) {
    for (int stops = 0;; ++stops) {
      // All ranks draw alike.
      const int rank = static_cast<int>(random() % static_cast<unsigned>(comm.size()));
      int batches_left = static_cast<int>(random() % (100U / static_cast<unsigned>(comm.size())));
      policy.stop_asked = [this, rank, batches_left]() mutable {
        return comm.rank() == rank && batches_left-- <= 0;
      };
      const auto resume = find();
      EXPECT_EQ(resume.has_value(), stops > 0);
      try {
        return run(options, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy}, resume);
      } catch (const Stopped& s) {
        EXPECT_EQ(s.failure(), "");
        stopped_in.insert(s.iterations());
      }
    }
  }
  std::set<int> stopped_in; ///< finished iterations at a stop

  /// Ends every rank before the first position of an iteration, as a kill of the job would.
  void run_killed_in(int iteration, const ReconstructionOptions& options,
                     const std::optional<Checkpoint>& resume = std::nullopt) {
    const auto plan = plan_reconstruction(header, options, comm.size());
    const auto own = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())].own.size();
    const auto done = resume ? resume->shared.cost.size() : 0;
    auto visits_left = own * (static_cast<std::size_t>(iteration) - done);
    const ReconstructionHooks hooks{.on_iteration = {},
                                    .interrupted = [visits_left]() mutable { return visits_left-- == 0; },
                                    .checkpoints = &policy};
    EXPECT_THROW(run(options, hooks, resume), Interrupted);
    comm.barrier();
  }

  void on_rank(int rank, const std::function<void()>& damage) const {
    if (comm.rank() == rank % comm.size()) damage();
    comm.barrier();
  }
};

std::vector<ReconstructionOptions> every_way(int ranks) {
  std::vector<ReconstructionOptions> all;
  using enum UpdateRule;
  for (const auto update : {as_printed, once, averaged, batch}) {
    if (ranks == 1) all.push_back({.method = Method::serial, .update = update});
    for (const auto exchange :
         {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce})
      all.push_back({.method = Method::gd, .update = update, .rounds = 3, .exchange = exchange});
  }
  if (ranks == 1) all.push_back({.method = Method::serial, .update = accelerated});
  for (const auto exchange : {ExchangeKind::appp, ExchangeKind::allreduce})
    all.push_back({.method = Method::gd, .update = accelerated, .exchange = exchange});
  all.push_back({.method = Method::replicated, .rounds = 2});
  for (const int rounds : {1, 0}) all.push_back({.method = Method::gd, .rounds = rounds});
  for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never})
    all.push_back({.method = Method::hve, .halo_fill = fill, .paste_every = 2});
  for (const auto update : {once, averaged, batch})
    all.push_back({.method = Method::gd, .update = update, .rounds = 3, .delay = 1});
  all.push_back({.method = Method::gd, .update = batch, .rounds = 2, .positions_at_once = 3});
  all.push_back({.method = Method::gd, .rounds = 2, .stream_measurements = true});
  for (const int delay : {0, 1})
    all.push_back({.method = Method::gd, .update = batch, .rounds = 3, .delay = delay, .refine_probe = 2});
  all.push_back({.method = Method::hve, .refine_probe = 2});
  all.push_back({.method = Method::gd, .rounds = 3, .refine_probe = 2, .probe_modes = 2});
  all.push_back({.method = Method::gd, .rounds = 3, .refine_scale = 2});
  return all;
}

TEST_F(Checkpoints, ARunStoppedAnywhereEndsWithTheSameBits) {
  std::mt19937 random(20);
  for (auto options : every_way(comm.size())) {
    options.iterations = 3;
    options.step = 20;
    stopped_in.clear();
    const auto straight = run(options, {});
    const auto resumed = run_with_stops(options, random);
    EXPECT_TRUE(resumed == straight) << name(options.method) << " " << name(options.update) << " "
                                     << name(options.exchange) << ", rounds " << options.rounds;
    EXPECT_EQ(last.seconds.size(), 3U);
    EXPECT_EQ(std::set<int>(last.resumed_at.begin(), last.resumed_at.end()), stopped_in);
    EXPECT_EQ(last.checkpoints.written, static_cast<int>(last.resumed_at.size()));
    const auto foreseen =
        checkpoint_bytes(plan_reconstruction(header, options, comm.size()), options, header.slices);
    if (comm.rank() == 0 &&
        last.checkpoints.written > 0) { // some stop within a round, and hold all that there is
      EXPECT_LE(last.checkpoints.bytes, static_cast<std::int64_t>(foreseen));
      EXPECT_GE(last.checkpoints.bytes, static_cast<std::int64_t>(foreseen) - 4096 * comm.size());
    }
    on_rank(0, [&] { remove_checkpoints(policy.folder); });
  }
}

TEST_F(Checkpoints, AKilledRunGoesOnFromTheLastOfTwo) {
  const ReconstructionOptions options{.iterations = 6, .rounds = 2, .step = 20};
  const auto straight = run(options, {});
  policy.every_iterations = 1;
  run_killed_in(4, options);
  const auto newest = find();
  EXPECT_TRUE(newest && newest->number == 4 && newest->shared.cost.size() == 4);
  EXPECT_TRUE(run(options, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy}, newest) ==
              straight);
  EXPECT_EQ(last.resumed_at, std::vector<int>{4});
  EXPECT_EQ(last.checkpoints.written, 5); // the last iteration ends in a result instead
  EXPECT_TRUE(comm.rank() != 0 || said.empty());
  on_rank(0, [&] {
    std::ofstream(policy.folder / "notes.txt") << "of the user";
    remove_checkpoints(policy.folder);
    EXPECT_FALSE(fs::exists(policy.folder / "a") || fs::exists(policy.folder / "b"));
    EXPECT_TRUE(fs::exists(policy.folder / "notes.txt"));
  });
  EXPECT_FALSE(find());
}

TEST_F(Checkpoints, ADamagedOneIsSaidAndTheOtherIsUsed) {
  const ReconstructionOptions options{.iterations = 5, .step = 20};
  const auto straight = run(options, {});
  policy.every_iterations = 1;
  // One bit of a voxel; a file cut short; a file of the checkpoint before; a manifest of nonsense; no file.
  const auto flip = [](const fs::path& slot, int rank) {
    std::fstream file(slot / fmt::format("rank-{}", rank), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(1000);
    file.put('\x5a');
  };
  const auto cut = [](const fs::path& slot, int rank) {
    const auto file = slot / fmt::format("rank-{}", rank);
    fs::resize_file(file, fs::file_size(file) - 1);
  };
  const auto swap = [&](const fs::path& slot, int rank) {
    const auto other = policy.folder / (slot.filename() == "a" ? "b" : "a");
    const auto file = fmt::format("rank-{}", rank);
    fs::copy_file(other / file, slot / file, fs::copy_options::overwrite_existing);
  };
  const auto scribble = [](const fs::path& slot, int) { std::ofstream(slot / "manifest") << "nonsense"; };
  const auto drop = [](const fs::path& slot, int rank) { fs::remove(slot / fmt::format("rank-{}", rank)); };
  int rank = 0;
  for (const auto& damage :
       std::vector<std::function<void(const fs::path&, int)>>{flip, cut, swap, scribble, drop}) {
    said.clear();
    run_killed_in(3, options);
    const auto newest = find();
    EXPECT_EQ(newest->shared.cost.size(), 3U);
    rank = (rank + 1) % comm.size();
    on_rank(rank, [&] { damage(newest->folder, rank); });
    const auto older = find();
    EXPECT_TRUE(older && older->shared.cost.size() == 2);
    if (comm.rank() == 0) {
      EXPECT_EQ(said.size(), 1U);
      EXPECT_NE(said.front().find(newest->folder.string()), std::string::npos) << said.front();
      EXPECT_NE(said.front().find("is damaged"), std::string::npos) << said.front();
    }
    EXPECT_TRUE(run(options, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy}, older) ==
                straight);
    on_rank(0, [&] { remove_checkpoints(policy.folder); });
  }
  run_killed_in(3, options);
  for (const std::string slot : {"a", "b"}) on_rank(1, [&] { cut(policy.folder / slot, 1 % comm.size()); });
  try {
    (void)find();
    ADD_FAILURE() << "took a damaged checkpoint";
  } catch (const InputError& e) {
    for (const std::string slot : {"a", "b"})
      EXPECT_NE(std::string(e.what()).find((policy.folder / slot).string()), std::string::npos) << e.what();
  }
  on_rank(0, [&] {
    for (const std::string slot : {"a", "b"}) fs::remove(policy.folder / slot / "manifest");
  });
  EXPECT_FALSE(find()); // unfinished ones are none
}

TEST_F(Checkpoints, WhatDecidesTheResultIsRefusedByName) {
  policy.every_iterations = 1;
  run_killed_in(2, {.iterations = 5, .step = 20});
  const auto refused = [&](std::vector<Condition> conditions, const std::vector<std::string>& words) {
    try {
      (void)find_checkpoint(comm, policy.folder, conditions, policy.tell);
      ADD_FAILURE() << "took the checkpoint of another run";
    } catch (const InputError& e) {
      for (const auto& word : words)
        EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  refused({{"method", "none"}, {"compiler", "this", false}}, {"method was any", "is none now"});
  refused({{"compiler", "this", false}}, {"method was any", "is none now"});
  refused({{"method", "any"}, {"rounds", "2"}, {"compiler", "this", false}}, {"rounds was none", "is 2 now"});
  EXPECT_TRUE(comm.rank() != 0 || said.empty());
  policy.conditions.back().value = "other";
  EXPECT_TRUE(find());
  if (comm.rank() == 0) {
    EXPECT_NE(said.at(0).find("compiler other, begun with this"), std::string::npos);
  }
}

TEST_F(Checkpoints, ADiskThatDoesNotTakeThemIsSaidAndTheRunGoesOn) {
  const ReconstructionOptions options{.iterations = 3, .step = 20};
  const auto straight = run(options, {});
  on_rank(0, [&] { std::ofstream(scratch / "file") << "no folder"; });
  policy.folder = scratch / "file" / "out.h5.checkpoint";
  policy.every_iterations = 1;
  EXPECT_TRUE(run(options, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy}) == straight);
  EXPECT_EQ(last.checkpoints.written, 0);
  if (comm.rank() == 0) {
    EXPECT_EQ(said.size(), 2U);
    EXPECT_NE(said.at(0).find("no checkpoint was written: cannot write '"), std::string::npos) << said.at(0);
  }
  policy.stop_asked = [] { return true; };
  try {
    (void)run(options, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy});
    ADD_FAILURE() << "did not stop";
  } catch (const Stopped& s) {
    EXPECT_NE(s.failure(), "");
  }
}

TEST_F(Checkpoints, OneBlockOfMemoryIsAllTheyTake) {
  const auto peaks = [&] {
    memory_meter().forget_peaks();
    (void)run({.iterations = 3, .step = 20}, {.on_iteration = {}, .interrupted = {}, .checkpoints = &policy});
    return memory_meter().read().peak;
  };
  const auto without = peaks();
  policy.every_iterations = 1;
  auto with = peaks();
  auto& other = with[static_cast<std::size_t>(MemoryLabel::other)];
  EXPECT_LE(other, (1 << 20) + without[static_cast<std::size_t>(MemoryLabel::other)]);
  other = without[static_cast<std::size_t>(MemoryLabel::other)];
  EXPECT_EQ(with, without);
}

} // namespace
} // namespace ptychoscale
