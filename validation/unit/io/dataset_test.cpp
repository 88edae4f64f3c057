#include "counts.hpp"
#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ptychoscale::test {
namespace {

class EachCountType : public testing::TestWithParam<CountType> {};

TEST_P(EachCountType, ReadsBackWhatWasWritten) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  write_small_dataset(file, GetParam());
  const DatasetReader reader(file);
  const DatasetHeader h = small_header();
  const DatasetHeader& read = reader.header();
  EXPECT_EQ(read.case_name, h.case_name);
  EXPECT_EQ(read.detector, h.detector);
  EXPECT_EQ(read.volume, h.volume);
  EXPECT_EQ(read.slices, h.slices);
  EXPECT_EQ(read.slice_thickness_A, h.slice_thickness_A);
  EXPECT_EQ(read.pixel.y, h.pixel.y);
  EXPECT_EQ(read.pixel.x, h.pixel.x);
  EXPECT_EQ(read.scan.rows, h.scan.rows);
  EXPECT_EQ(read.scan.columns, h.scan.columns);
  EXPECT_EQ(read.scan_step_A.y, h.scan_step_A.y);
  EXPECT_EQ(read.scan_step_A.x, h.scan_step_A.x);
  ASSERT_EQ(read.positions_A.size(), h.positions_A.size());
  for (std::size_t i = 0; i < h.positions_A.size(); ++i) {
    EXPECT_EQ(read.positions_A[i].y, h.positions_A[i].y);
    EXPECT_EQ(read.positions_A[i].x, h.positions_A[i].x);
  }
  EXPECT_EQ(read.energy_eV, h.energy_eV);
  EXPECT_EQ(read.semiangle_mrad, h.semiangle_mrad);
  EXPECT_EQ(read.C10_A, h.C10_A);
  EXPECT_EQ(read.C30_A, h.C30_A);
  EXPECT_EQ(read.soft_aperture, h.soft_aperture);
  EXPECT_EQ(read.dose_e_per_A2, h.dose_e_per_A2);
  EXPECT_EQ(read.electrons_per_pattern, h.electrons_per_pattern);
  EXPECT_EQ(read.seed, h.seed);
  EXPECT_EQ(read.specimen_json, h.specimen_json);
  EXPECT_EQ(read.probe, h.probe);
  EXPECT_EQ(reader.content_hash().size(), 32U);
}

TEST(DatasetOfALens, ThatIsNotRoundIsReadBack) {
  const ScratchFolder directory;
  auto h = small_header();
  h.aberrations = {.C12 = {20, -35.5}, .C34 = {1e4, 12}};
  write_small_dataset(directory / "lens.h5", CountType::float32, true, h);
  const DatasetReader reader(directory / "lens.h5");
  EXPECT_EQ(reader.header().aberrations, h.aberrations);
  EXPECT_EQ(content_hash_of(directory / "lens.h5"), reader.content_hash());
  h.aberrations.C12.angle_deg = -35;
  write_small_dataset(directory / "other.h5", CountType::float32, true, h);
  EXPECT_NE(DatasetReader(directory / "other.h5").content_hash(), reader.content_hash());
}

TEST(DatasetOfALens, ThatIsRoundIsAsItWasBeforeThereWereOthers) {
  const ScratchFolder directory;
  auto h = small_header(); // of numbers now that no compiler rounds
  h.scan_step_A = {1, 1};
  h.positions_A = {{4, 3.5}, {4, 4.5}, {4, 5.5}, {5, 3.5}, {5, 4.5}, {5, 5.5}};
  std::ranges::fill(h.probe, Complex(1 / std::sqrt(48.0F)));
  write_small_dataset(directory / "small.h5", CountType::float32, true, h);
  EXPECT_EQ(DatasetReader(directory / "small.h5").content_hash(), "c52e3f02c39b8b4c2a2e1aeee6b8f0bd");
  const auto file = hdf5::open_file(directory / "small.h5", hdf5::Access::read_only);
  EXPECT_FALSE(H5Lexists(file, "dataset/metadatabundle/microscope/C12_A", H5P_DEFAULT) > 0);
}

TEST(DatasetOfALens, MagnitudeAndAngleAreNeededTogether) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5");
  {
    const auto file = hdf5::open_file(directory / "small.h5", hdf5::Access::read_write);
    hdf5::write_number(file, "dataset/metadatabundle/microscope/C21_A", 100);
  }
  const auto message = message_of<InputError>([&] { const DatasetReader reader(directory / "small.h5"); });
  EXPECT_NE(message.find("C21_angle_deg"), std::string::npos) << message;
}

