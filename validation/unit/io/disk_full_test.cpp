#include "ptychoscale/base/error.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sys/wait.h>

namespace ptychoscale::test {
namespace {

struct Outcome {
  int exit_code = -1;
  std::string stderr_text;
};

/// Runs `step` in a child that leaves through exit(), with all that HDF5 does there; exit code 2 and the
/// message on InputError.
template <class Step> Outcome run_in_child(const ScratchFolder& directory, const Step& step) {
  const std::string log = (directory / "stderr").string();
  const pid_t child = fork();
  if (child == 0) {
    int code = 0;
    if (!std::freopen(log.c_str(), "w", stderr)) std::_Exit(4);
    try {
      step();
    } catch (const InputError& e) {
      std::fprintf(stderr, "%s\n", e.what());
      code = 2;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "unexpected: %s\n", e.what());
      code = 5;
    }
    std::fflush(stderr);
    limit_file_size(RLIM_INFINITY); // for what the test framework and sanitizers write at exit
    std::exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), bytes_of(log)};
}

void expect_one_line(const Outcome& outcome, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.stderr_text;
  EXPECT_EQ(std::count(outcome.stderr_text.begin(), outcome.stderr_text.end(), '\n'), 1)
      << outcome.stderr_text;
  for (const std::string& part : parts) {
    EXPECT_NE(outcome.stderr_text.find(part), std::string::npos) << part << "\n in: " << outcome.stderr_text;
  }
}

TEST(FullDisk, IsFoundBeforeAnythingIsWritten) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  const Outcome outcome = run_in_child(directory, [&] {
    limit_file_size(20000);
    write_small_dataset(file);
  });
  expect_one_line(outcome,
                  {file.string(), "not enough space", "the file needs ", "bytes, 20000 are available"});
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
}

TEST(FullDisk, InTheMiddleLeavesTheFlushedPartToResume) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  const Outcome outcome = run_in_child(directory, [&] {
    DatasetWriter writer(file, small_header(), CountType::float32, true);
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
    limit_file_size(3000); // below the place of any further pattern
    writer.write_pattern(5, small_pattern(5));
  });
  expect_one_line(outcome,
                  {file.string() + ".partial", "File too large", "the file needs ", "are available"});
  EXPECT_FALSE(std::filesystem::exists(file));

  write_small_dataset(directory / "straight.h5");
  EXPECT_TRUE(DatasetWriter(file, small_header(), CountType::float32, true).has_pattern(0));
  write_small_dataset(file);
  EXPECT_TRUE(bytes_of(file) == bytes_of(directory / "straight.h5"));
}

TEST(FullDisk, AtTheVeryEndLeavesNoFinalFile) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  const Outcome outcome = run_in_child(directory, [&] {
    const DatasetHeader h = small_header();
    DatasetWriter writer(file, h, CountType::float32, false);
    for (int p = 0; p < 6; ++p) writer.write_pattern(p, small_pattern(p));
    writer.flush();
    limit_file_size(500); // the hash goes into the object header of /ptychoscale, past this
    writer.finish();
  });
  expect_one_line(outcome, {file.string() + ".partial", "File too large"});
  EXPECT_FALSE(std::filesystem::exists(file));
}

} // namespace
} // namespace ptychoscale::test
