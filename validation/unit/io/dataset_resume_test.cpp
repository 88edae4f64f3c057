// Datasets whose writing was interrupted: what goes on comes to the bytes of one run.
#include "counts.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <sys/wait.h>

namespace ptychoscale::test {
namespace {

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

} // namespace
} // namespace ptychoscale::test
