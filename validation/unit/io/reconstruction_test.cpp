#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

// Runs on any number of ranks from 1 to 4; every rank reads and checks the whole file.
namespace ptychoscale::test {
namespace {

/// Tiles of unequal size with halos clipped to the volume.
Tiling small_tiling(int ranks) {
  const DatasetHeader h = small_header();
  Tiling t;
  t.mesh = ranks == 4 ? Mesh{2, 2} : Mesh{1, ranks};
  t.volume = h.volume;
  t.halo = {2, 3};
  const Box all{0, h.volume.y, 0, h.volume.x};
  for (int r = 0; r < ranks; ++r) {
    const int row = t.mesh.row_of(r);
    const int column = t.mesh.column_of(r);
    const auto cut = [](int extent, int parts, int i) {
      return i == parts ? extent : i * extent / parts + (i > 0);
    };
    Tile tile;
    tile.rank = r;
    tile.core = {cut(h.volume.y, t.mesh.rows, row), cut(h.volume.y, t.mesh.rows, row + 1),
                 cut(h.volume.x, t.mesh.columns, column), cut(h.volume.x, t.mesh.columns, column + 1)};
    tile.extended = grow_clipped(tile.core, t.halo.y, t.halo.x, all);
    t.tiles.push_back(tile);
  }
  return t;
}

/// Truth inside the core, nonsense in the halo, which must not reach the file.
void read_small_tile(const Tile& tile, int slice, std::span<float> values) {
  const std::vector<float> truth = small_truth(slice);
  const Extent volume = small_header().volume;
  std::size_t i = 0;
  for (int y = tile.extended.y0; y < tile.extended.y1; ++y) {
    for (int x = tile.extended.x0; x < tile.extended.x1; ++x, ++i) {
      const bool inside = tile.core.contains({y, y + 1, x, x + 1});
      values[i] = inside ? truth[static_cast<std::size_t>(y * volume.x + x)] : -1e30F;
    }
  }
}

ReconstructionInfo small_info() {
  return {7.288e-4, {10.0, 4.0, 2.5}, R"({"context": {}, "benchmarks": []})"};
}

/// One directory for all ranks, made and removed by the first.
class SharedDirectory {
public:
  explicit SharedDirectory(const Communicator& comm) : comm_(comm) {
    if (comm.rank() == 0) own_.emplace();
    name_ = own_ ? (*own_ / "").string() : "";
    comm.broadcast(name_, 0);
  }
  SharedDirectory(const SharedDirectory&) = delete;
  SharedDirectory& operator=(const SharedDirectory&) = delete;
  ~SharedDirectory() { comm_.barrier(); }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return std::filesystem::path(name_) / name;
  }

private:
  const Communicator& comm_;
  std::optional<ScratchFolder> own_;
  std::string name_;
};

void write_small_reconstruction(const std::filesystem::path& file, const Communicator& comm,
                                const DatasetHeader& h) {
  const Tiling tiling = small_tiling(comm.size());
  const Tile& tile = tiling.tiles[static_cast<std::size_t>(comm.rank())];
  write_reconstruction(
      file, comm, h, tiling, [&](int s, std::span<float> values) { read_small_tile(tile, s, values); },
      small_info());
}

std::vector<float> read_all(const std::filesystem::path& file, const std::string& name, std::size_t size) {
  const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_only);
  const hdf5::Handle data = hdf5::open_dataset(handle, name);
  std::vector<float> values(size);
  EXPECT_GE(H5Dread(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
  return values;
}

TEST(Reconstruction, ReadsBackWhatTheRanksWrote) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto file = directory / "run.h5";
  const DatasetHeader h = small_header();
  write_small_reconstruction(file, comm, h);
  comm.barrier();

  const ReconstructionReader reader(file);
  const Tiling tiling = small_tiling(comm.size());
  EXPECT_EQ(reader.slices(), h.slices);
  EXPECT_EQ(reader.volume(), h.volume);
  EXPECT_EQ(reader.mesh(), tiling.mesh);
  ASSERT_EQ(reader.cores().size(), tiling.tiles.size());
  for (std::size_t r = 0; r < tiling.tiles.size(); ++r) EXPECT_EQ(reader.cores()[r], tiling.tiles[r].core);
  EXPECT_EQ(reader.report_json(), small_info().report_json);
  std::vector<float> potential(h.volume.area());
  for (int s = 0; s < h.slices; ++s) {
    reader.read_potential(s, potential);
    EXPECT_EQ(potential, small_truth(s)) << "slice " << s;
  }
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
  // What the disk is asked for before a run: room for all of it, and no volume more.
  const auto asked = reconstruction_bytes(h, 1, 3, comm.size());
  EXPECT_GE(asked, std::filesystem::file_size(file));
  EXPECT_LE(asked, std::filesystem::file_size(file) + (2 << 16));
}

TEST(Reconstruction, PhaseIsSigmaTimesPotential) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const DatasetHeader h = small_header();
  write_small_reconstruction(directory / "run.h5", comm, h);
  comm.barrier();
  const std::size_t area = h.volume.area();
  const std::vector<float> phase =
      read_all(directory / "run.h5", "reconstruction/object_phase/data", 3 * area);
  // The view for PtyRAD shows the same voxels: all windows of this dataset lie inside the volume.
  const std::vector<float> view = read_all(directory / "run.h5", "optimizable_tensors/objp", 3 * area);
  const std::vector<float> amplitude = read_all(directory / "run.h5", "optimizable_tensors/obja", 3 * area);
  for (int s = 0; s < h.slices; ++s) {
    const std::vector<float> truth = small_truth(s);
    for (std::size_t i = 0; i < area; ++i) {
      EXPECT_FLOAT_EQ(phase[static_cast<std::size_t>(s) * area + i],
                      static_cast<float>(small_info().sigma) * truth[i]);
    }
  }
  EXPECT_EQ(view, phase);
  EXPECT_EQ(amplitude, std::vector<float>(3 * area, 1.0F));
}

