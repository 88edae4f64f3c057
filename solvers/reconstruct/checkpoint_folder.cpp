#include "checkpoint_folder.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/checkpoint_file.hpp"
#include "ptychoscale/io/sync.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace ptychoscale {

// Members that are missing here are not restored.
template <class Archive> void fields(Archive& a, Condition& c) {
  a(c.name);
  a(c.value);
  a(c.decides);
}
template <class Archive> void fields(Archive& a, SharedState& s) {
  a(s.cost);
  a(s.seconds);
  a(s.closeness);
  a(s.vacuum_cost);
  a(s.step);
  a(s.in_iteration);
  a(s.resumed_at);
  a(s.checkpoints.written);
  a(s.checkpoints.seconds);
  a(s.checkpoints.bytes);
  a(s.planning);
}
template <class Archive> void fields(Archive& a, Checkpoint& c) {
  a(c.number);
  a(c.stamp);
  a(c.ranks);
  a(c.conditions);
  fields(a, c.shared);
}
template <class Archive> void fields(Archive& a, RankState& s) {
  a(s.at.iteration);
  a(s.at.round);
  a(s.at.batch);
  a(s.at.loss);
  a(s.vacuum_loss);
  a(s.seconds);
  a(s.visits_s);
  a(s.phases_s);
  a(s.traffic.messages);
  a(s.traffic.bytes);
  a(s.peak_bytes);
  a(s.peak_total_bytes);
  a(s.resident_bytes);
}

