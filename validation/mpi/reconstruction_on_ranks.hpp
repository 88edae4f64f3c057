#pragma once

#include "mpi_test.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "small_experiment.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

/// Whole reconstructions of a small simulated specimen, on all ranks of the test.
namespace ptychoscale::test {

inline DatasetHeader small_header() {
  return header_of({.detector = {32, 36},
                    .pixel = {0.4, 0.35},
                    .slices = 3,
                    .slice_thickness_A = 4,
                    .volume = {72, 80},
                    .scan = {6, 7},
                    .scan_step_A = {2.4, 2.3},
                    .first_A = {8.3, 7.1},
                    .C10_A = -150});
}

/// The file of this process group's dataset, written by rank 0 and removed at the end.
class DatasetOnDisk {
public:
  explicit DatasetOnDisk(const Communicator& comm, DatasetHeader header = small_header())
      : comm_(comm), header_(std::move(header)) {
    std::string name = (std::filesystem::temp_directory_path() /
                        ("ptychoscale_reconstruction_" + std::to_string(getpid()) + ".h5"))
                           .string();
    comm.broadcast(name, 0);
    file_ = name;
    if (comm.rank() == 0) write();
    comm.barrier();
  }
  ~DatasetOnDisk() {
    comm_.barrier();
    if (comm_.rank() == 0) std::filesystem::remove(file_);
  }
  DatasetOnDisk(const DatasetOnDisk&) = delete;
  DatasetOnDisk& operator=(const DatasetOnDisk&) = delete;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

private:
  void write() const {
    const auto& h = header_;
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    Multislice model(*backend, window_model(h), h.probe);
    const auto truth = smooth_specimen(h);
    Buffer<float> volume(*backend, truth.size(), MemoryLabel::volume);
    volume.upload(truth);
    DatasetWriter writer(file_, h, CountType::float32, false);
    std::vector<float> pattern(h.detector.area());
    for (int i = 0; i < static_cast<int>(h.positions_A.size()); ++i) {
      model.intensities({volume.data(), h.slices, h.volume}, {},
                        {&h.positions_A[static_cast<std::size_t>(i)], 1}, pattern);
      writer.write_pattern(i, pattern);
    }
    writer.finish();
  }
  const Communicator& comm_;
  DatasetHeader header_;
  std::filesystem::path file_;
};

/// The meshes tried with a number of ranks.
inline std::vector<Mesh> meshes(int ranks) {
  std::vector<Mesh> all;
  for (int rows = 1; rows <= 3; ++rows)
    if (ranks % rows == 0 && ranks / rows <= 3) all.push_back({rows, ranks / rows});
  return all;
}

inline constexpr double full_halo_A = 100; // wider than any window
inline constexpr int hve_impossible =
    6; // its only mesh that divides the scan is 6 x 1, whose cores are narrower than their halos

struct Run {
  ReconstructionPlan plan;
  Reconstruction result;
  std::vector<float> tile;
};

inline Run run(const Communicator& comm, const Acquisition& acquisition,
               const ReconstructionOptions& options) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  const auto plan = plan_reconstruction(acquisition.header, options, comm.size());
  Run r{plan, reconstruct(comm, *backend, acquisition, plan, options, {}), {}};
  r.tile.resize(r.result.volume.size());
  r.result.volume.download(r.tile);
  r.result.volume = {}; // before its backend goes
  return r;
}

inline Run run(const Communicator& comm, const DatasetReader& dataset, const ReconstructionOptions& options) {
  return run(comm, acquisition_of(dataset), options);
}

/// Relative L2 difference between this rank's core and the serial volume, over all ranks.
inline double difference(const Communicator& comm, const DatasetHeader& h, const Run& parallel,
                         const Run& serial) {
  const auto& t = parallel.plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  const Extent e = t.extended.extent();
  std::array<double, 2> sums{};
  for (int s = 0; s < h.slices; ++s)
    for (int y = t.core.y0; y < t.core.y1; ++y)
      for (int x = t.core.x0; x < t.core.x1; ++x) {
        const auto mine = static_cast<std::size_t>((s * e.y + y - t.extended.y0) * e.x + x - t.extended.x0);
        const auto reference = static_cast<std::size_t>((s * h.volume.y + y) * h.volume.x + x);
        const double d = parallel.tile[mine] - serial.tile[reference];
        sums[0] += d * d;
        sums[1] += static_cast<double>(serial.tile[reference]) * static_cast<double>(serial.tile[reference]);
      }
  comm.sum(sums);
  return std::sqrt(sums[0] / sums[1]);
}

class ReconstructionOnRanks : public MpiTest {
protected:
  DatasetOnDisk disk{comm};
  DatasetReader dataset{disk.file()};
};

/// Amplitudes [position][ky][kx] of a specimen that scatters so much that patterns tell a probe's phase, and
/// modes apart.
[[nodiscard]] inline std::vector<std::vector<float>> strong_patterns(const DatasetHeader& h) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  auto specimen = smooth_specimen(h);
  for (float& v : specimen) v *= 6;
  Buffer<float> volume(*backend, specimen.size(), MemoryLabel::volume);
  volume.upload(specimen);
  Multislice model(*backend, window_model(h), h.probe);
  std::vector<std::vector<float>> all;
  for (const auto& position : h.positions_A) {
    auto& pattern = all.emplace_back(h.detector.area());
    model.intensities({volume.data(), h.slices, h.volume}, {}, {&position, 1}, pattern);
    for (float& intensity : pattern) intensity = std::sqrt(intensity);
  }
  return all;
}

} // namespace ptychoscale::test