TEST_P(EachCountType, AmplitudesAreRootsOfCountsPerElectron) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5", GetParam());
  const DatasetReader reader(directory / "small.h5");
  const DatasetHeader& h = reader.header();
  std::vector<float> amplitudes(h.detector.area());
  for (int p = 0; p < static_cast<int>(h.positions_A.size()); ++p) {
    reader.read_amplitudes(p, amplitudes);
    const std::vector<float> counts = small_pattern(p);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      // All counts are whole and below 2048, exact in every type: what is left is the rounding of a product
      // and a root.
      EXPECT_FLOAT_EQ(amplitudes[i], std::sqrt(counts[i] / static_cast<float>(h.electrons_per_pattern)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(CountTypes, EachCountType,
                         testing::Values(CountType::float32, CountType::float16, CountType::uint16),
                         [](const auto& type) { return std::string(name(type.param)); });

TEST(Dataset, TruthReadsBackExactly) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5");
  const DatasetReader reader(directory / "small.h5");
  ASSERT_TRUE(reader.has_truth());
  std::vector<float> potential(reader.header().volume.area());
  for (int s = 0; s < reader.header().slices; ++s) {
    reader.read_truth(s, potential);
    EXPECT_EQ(potential, small_truth(s));
  }
}

TEST(Dataset, MayHaveNoTruth) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5", CountType::float32, false);
  const DatasetReader reader(directory / "small.h5");
  EXPECT_FALSE(reader.has_truth());
  std::vector<float> potential(reader.header().volume.area());
  EXPECT_THROW(reader.read_truth(0, potential), InputError);
}

TEST(Dataset, SameContentGivesSameBytes) {
  const ScratchFolder directory;
  for (const CountType type : {CountType::float32, CountType::float16, CountType::uint16}) {
    write_small_dataset(directory / "a.h5", type);
    write_small_dataset(directory / "b.h5", type);
    EXPECT_TRUE(bytes_of(directory / "a.h5") == bytes_of(directory / "b.h5"));
  }
}

TEST(Dataset, OrderOfWritingLeavesNoTrace) {
  const ScratchFolder directory;
  write_small_dataset(directory / "a.h5");
  const DatasetHeader h = small_header();
  DatasetWriter writer(directory / "b.h5", h, CountType::float32, true);
  for (int s = h.slices - 1; s >= 0; --s) writer.write_truth(s, small_truth(s));
  for (const int p : {3, 0, 5, 1, 4, 2}) {
    writer.write_pattern(p, small_pattern(p));
    writer.flush();
  }
  writer.finish();
  EXPECT_TRUE(bytes_of(directory / "a.h5") == bytes_of(directory / "b.h5"));
}

TEST(Dataset, ContentHashSeesOneCount) {
  const ScratchFolder directory;
  write_small_dataset(directory / "a.h5", CountType::float32, false);
  const DatasetHeader h = small_header();
  DatasetWriter writer(directory / "b.h5", h, CountType::float32, false);
  for (int p = 0; p < 6; ++p) {
    std::vector<float> counts = small_pattern(p);
    if (p == 4) counts[17] += 1;
    writer.write_pattern(p, counts);
  }
  writer.finish();
  EXPECT_NE(DatasetReader(directory / "a.h5").content_hash(),
            DatasetReader(directory / "b.h5").content_hash());
}

TEST_P(EachCountType, ContentHashIsOfWhatTheFileHolds) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  for (const bool with_truth : {true, false}) {
    write_small_dataset(file, GetParam(), with_truth);
    EXPECT_EQ(content_hash_of(file), DatasetReader(file).content_hash());
  }
}

/// Changes one byte of a file, past all of HDF5's own checks: `at` bytes into the only place where `found`
/// lies.
void change_byte(const std::filesystem::path& file, std::span<const std::byte> found, std::size_t at) {
  auto bytes = bytes_of(file);
  const std::string_view wanted(reinterpret_cast<const char*>(found.data()), found.size());
  const auto place = bytes.find(wanted);
  ASSERT_NE(place, std::string::npos);
  bytes[place + at] = static_cast<char>(bytes[place + at] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST(Dataset, ContentHashTellsOneBitOfAPatternOrOfTheTruth) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  for (const bool of_truth : {false, true}) {
    write_small_dataset(file);
    auto values = of_truth ? small_truth(1) : std::vector<float>(small_pattern(4).size());
    if (!of_truth) move_zero_to_centre(small_pattern(4), values, small_header().detector);
    change_byte(file, std::as_bytes(std::span(values)), 4 * 7); // the lowest bit of pixel 7
    const DatasetReader reader(file);                           // nothing else tells
    EXPECT_NE(content_hash_of(file), reader.content_hash());
  }
}

TEST(Dataset, NothingUnderTheFinalNameBeforeTheEnd) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  DatasetWriter writer(file, small_header(), CountType::float32, false);
  for (int p = 0; p < 5; ++p) writer.write_pattern(p, small_pattern(p));
  EXPECT_EQ(message_of<RunError>([&] { writer.finish(); }),
            "'" + file.string() + "': 5 of 6 patterns and 0 of 0 slices of the truth are written");
  EXPECT_FALSE(std::filesystem::exists(file));
  writer.write_pattern(5, small_pattern(5));
  writer.finish();
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial.progress"));
}

} // namespace
} // namespace ptychoscale::test
