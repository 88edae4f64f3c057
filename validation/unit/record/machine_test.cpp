#include "../../scratch_folder.hpp"
#include "ptychoscale/compute/threads.hpp"
#include "ptychoscale/record/machine.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <unistd.h>

namespace ptychoscale {
namespace {

/// What launchers and users may have set, out of the way; each test has a process of its own.
class DefaultThreads : public testing::Test {
protected:
  void SetUp() override {
    for (const char* name :
         {"OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "LSB_MCPU_HOSTS"})
      unsetenv(name);
  }
  static int cores() { return this_machine().cores; }
};

TEST_F(DefaultThreads, ShareTheMachine) {
  EXPECT_LE(default_threads(1), cores());
  EXPECT_EQ(default_threads(1000000), 1);
}

TEST_F(DefaultThreads, FollowTheUsersEnvironment) {
  setenv("OMP_NUM_THREADS", "7", 1);
  EXPECT_EQ(default_threads(1), 7);
  EXPECT_EQ(default_threads(1000000), 7);
  setenv("OMP_NUM_THREADS", "3,2", 1); // of nested levels the outermost
  EXPECT_EQ(default_threads(1), 3);
  for (const char* nonsense : {"0", "-1", "many", ""}) {
    setenv("OMP_NUM_THREADS", nonsense, 1);
    EXPECT_LE(default_threads(1), cores()) << nonsense;
    EXPECT_FALSE(threads_in_environment()) << nonsense;
  }
}

TEST_F(DefaultThreads, FollowTheAllocation) {
  setenv("SLURM_CPUS_PER_TASK", "1", 1);
  EXPECT_EQ(default_threads(1), 1);
  unsetenv("SLURM_CPUS_PER_TASK");
  setenv("SLURM_CPUS_ON_NODE", "1", 1);
  EXPECT_EQ(default_threads(1), 1);
  unsetenv("SLURM_CPUS_ON_NODE");
  setenv("LSB_MCPU_HOSTS", ("login 8 " + this_machine().host + " 1").c_str(), 1);
  EXPECT_EQ(default_threads(1), 1);
}

TEST_F(DefaultThreads, FollowTheBinding) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_COUNT(&one) == 0 && CPU_ISSET(core, &all)) CPU_SET(core, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(default_threads(1), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

TEST(Threads, AreThoseThatOpenMPGives) {
  EXPECT_EQ(threads_given(1), 1);
  EXPECT_EQ(threads_given(3), 3);
}

/// Files as the kernel shows them, below a folder of their own.
class CpuQuota : public testing::Test {
protected:
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text << '\n';
  }
  [[nodiscard]] std::optional<double> found() const { return cpu_quota(root / "groups", root / "limits"); }
  ScratchFolder scratch;
  const std::filesystem::path& root = scratch.path();
};

TEST_F(CpuQuota, NoneWithoutGroupsOrLimits) {
  EXPECT_FALSE(found());
  write("groups", "0::/job");
  EXPECT_FALSE(found());
  write("limits/job/cpu.max", "max 100000");
  EXPECT_FALSE(found());
}

TEST_F(CpuQuota, OfTheTightestGroup) {
  write("groups", "0::/slice/job");
  write("limits/slice/job/cpu.max", "max 100000");
  write("limits/slice/cpu.max", "150000 100000");
  EXPECT_EQ(found(), 1.5);
  write("limits/slice/job/cpu.max", "50000 100000");
  EXPECT_EQ(found(), 0.5);
}

TEST_F(CpuQuota, OfAContainerThatDoesNotSeeItsOwnPath) {
  write("groups", "0::/docker/0123");
  write("limits/cpu.max", "200000 100000");
  EXPECT_EQ(found(), 2.0);
}

TEST_F(CpuQuota, OfVersionOne) {
  write("groups", "5:memory:/job\n3:cpu,cpuacct:/job");
  write("limits/memory/job/cpu.cfs_quota_us", "1"); // no such file there; it would not count
  write("limits/cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  write("limits/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_FALSE(found());
  write("limits/cpu,cpuacct/job/cpu.cfs_quota_us", "300000");
  EXPECT_EQ(found(), 3.0);
}

} // namespace
} // namespace ptychoscale