TEST(Reconstruction, TheProbeIsTheRefinedOneWhereThereIsOne) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const DatasetHeader h = small_header();
  write_small_reconstruction(directory / "known.h5", comm, h);
  ReconstructionInfo info = small_info();
  info.probe = h.probe;
  for (Complex& wave : info.probe) wave *= Complex{0, 2};
  info.probe.insert(info.probe.end(), h.probe.begin(), h.probe.end()); // a second mode
  const Tiling tiling = small_tiling(comm.size());
  const Tile& tile = tiling.tiles[static_cast<std::size_t>(comm.rank())];
  write_reconstruction(
      directory / "refined.h5", comm, h, tiling,
      [&](int s, std::span<float> values) { read_small_tile(tile, s, values); }, info);
  comm.barrier();
  const auto probe_in = [&](const std::string& file) {
    const hdf5::Handle handle = hdf5::open_file(directory / file, hdf5::Access::read_only);
    const hdf5::Handle data = hdf5::open_dataset(handle, "reconstruction/probe/data");
    const hdf5::Handle space(H5Dget_space(data), H5Sclose);
    std::vector<Complex> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
    EXPECT_GE(H5Dread(data, hdf5::complex_type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
    return values;
  };
  const auto known = probe_in("known.h5");
  const auto refined = probe_in("refined.h5");
  ASSERT_EQ(refined.size(), 2 * known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_NEAR(std::abs(refined[i] - known[i] * Complex{0, 2}), 0, 1e-6) << i;
    EXPECT_EQ(refined[known.size() + i], known[i]) << i;
  }
}

TEST(Reconstruction, WindowsThatLeaveTheVolumeGetVacuum) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  DatasetHeader h = small_header();
  // The first at (0.6, 0.1) A, nearest to pixel (1, 0): its 6 x 8 window begins at (-2, -4).
  for (Position& p : h.positions_A) p = {p.y - 3.4, p.x - 3.5};
  write_small_reconstruction(directory / "run.h5", comm, h);
  comm.barrier();
  const std::vector<float> corners = read_all(directory / "run.h5", "model_attributes/crop_pos", 12);
  EXPECT_EQ(corners[0], 0.0F);
  EXPECT_EQ(corners[1], 0.0F);
  const std::vector<float> shifts =
      read_all(directory / "run.h5", "optimizable_tensors/probe_pos_shifts", 12);
  EXPECT_FLOAT_EQ(shifts[0], 0.2F);  // 0.6 A / 0.5 A - 1
  EXPECT_FLOAT_EQ(shifts[1], 0.25F); // 0.1 A / 0.4 A
  constexpr std::size_t rows = 22;
  constexpr std::size_t columns = 28;
  const std::vector<float> view =
      read_all(directory / "run.h5", "optimizable_tensors/objp", 3 * rows * columns);
  const std::vector<float> truth = small_truth(1);
  const auto sigma = static_cast<float>(small_info().sigma);
  for (std::size_t y = 0; y < rows; ++y) {
    for (std::size_t x = 0; x < columns; ++x) {
      const bool inside = y >= 2 && x >= 4;
      const float expected = inside ? sigma * truth[(y - 2) * 24 + x - 4] : 0.0F;
      EXPECT_FLOAT_EQ(view[(rows + y) * columns + x], expected) << y << ' ' << x;
    }
  }
}

