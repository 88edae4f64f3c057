#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>

/// Datasets of other programs, which lack what only a simulation can know.
namespace ptychoscale::test {
namespace {

/// A small dataset, as a program other than ours would have written it, changed by `change`.
std::filesystem::path write_measured(
    const ScratchFolder& directory, const std::function<void(hid_t)>& change = [](hid_t) {}) {
  const auto file = directory / "measured.h5";
  write_small_dataset(file);
  const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_write);
  H5Adelete(handle, "authoring_program");
  for (const char* name : {"content_hash", "patterns_hash", "seed"})
    H5Adelete_by_name(handle, "ptychoscale", name, H5P_DEFAULT);
  for (const char* name : {"ptychoscale/specimen", "ptychoscale/truth", "dataset/metadatabundle/calibration",
                           "dataset/metadatabundle/microscope/soft_aperture"})
    H5Ldelete(handle, name, H5P_DEFAULT);
  change(handle);
  return file;
}

void remove_probe(hid_t file) { H5Ldelete(file, "ptychoscale/probe", H5P_DEFAULT); }

TEST(MeasuredDataset, LacksWhatOnlyASimulationKnows) {
  const ScratchFolder directory;
  const DatasetReader reader(write_measured(directory));
  const auto& h = reader.header();
  EXPECT_EQ(h.specimen_json, "");
  EXPECT_EQ(h.seed, 0U);
  EXPECT_TRUE(h.soft_aperture);
  EXPECT_TRUE(h.probe_stored);
  EXPECT_FALSE(reader.has_truth());
  EXPECT_FALSE(reader.is_sealed());
  EXPECT_EQ(h.probe, small_header().probe);
}

TEST(MeasuredDataset, WithoutAProbeHasThatOfItsOptics) {
  const ScratchFolder directory;
  const DatasetReader reader(write_measured(directory, remove_probe));
  const auto& h = reader.header();
  EXPECT_FALSE(h.probe_stored);
  EXPECT_EQ(h.probe,
            make_probe({h.energy_eV, h.semiangle_mrad, h.C10_A, h.C30_A, true}, h.detector, h.pixel));
}

TEST(MeasuredDataset, WithoutAHashIsReadToMakeIt) {
  const ScratchFolder directory;
  const auto file = write_measured(directory);
  const DatasetReader reader(file);
  EXPECT_EQ(reader.content_hash(), content_hash_of(file));
  EXPECT_FALSE(DatasetReader(file).is_sealed()) << "reading does not write";
}

TEST(MeasuredDataset, SealedKeepsItsHashAndShowsChanges) {
  const ScratchFolder directory;
  const auto file = write_measured(directory, remove_probe);
  const auto hash = seal(file);
  EXPECT_EQ(seal(file), hash) << "a second time nothing is added";
  const DatasetReader reader(file);
  EXPECT_TRUE(reader.is_sealed());
  EXPECT_EQ(reader.content_hash(), hash);
  EXPECT_EQ(content_hash_of(file), hash);
  std::vector<float> amplitudes(reader.header().detector.area());
  std::map<int, std::uint64_t> hashes;
  for (int i = 0; i < 6; ++i) {
    reader.read_amplitudes(i, amplitudes);
    hashes[i] = reader.hash_as_read(i).value();
  }
  EXPECT_EQ(reader.complaint_of_content(hashes), std::nullopt);
  hashes[3] += 1;
  EXPECT_NE(reader.complaint_of_content(hashes), std::nullopt);
}

TEST(MeasuredDataset, ThatLostItsProbeIsNotWhatWasSealed) {
  const ScratchFolder directory;
  const auto file = write_measured(directory);
  const auto hash = seal(file);
  remove_probe(hdf5::open_file(file, hdf5::Access::read_write));
  EXPECT_NE(content_hash_of(file), hash);
}

TEST(MeasuredDataset, OutOfRangeIsToldBeforeAProbeIsMade) {
  const ScratchFolder directory;
  const auto file = write_measured(directory, [](hid_t f) {
    remove_probe(f);
    const double keV = 200;
    hdf5::check(H5Dwrite(hdf5::open_dataset(f, "dataset/metadatabundle/microscope/energy_eV"),
                         H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &keV),
                "cannot write");
  });
  const auto message = message_of<InputError>([&] { const DatasetReader reader(file); });
  EXPECT_NE(message.find("energy_eV = 200, expected from 10000"), std::string::npos) << message;
}

} // namespace
} // namespace ptychoscale::test
