#include "counts.hpp"
#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <sys/wait.h>

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
  auto h = small_header();
  std::ranges::fill(h.probe, Complex(1 / std::sqrt(48.0F))); // the same on every machine
  write_small_dataset(directory / "small.h5", CountType::float32, true, h);
  EXPECT_EQ(DatasetReader(directory / "small.h5").content_hash(), "6428d9e2d365aab2f6be8b8c30ccef3f");
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

/// Runs `step` in a process that is then killed without any chance to clean up.
template <class Step> void run_and_kill(const Step& step) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      step();
    } catch (...) {
      _exit(1);
    }
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed before it could be killed";
}

TEST(Resume, AfterAKillGivesTheBytesOfOneRun) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto file = directory / "resumed.h5";
  const DatasetHeader h = small_header();
  run_and_kill([&] {
    DatasetWriter writer(file, h, CountType::float32, true);
    writer.write_truth(1, small_truth(1));
    writer.write_pattern(2, small_pattern(2));
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
    writer.write_pattern(4, small_pattern(4)); // not flushed: lost
  });
  run_and_kill([&] { // a second interruption, of the resumed run
    DatasetWriter writer(file, h, CountType::float32, true);
    writer.write_pattern(5, small_pattern(5));
    writer.flush();
  });
  DatasetWriter writer(file, h, CountType::float32, true);
  EXPECT_TRUE(writer.resumed());
  std::vector<float> slice(h.volume.area());
  for (int p = 0; p < 6; ++p) {
    EXPECT_EQ(writer.has_pattern(p), p == 0 || p == 2 || p == 5) << p;
    if (!writer.has_pattern(p)) writer.write_pattern(p, small_pattern(p));
  }
  for (int s = 0; s < h.slices; ++s) {
    EXPECT_EQ(writer.has_truth(s), s == 1) << s;
    if (!writer.has_truth(s)) writer.write_truth(s, small_truth(s));
    writer.read_truth(s, slice);
    EXPECT_EQ(slice, small_truth(s));
  }
  writer.finish();
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

/// Leaves a dataset with two patterns and a slice, as a kill does.
void leave_unfinished(const std::filesystem::path& file) {
  DatasetWriter writer(file, small_header(), CountType::float32, true);
  writer.write_truth(1, small_truth(1));
  writer.write_pattern(0, small_pattern(0));
  writer.write_pattern(4, small_pattern(4));
  writer.flush();
}

/// Writes what is missing only, as `simulate` does.
void go_on_with(const std::filesystem::path& file) {
  DatasetWriter writer(file, small_header(), CountType::float32, true);
  for (int p = 0; p < 6; ++p)
    if (!writer.has_pattern(p)) writer.write_pattern(p, small_pattern(p));
  for (int s = 0; s < small_header().slices; ++s)
    if (!writer.has_truth(s)) writer.write_truth(s, small_truth(s));
  writer.finish();
}

TEST(Resume, WritesAgainWhatIsNotThereAsRecorded) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto file = directory / "resumed.h5";
  leave_unfinished(file);
  auto pattern = small_pattern(4);
  move_zero_to_centre(small_pattern(4), pattern, small_header().detector);
  auto bytes = bytes_of(file.string() + ".partial");
  const auto raw = std::as_bytes(std::span(pattern));
  const std::string lost(reinterpret_cast<const char*>(raw.data()), raw.size());
  const auto at = bytes.find(lost);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, lost.size(), lost.size(), '\0'); // what a power cut can leave
  std::ofstream(file.string() + ".partial", std::ios::binary) << bytes;
  {
    const DatasetWriter writer(file, small_header(), CountType::float32, true);
    EXPECT_TRUE(writer.resumed());
    EXPECT_EQ(writer.distrusted(), 1);
    EXPECT_TRUE(writer.has_pattern(0) && writer.has_truth(1));
    EXPECT_FALSE(writer.has_pattern(4));
  }
  go_on_with(file);
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