TEST(Reconstruction, SameContentGivesSameBytes) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  write_small_reconstruction(directory / "a.h5", comm, small_header());
  write_small_reconstruction(directory / "b.h5", comm, small_header());
  comm.barrier();
  EXPECT_TRUE(bytes_of(directory / "a.h5") == bytes_of(directory / "b.h5"));
}

TEST(Reconstruction, FailureOnOneRankLeavesNothingAndReachesAll) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto file = directory / "run.h5";
  const Tiling tiling = small_tiling(comm.size());
  const int failing = comm.size() - 1;
  const std::string message = message_of<RunError>([&] {
    write_reconstruction(
        file, comm, small_header(), tiling,
        [&](int s, std::span<float>) {
          if (comm.rank() == failing && s == 1) throw RunError("slice 1 is lost");
        },
        small_info());
  });
  EXPECT_NE(message.find("slice 1 is lost"), std::string::npos) << message;
  comm.barrier();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
}

TEST(Reconstruction, FullDiskIsOneLineOnAllRanks) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto file = directory / "run.h5";
  const Tiling tiling = small_tiling(comm.size());
  const std::string message = message_of<InputError>([&] {
    write_reconstruction(
        file, comm, small_header(), tiling,
        [&](int s, std::span<float>) {
          if (s == 1) limit_file_size(3000); // the file has its place by now; every further write fails
        },
        small_info());
  });
  limit_file_size(RLIM_INFINITY);
  EXPECT_NE(message.find(file.string() + ".partial"), std::string::npos) << message;
  EXPECT_NE(message.find("the file needs "), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  comm.barrier();
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
}

TEST(Reconstruction, UnwritablePlaceIsOneLineOnAllRanks) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto file = directory / "none/run.h5";
  const std::string message =
      message_of<InputError>([&] { write_small_reconstruction(file, comm, small_header()); });
  EXPECT_NE(message.find(file.string()), std::string::npos) << message;
  EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

/// Opens `file` for writing on one rank and changes one number of a dataset.
template <class T>
void change(const std::filesystem::path& file, const std::string& name, hid_t type, hsize_t at, T value) {
  const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_write);
  const hdf5::Handle data = hdf5::open_dataset(handle, name);
  const hdf5::Handle space(H5Dget_space(data), H5Sclose);
  std::vector<T> all(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
  EXPECT_GE(H5Dread(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), 0);
  all.at(at) = value;
  EXPECT_GE(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, all.data()), 0);
}

TEST(Reconstruction, WhatWasChangedAfterwardsIsRefused) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto voxel = directory / "voxel.h5", cost = directory / "cost.h5", hash = directory / "hash.h5";
  for (const auto& file : {voxel, cost, hash}) write_small_reconstruction(file, comm, small_header());
  if (!comm.leads()) return; // whose folder the others wait for
  std::vector<float> slice(small_header().volume.area());
  change(voxel, "reconstruction/potential/data", H5T_NATIVE_FLOAT, slice.size() + 5, 7.0F);
  const ReconstructionReader reader(voxel);
  reader.read_potential(0, slice);
  EXPECT_NE(message_of<InputError>([&] {
              reader.read_potential(1, slice);
            }).find("slice 1 of 'reconstruction/potential"),
            std::string::npos);
  change(cost, "ptychoscale/cost_per_iteration", H5T_NATIVE_DOUBLE, 0, 1e-9);
  EXPECT_NE(message_of<InputError>([&] {
              const ReconstructionReader r(cost);
            }).find("'ptychoscale' is not what was written"),
            std::string::npos);
  change(hash, "ptychoscale/slice_hashes", H5T_NATIVE_UINT64, 2, std::uint64_t{5});
  EXPECT_NE(
      message_of<InputError>([&] { ReconstructionReader(hash).read_potential(1, slice); }).find("slice 1"),
      std::string::npos);
}

TEST(Reconstruction, ADatasetIsNotOne) {
  const Communicator comm = Communicator::world();
  const SharedDirectory directory(comm);
  const auto file = directory / "small.h5";
  if (comm.rank() == 0) write_small_dataset(file);
  comm.barrier();
  const std::string message = message_of<InputError>([&] { const ReconstructionReader reader(file); });
  EXPECT_NE(message.find("no dataset 'reconstruction/potential/data', expected a reconstruction"),
            std::string::npos)
      << message;
}

} // namespace
} // namespace ptychoscale::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const ptychoscale::MpiSession session(argc, argv);
  return RUN_ALL_TESTS();
}