namespace {
namespace fs = std::filesystem;

constexpr std::string_view manifest_label = "manifest";

fs::path manifest_of(const fs::path& slot) { return slot / "manifest"; }
fs::path file_of(const fs::path& slot, int rank) { return slot / fmt::format("rank-{}", rank); }
std::string label_of(const Checkpoint& c, int rank) {
  return fmt::format("{} rank {} of {}", c.stamp, rank, c.ranks);
}
std::vector<fs::path> slots(const fs::path& folder) { return {folder / "a", folder / "b"}; }

/// What the disk says of a name is not worth an exception.
bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

template <class T> std::vector<std::byte> packed(T& value) {
  Packer pack;
  fields(pack, value);
  return pack.bytes();
}

Checkpoint unpacked(const fs::path& slot, std::span<const std::byte> bytes) {
  Checkpoint c;
  Unpacker unpack(bytes);
  fields(unpack, c);
  c.folder = slot;
  return c;
}

std::vector<std::byte> manifest_bytes(const fs::path& slot) {
  CheckpointReader file(manifest_of(slot), manifest_label);
  constexpr std::uint64_t most = std::uint64_t{1} << 30;
  if (file.payload_bytes() > most)
    throw InputError(fmt::format("'{}' is damaged", manifest_of(slot).string()));
  std::vector<std::byte> bytes(file.payload_bytes());
  file.read(bytes);
  file.finish();
  return bytes;
}

/// The checkpoints that a folder seems to have, newest first, and what is wrong with others.
struct Candidates {
  std::vector<Checkpoint> whole;
  std::vector<std::string> damaged;
};

Candidates candidates_in(const fs::path& folder) {
  Candidates found;
  for (const auto& slot : slots(folder)) {
    if (!is_there(manifest_of(slot))) continue;
    try {
      found.whole.push_back(unpacked(slot, manifest_bytes(slot)));
    } catch (const InputError& e) {
      found.damaged.emplace_back(e.what());
    }
  }
  std::ranges::sort(found.whole, std::ranges::greater{}, &Checkpoint::number);
  return found;
}

/// Rank 0's on all ranks.
Candidates shared_candidates(const Communicator& comm, const fs::path& folder) {
  Candidates found;
  if (comm.rank() == 0) found = candidates_in(folder);
  const auto share = [&](std::string& text) { comm.broadcast(text, 0); };
  std::array counts{static_cast<double>(found.whole.size()), static_cast<double>(found.damaged.size())};
  comm.broadcast(counts, 0);
  found.whole.resize(static_cast<std::size_t>(counts[0]));
  found.damaged.resize(static_cast<std::size_t>(counts[1]));
  std::ranges::for_each(found.damaged, share);
  for (auto& c : found.whole) {
    std::string slot = c.folder.string();
    const auto bytes = packed(c);
    std::string content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    share(slot);
    share(content);
    c = unpacked(slot, std::as_bytes(std::span(content)));
  }
  return found;
}

std::string value_of(const std::vector<Condition>& conditions, const std::string& name) {
  const auto found = std::ranges::find(conditions, name, &Condition::name);
  return found == conditions.end() ? "none" : found->value;
}

/// Throws InputError for the first condition that decides and differs; says the others.
void check_conditions(const Checkpoint& c, const std::vector<Condition>& mine, const Tell& tell) {
  auto all = mine;
  for (const auto& theirs : c.conditions)
    if (std::ranges::find(mine, theirs.name, &Condition::name) == mine.end()) all.push_back(theirs);
  for (const auto& each : all) {
    const auto before = value_of(c.conditions, each.name);
    const auto now = value_of(mine, each.name);
    if (before == now) continue;
    if (each.decides)
      throw InputError(
          fmt::format("--resume: {} was {} in the checkpoint '{}' and is {} now; valid: the same, "
                      "or another output",
                      each.name, before, c.folder.string(), now));
    tell(fmt::format("resumed with {} {}, begun with {}; the last bits may differ", each.name, now, before));
  }
}

/// Reads a rank's file to the last byte.
void check_file(const Checkpoint& c, int rank) {
  CheckpointReader(file_of(c.folder, rank), label_of(c, rank)).finish();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all += (all.empty() ? "" : "; ") + line;
  return all;
}

std::string new_stamp() {
  std::random_device random;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return fmt::format("{:016x}{:08x}{:08x}", now, random(), random());
}

/// Readies the slot of the older checkpoint, which from here on is none.
Checkpoint begin(const Communicator& comm, const CheckpointPolicy& policy, const SharedState& shared) {
  const auto candidates = candidates_in(policy.folder).whole;
  Checkpoint c{.number = candidates.empty() ? 1 : candidates.front().number + 1,
               .stamp = new_stamp(),
               .ranks = comm.size(),
               .conditions = policy.conditions,
               .shared = shared};
  const auto both = slots(policy.folder);
  c.folder = both.front();
  if (!candidates.empty() && candidates.front().folder == both.front()) c.folder = both.back();
  std::error_code failed;
  fs::create_directories(c.folder, failed);
  if (!failed) fs::remove(manifest_of(c.folder), failed);
  if (failed) throw InputError(fmt::format("cannot write '{}': {}", c.folder.string(), failed.message()));
  for (const auto& changed : {c.folder, policy.folder, fs::absolute(policy.folder).parent_path()})
    sync_folder(changed);
  return c;
}

/// Where all ranks write, as rank 0 has chosen.
Checkpoint begin_together(const Communicator& comm, const CheckpointPolicy& policy,
                          const SharedState& shared) {
  Checkpoint c{.ranks = comm.size()};
  comm.agree([&] {
    if (comm.rank() == 0) c = begin(comm, policy, shared);
  });
  std::string folder = c.folder.string();
  comm.broadcast(folder, 0);
  comm.broadcast(c.stamp, 0);
  c.folder = folder;
  return c;
}

/// What a rank's file holds behind its numbers, as floats.
std::vector<std::span<float>> parts_of(const RankImage& rank) {
  std::vector<std::span<float>> parts{rank.volume, rank.accumulated, rank.carried};
  if (!rank.probe.empty())
    for (const auto waves : {rank.probe, rank.probe_gradient})
      parts.emplace_back(reinterpret_cast<float*>(waves.data()), 2 * waves.size());
  return parts;
}

std::uint64_t write_rank(const Communicator& comm, const Checkpoint& c, const RankImage& rank) {
  CheckpointWriter file(file_of(c.folder, comm.rank()), label_of(c, comm.rank()));
  auto state = rank.state;
  const auto numbers = packed(state);
  file.add(numbers);
  for (const auto voxels : parts_of(rank)) {
    const std::uint64_t size = voxels.size();
    file.add(std::as_bytes(std::span(&size, 1)));
    file.add(voxels.size_bytes(), [&](std::size_t offset, std::span<std::byte> piece) {
      rank.backend.to_host(piece.data(), reinterpret_cast<const std::byte*>(voxels.data()) + offset,
                           piece.size());
    });
  }
  return file.finish();
}

void write_manifest(Checkpoint& c) {
  const auto partial = manifest_of(c.folder).string() + ".partial";
  CheckpointWriter file(partial, manifest_label);
  file.add(packed(c));
  (void)file.finish();
  std::error_code failed;
  fs::rename(partial, manifest_of(c.folder), failed);
  if (failed)
    throw InputError(fmt::format("cannot write '{}': {}", manifest_of(c.folder).string(), failed.message()));
  sync_folder(c.folder);
}

std::size_t packed_size() {
  RankState any;
  return packed(any).size();
}

} // namespace

