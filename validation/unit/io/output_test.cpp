// Files of the user: links are followed, what is no file is left alone, and a file that cannot be locked is
// not called damaged.
#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {
int lock_fails_with = 0; ///< an errno
}

/// In front of the C library's: a file system that cannot lock is what this pretends.
extern "C" int flock(int file, int operation) noexcept {
  if (lock_fails_with == 0) return static_cast<int>(syscall(SYS_flock, file, operation));
  errno = lock_fails_with;
  return -1;
}

namespace ptychoscale::test {
namespace {

namespace fs = std::filesystem;

class WithoutLocks {
public:
  explicit WithoutLocks(int error) { lock_fails_with = error; }
  WithoutLocks(const WithoutLocks&) = delete;
  WithoutLocks& operator=(const WithoutLocks&) = delete;
  ~WithoutLocks() { lock_fails_with = 0; }
};

std::string why_not_read(const fs::path& file) {
  return message_of<InputError>([&] { const DatasetReader reader(file); });
}
std::string why_not_written(const fs::path& file) {
  return message_of<InputError>(
      [&] { const DatasetWriter writer(file, small_header(), CountType::float32, true); });
}
void expect_says(const std::string& message, const std::vector<std::string>& parts) {
  for (const auto& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n in: " << message;
}

TEST(OutputTarget, OfAPlainNameIsItself) {
  const ScratchFolder directory;
  EXPECT_EQ(output_target(directory / "new.h5"), directory / "new.h5");
  std::ofstream(directory / "old.h5") << "old";
  EXPECT_EQ(output_target(directory / "old.h5"), directory / "old.h5");
  EXPECT_EQ(output_target("new.h5"), "new.h5");
}

TEST(OutputTarget, OfALinkIsWhereItLeads) {
  const ScratchFolder directory;
  fs::create_directory(directory / "disk");
  fs::create_symlink("disk/target.h5", directory / "relative.h5");
  fs::create_symlink(directory / "relative.h5", directory / "second.h5");
  for (const auto* link : {"relative.h5", "second.h5"})
    EXPECT_TRUE(fs::weakly_canonical(output_target(directory / link)) ==
                fs::weakly_canonical(directory / "disk/target.h5"));
}

TEST(OutputTarget, IsNoDirectoryPipeDeviceOrCircle) {
  const ScratchFolder directory;
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  fs::create_directory(directory / "folder");
  fs::create_symlink("/dev/null", directory / "to_device");
  fs::create_symlink("b", directory / "a");
  fs::create_symlink("a", directory / "b");
  const auto why = [](const fs::path& file) {
    return message_of<InputError>([&] { (void)output_target(file); });
  };
  expect_says(why(directory / "pipe"), {"pipe: is a pipe"});
  expect_says(why(directory / "folder"), {"folder: is a directory"});
  expect_says(why("/dev/null"), {"/dev/null: is a device"});
  expect_says(why(directory / "to_device"), {"to_device: leads to /dev/null, which is a device"});
  expect_says(why(directory / "a"), {"a: is a link that leads in a circle"});
}

TEST(DatasetOutput, FollowsALink) {
  const ScratchFolder directory;
  fs::create_directory(directory / "disk");
  fs::create_symlink("disk/target.h5", directory / "link.h5");
  write_small_dataset(directory / "link.h5");
  write_small_dataset(directory / "plain.h5");
  EXPECT_TRUE(fs::is_symlink(directory / "link.h5"));
  EXPECT_FALSE(fs::is_symlink(directory / "disk/target.h5"));
  EXPECT_TRUE(bytes_of(directory / "disk/target.h5") == bytes_of(directory / "plain.h5"));
}

TEST(DatasetOutput, LeavesAPipeAPipe) {
  const ScratchFolder directory;
  ASSERT_EQ(mkfifo((directory / "pipe").c_str(), 0600), 0);
  expect_says(why_not_written(directory / "pipe"), {"is a pipe"});
  EXPECT_TRUE(fs::is_fifo(directory / "pipe"));
  EXPECT_FALSE(fs::exists(directory / "pipe.partial"));
}

TEST(Locks, AFileOpenForWritingElsewhereIsNotDamaged) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  write_small_dataset(file);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t writer = fork(); // locks are between processes
  if (writer == 0) {
    const int fd = open(file.c_str(), O_RDWR);
    const bool locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (write(ready[1], locked ? "y" : "n", 1) != 1) std::_Exit(1);
    pause();
    std::_Exit(0);
  }
  char locked = 0;
  ASSERT_EQ(read(ready[0], &locked, 1), 1);
  EXPECT_EQ(locked, 'y');
  const auto message = why_not_read(file);
  kill(writer, SIGKILL);
  waitpid(writer, nullptr, 0);
  expect_says(message, {"small.h5", "another process has it open for writing"});
  EXPECT_EQ(message.find("damaged"), std::string::npos) << message;
  EXPECT_NO_THROW((void)DatasetReader{file});
}

TEST(Locks, AFileSystemWithoutThemIsNamedWithWhatHelps) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5");
  for (const int error : {ENOLCK, EOPNOTSUPP}) {
    const WithoutLocks none(error);
    for (const auto& message :
         {why_not_read(directory / "small.h5"), why_not_written(directory / "new.h5")}) {
      expect_says(message, {"its file system has no locks", "HDF5_USE_FILE_LOCKING=FALSE"});
      EXPECT_EQ(message.find("damaged"), std::string::npos) << message;
    }
    EXPECT_FALSE(fs::exists(directory / "new.h5.partial"));
  }
}

TEST(Locks, ThatAreMissingCostNoPartialFile) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  {
    DatasetWriter writer(file, small_header(), CountType::float32, true);
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
  }
  {
    const WithoutLocks none(ENOLCK);
    expect_says(why_not_written(file), {"has no locks"});
  }
  const DatasetWriter writer(file, small_header(), CountType::float32, true);
  EXPECT_TRUE(writer.resumed() && writer.has_pattern(0));
}

TEST(Resume, TellsADamagedPartialFileFromAnothers) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  {
    DatasetWriter writer(file, small_header(), CountType::float32, true);
    writer.write_pattern(0, small_pattern(0));
    writer.flush();
  }
  fs::resize_file(file.string() + ".partial", 1000);
  {
    const DatasetWriter writer(file, small_header(), CountType::float32, true);
    EXPECT_TRUE(writer.replaced_damaged());
    EXPECT_FALSE(writer.resumed() || writer.has_pattern(0));
  }
  const auto progress = file.string() + ".partial.progress";
  std::fstream(progress, std::ios::in | std::ios::out | std::ios::binary).put('?'); // of its first line
  EXPECT_TRUE(DatasetWriter(file, small_header(), CountType::float32, true).replaced_damaged());
  auto other = small_header();
  other.seed += 1;
  EXPECT_FALSE(DatasetWriter(file, other, CountType::float32, true).replaced_damaged());
}

} // namespace
} // namespace ptychoscale::test