TEST(Resume, EndsWithTheSameBytesWhateverByteOfItsProgressIsDamaged) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto straight = bytes_of(directory / "straight.h5");
  const auto file = directory / "resumed.h5";
  const std::filesystem::path progress = file.string() + ".partial.progress";
  leave_unfinished(file);
  const auto size = std::filesystem::file_size(progress);
  for (std::uintmax_t i = 0; i < size; i += 3) { // of every field of every record
    std::filesystem::remove(file);
    leave_unfinished(file);
    auto bytes = bytes_of(progress);
    bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
    std::ofstream(progress, std::ios::binary) << bytes;
    go_on_with(file);
    ASSERT_TRUE(bytes_of(file) == straight) << "byte " << i;
  }
}

TEST(Resume, EndsWithTheSameBytesWhateverByteOfTheUnfinishedFileIsDamaged) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto straight = bytes_of(directory / "straight.h5");
  const auto file = directory / "resumed.h5";
  leave_unfinished(file);
  const auto unfinished = bytes_of(file.string() + ".partial");
  const auto progress = bytes_of(file.string() + ".partial.progress");
  constexpr std::size_t between = 211; // enough to meet every object of the file
  for (std::size_t i = 0; i < unfinished.size(); i += between) {
    std::filesystem::remove(file);
    auto bytes = unfinished;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
    std::ofstream(file.string() + ".partial", std::ios::binary) << bytes;
    std::ofstream(file.string() + ".partial.progress", std::ios::binary) << progress;
    go_on_with(file);
    ASSERT_TRUE(bytes_of(file) == straight) << "byte " << i << " of " << unfinished.size();
  }
}

TEST(Resume, GoesOnWithAFileThatHasItsContentHashAlready) {
  const ScratchFolder directory;
  const auto straight = directory / "straight.h5";
  write_small_dataset(straight);
  const auto file = directory / "resumed.h5";
  {
    DatasetWriter writer(file, small_header(), CountType::float32, true);
    for (int p = 0; p < 6; ++p) writer.write_pattern(p, small_pattern(p));
    for (int s = 0; s < small_header().slices; ++s) writer.write_truth(s, small_truth(s));
    writer.flush();
  }
  // Stopped just before it had its name.
  std::filesystem::copy_file(straight, file.string() + ".partial",
                             std::filesystem::copy_options::overwrite_existing);
  DatasetWriter writer(file, small_header(), CountType::float32, true);
  EXPECT_TRUE(writer.resumed());
  EXPECT_EQ(writer.distrusted(), 0);
  writer.finish();
  EXPECT_TRUE(bytes_of(file) == bytes_of(straight));
}

TEST(Resume, IgnoresARecordCutShort) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto file = directory / "resumed.h5";
  const DatasetHeader h = small_header();
  {
    DatasetWriter writer(file, h, CountType::float32, true);
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
  }
  const std::filesystem::path progress = file.string() + ".partial.progress";
  std::ofstream(progress, std::ios::app | std::ios::binary) << "cut";
  for (int round = 0; round < 2; ++round) {
    DatasetWriter writer(file, h, CountType::float32, true);
    EXPECT_TRUE(writer.has_pattern(0));
    EXPECT_EQ(writer.has_pattern(1), round == 1);
    writer.write_pattern(1, small_pattern(1));
    writer.flush();
  }
  write_small_dataset(file);
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

TEST(Resume, ReplacesAPartialFileOfAnotherHeader) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto file = directory / "other.h5";
  {
    DatasetHeader other = small_header();
    other.seed += 1;
    DatasetWriter writer(file, other, CountType::float32, true);
    writer.write_pattern(0, small_pattern(3));
    writer.flush();
  }
  {
    const DatasetWriter writer(file, small_header(), CountType::float32, true);
    EXPECT_FALSE(writer.resumed());
    EXPECT_FALSE(writer.has_pattern(0));
  }
  write_small_dataset(file);
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

