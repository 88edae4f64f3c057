#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

TEST(MeasuredDataset, KeepsEveryModeOfItsProbe) {
  const ScratchFolder directory;
  DatasetHeader h = small_header();
  const auto one = h.probe;
  h.probe.clear();
  for (const float power : {0.75F, 0.25F})
    for (const Complex wave : one) h.probe.push_back(wave * std::sqrt(power));
  write_small_dataset(directory / "modes.h5", CountType::float32, true, h);
  const DatasetReader reader(directory / "modes.h5");
  EXPECT_EQ(reader.header().probe, h.probe);
  EXPECT_EQ(probe_modes(reader.header()), 2);
  write_small_dataset(directory / "one.h5");
  EXPECT_NE(reader.content_hash(), DatasetReader(directory / "one.h5").content_hash());
  EXPECT_EQ(reader.content_hash(), content_hash_of(directory / "modes.h5"));
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

/// The small header with a mask: pixel (0, 0), zero frequency, and the last; positions 1 and 4.
DatasetHeader masked_header() {
  auto h = small_header();
  h.pixels_used.assign(h.detector.area(), 1);
  h.pixels_used.front() = h.pixels_used.back() = 0;
  h.patterns_used = {1, 0, 1, 1, 0, 1};
  return h;
}

/// Writes what cannot be a count wherever a mask hides it.
std::filesystem::path write_masked(const ScratchFolder& directory, const DatasetHeader& h) {
  const auto file = directory / "masked.h5";
  {
    DatasetWriter writer(file, h, CountType::float32, false);
    for (int p = 0; p < 6; ++p) writer.write_pattern(p, small_pattern(p));
    writer.finish();
  }
  const hdf5::Handle opened = hdf5::open_file(file, hdf5::Access::read_write);
  H5Adelete_by_name(opened, "ptychoscale", "content_hash", H5P_DEFAULT);
  H5Adelete(opened, "authoring_program");
  const hdf5::Handle data = hdf5::open_dataset(opened, "dataset/datacube/data");
  std::vector<float> counts(6 * h.detector.area());
  hdf5::check(H5Dread(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, counts.data()), "cannot read");
  for (std::size_t p = 0; p < 6; ++p) { // zero frequency at the centre (3, 4): the last pixel is (2, 3)
    counts[p * h.detector.area() + 3 * 8 + 4] = std::nanf("");
    counts[p * h.detector.area() + 2 * 8 + 3] = -5;
  }
  counts[1 * h.detector.area() + 20] = std::nanf("");
  hdf5::check(H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, counts.data()), "cannot write");
  return file;
}

TEST(Masks, HidePixelsAndPatternsWhateverTheyHold) {
  const ScratchFolder directory;
  const auto h = masked_header();
  const auto file = write_masked(directory, h);
  const auto hash = seal(file);
  const DatasetReader reader(file);
  EXPECT_EQ(reader.header().pixels_used, h.pixels_used);
  EXPECT_EQ(reader.header().patterns_used, h.patterns_used);
  EXPECT_EQ(patterns_in_use(reader.header()), 4U);
  EXPECT_EQ(masks_in_words(h), "2 of 48 pixels have no weight, 2 of 6 patterns are left out");
  std::vector<float> amplitudes(h.detector.area());
  std::map<int, std::uint64_t> hashes;
  for (const int p : {0, 2, 3, 5}) {
    reader.read_amplitudes(p, amplitudes);
    EXPECT_EQ(amplitudes.front(), no_weight);
    EXPECT_EQ(amplitudes.back(), no_weight);
    EXPECT_GE(*std::min_element(amplitudes.begin() + 1, amplitudes.end() - 1), 0);
    hashes[p] = reader.hash_as_read(p).value();
  }
  EXPECT_EQ(reader.complaint_of_content(hashes), std::nullopt) << "of the patterns in use alone";
  EXPECT_EQ(content_hash_of(file), hash);
}

TEST(Masks, ArePartOfTheContent) {
  const ScratchFolder directory;
  std::vector<std::string> hashes;
  const auto add = [&](const DatasetHeader& h) {
    DatasetWriter writer(directory / "a.h5", h, CountType::float32, false);
    for (int p = 0; p < 6; ++p) writer.write_pattern(p, small_pattern(p));
    writer.finish();
    hashes.push_back(DatasetReader(directory / "a.h5").content_hash());
  };
  auto h = small_header();
  add(h);
  h.scattered = true;
  add(h);
  h = masked_header();
  add(h);
  h.pixels_used.clear();
  add(h);
  h.patterns_used[2] = 0;
  add(h);
  std::ranges::sort(hashes);
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

std::string message_of_header(const std::function<void(DatasetHeader&)>& change) {
  const ScratchFolder directory;
  auto h = masked_header();
  change(h);
  return message_of<InputError>(
      [&] { const DatasetWriter writer(directory / "a.h5", h, CountType::float32, false); });
}

void expect_in(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

TEST(Masks, ThatHideEverythingAreRefused) {
  expect_in(message_of_header([](auto& h) { std::ranges::fill(h.pixels_used, 0); }),
            "pixels_used leaves 0 of 48 in use, expected at least 1");
  expect_in(message_of_header([](auto& h) { h.patterns_used = {0, 0, 1, 0, 0, 0}; }),
            "patterns_used leaves 1 of 6 in use, expected at least 2");
}

TEST(ScatteredScan, NeedsNoSteps) {
  const ScratchFolder directory;
  auto h = small_header();
  std::swap(h.positions_A[0], h.positions_A[4]);
  EXPECT_FALSE(steps_agree(h));
  h.scattered = true;
  { const DatasetWriter writer(directory / "a.h5", h, CountType::float32, false); }
  EXPECT_EQ(place_of(h, 4), "position 4");
  EXPECT_NEAR(typical_distance_A(h), 0.9, 1e-12);
}

TEST(ScatteredScan, ThatCannotBeIsRefused) {
  const auto scattered = [](const std::function<void(DatasetHeader&)>& change) {
    return message_of_header([&](DatasetHeader& h) {
      h.scattered = true;
      h.patterns_used.clear();
      change(h);
    });
  };
  expect_in(scattered([](auto& h) {
              h.scan_step_A = {11, 9};
            }),
            "scan_step_A = [11, 9], but the typical distance");
  expect_in(scattered([](auto& h) {
              h.C10_A = h.C30_A = 0; // circles of 0.6 A
              h.slices = 1;
              h.slice_thickness_A = 0.1;
              h.positions_A = {{2, 2}, {2, 5}, {2, 8}, {6, 2}, {6, 5}, {6, 8}};
            }),
            "no two of the 6 positions are less than 3 A apart");
}

} // namespace
} // namespace ptychoscale::test