std::optional<Checkpoint> find_checkpoint(const Communicator& comm, const fs::path& folder,
                                          const std::vector<Condition>& conditions, const Tell& tell) {
  const auto found = shared_candidates(comm, folder);
  auto damaged = found.damaged;
  for (const auto& c : found.whole) {
    check_conditions(c, conditions, [&](const std::string& line) {
      if (comm.rank() == 0) tell(line);
    });
    try {
      comm.agree([&] { check_file(c, comm.rank()); });
      for (const auto& line : damaged)
        if (comm.rank() == 0) tell(fmt::format("{}; resumed from the other checkpoint", line));
      return c;
    } catch (const InputError& e) {
      damaged.emplace_back(e.what());
    }
  }
  if (damaged.empty()) return std::nullopt;
  throw InputError(fmt::format("--resume: no checkpoint can be used: {}; remove '{}' to begin anew",
                               joined(damaged), folder.string()));
}

std::optional<int> iterations_at_checkpoint(const fs::path& folder) {
  const auto found = candidates_in(folder).whole;
  if (found.empty()) return std::nullopt;
  return static_cast<int>(found.front().shared.cost.size());
}

void remove_checkpoints(const fs::path& folder) noexcept {
  std::error_code ignored;
  for (const auto& slot : slots(folder)) {
    fs::remove(manifest_of(slot), ignored); // first: what is left is no checkpoint
    fs::remove(manifest_of(slot).string() + ".partial", ignored);
    for (const auto& entry : fs::directory_iterator(slot, ignored))
      if (entry.path().filename().string().starts_with("rank-")) fs::remove(entry.path(), ignored);
    fs::remove(slot, ignored);
  }
  fs::remove(folder, ignored);
}

void write_checkpoint(const Communicator& comm, const CheckpointPolicy& policy, SharedState& shared,
                      const RankImage& rank) {
  const double start = steady_seconds();
  rank.backend.synchronize();
  auto c = begin_together(comm, policy, shared);
  std::array bytes{0.0};
  comm.agree([&] { bytes[0] = static_cast<double>(write_rank(comm, c, rank)); });
  comm.sum(bytes);
  std::array seconds{steady_seconds() - start};
  comm.max(seconds);
  auto cost = shared.checkpoints;
  cost.written += 1;
  cost.seconds += seconds[0];
  cost.bytes = std::max(cost.bytes, static_cast<std::int64_t>(bytes[0]));
  c.shared.checkpoints = cost;
  comm.agree([&] {
    if (comm.rank() == 0) write_manifest(c);
  });
  shared.checkpoints = cost;
}

RankState read_rank_state(const Communicator& comm, const Checkpoint& c) {
  CheckpointReader file(file_of(c.folder, comm.rank()), label_of(c, comm.rank()));
  std::vector<std::byte> bytes(packed_size());
  file.read(bytes);
  RankState state;
  Unpacker unpack(bytes);
  fields(unpack, state);
  return state;
}

void read_voxels(const Communicator& comm, const Checkpoint& c, const RankImage& rank) {
  const auto name = file_of(c.folder, comm.rank());
  CheckpointReader file(name, label_of(c, comm.rank()));
  std::vector<std::byte> numbers(packed_size());
  file.read(numbers);
  for (const auto voxels : parts_of(rank)) {
    std::uint64_t size = 0;
    file.read(std::as_writable_bytes(std::span(&size, 1)));
    if (size != voxels.size())
      throw InputError(
          fmt::format("'{}' is damaged: it has {} voxels, expected {}", name.string(), size, voxels.size()));
    file.read(voxels.size_bytes(), [&](std::size_t offset, std::span<const std::byte> piece) {
      rank.backend.to_device(reinterpret_cast<std::byte*>(voxels.data()) + offset, piece.data(),
                             piece.size());
    });
  }
  file.finish();
}

} // namespace ptychoscale