TEST(Resume, ReplacesAPartialFileOfAnotherOrigin) {
  const ScratchFolder directory;
  write_small_dataset(directory / "straight.h5");
  const auto file = directory / "other.h5";
  const auto open = [&](const char* origin) {
    return DatasetWriter(file, small_header(), CountType::float32, true, origin);
  };
  {
    auto writer = open("cuda");
    writer.write_pattern(0, small_pattern(3));
    writer.flush();
  }
  EXPECT_TRUE(open("cuda").resumed());
  EXPECT_FALSE(open("cpu").resumed());
  write_small_dataset(file);
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

TEST(Resume, ReplacesADamagedPartialFile) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  {
    DatasetWriter writer(file, small_header(), CountType::float32, false);
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
  }
  std::filesystem::resize_file(file.string() + ".partial", 100);
  const DatasetWriter writer(file, small_header(), CountType::float32, false);
  EXPECT_FALSE(writer.resumed());
  EXPECT_FALSE(writer.has_pattern(0));
}

TEST(Counts, HalfPrecisionFollowsIeee754) {
  // Bit patterns of numpy.float16.
  EXPECT_EQ(half_from_float(0.0F), 0x0000);
  EXPECT_EQ(half_from_float(1.0F), 0x3c00);
  EXPECT_EQ(half_from_float(-2.0F), 0xc000);
  EXPECT_EQ(half_from_float(65504.0F), 0x7bff);
  EXPECT_EQ(half_from_float(65520.0F), 0x7c00);
  EXPECT_EQ(half_from_float(0x1p-24F), 0x0001);
  EXPECT_EQ(half_from_float(0x1p-14F), 0x0400);
  EXPECT_EQ(half_from_float(0x1.ff8p-15F), 0x03ff);
  EXPECT_EQ(half_from_float(2049.0F), 0x6800); // halfway between 2048 and 2050: to even
  EXPECT_EQ(half_from_float(2051.0F), 0x6802); // halfway between 2050 and 2052: to even
}

TEST(Counts, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t bits = 0; bits <= 0xffffU; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = float_from_half(half);
    if (std::isnan(value)) {
      EXPECT_GT(bits & 0x7fffU, 0x7c00U);
    } else {
      ASSERT_EQ(half_from_float(value), half);
    }
  }
  EXPECT_EQ(float_from_half(0x3c00), 1.0F);
  EXPECT_EQ(float_from_half(0x0001), 0x1p-24F);
}

TEST(Counts, ZeroFrequencyGoesToTheCentreAndBack) {
  for (const Extent extent : {Extent{4, 6}, Extent{5, 3}, Extent{1, 1}}) {
    std::vector<float> first(extent.area());
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<float>(i);
    std::vector<float> centred(first.size());
    std::vector<float> back(first.size());
    move_zero_to_centre(first, centred, extent);
    EXPECT_EQ(centred[static_cast<std::size_t>(extent.y / 2 * extent.x + extent.x / 2)], 0.0F);
    move_zero_to_front(centred, back, extent);
    EXPECT_EQ(back, first);
  }
}

TEST(Counts, UnsignedIntegersAreRounded) {
  const ScratchFolder directory;
  DatasetHeader h = small_header();
  h.electrons_per_pattern = 1;
  DatasetWriter writer(directory / "small.h5", h, CountType::uint16, false);
  std::vector<float> counts(h.detector.area(), 3.4F);
  counts[0] = 65535.0F;
  counts[1] = 3.6F;
  for (int p = 0; p < 6; ++p) writer.write_pattern(p, counts);
  writer.finish();
  std::vector<float> amplitudes(h.detector.area());
  DatasetReader(directory / "small.h5").read_amplitudes(0, amplitudes);
  EXPECT_FLOAT_EQ(amplitudes[0], std::sqrt(65535.0F));
  EXPECT_FLOAT_EQ(amplitudes[1], 2.0F);
  EXPECT_FLOAT_EQ(amplitudes[2], std::sqrt(3.0F));
}

} // namespace
} // namespace ptychoscale::test
