/// How much memory there is, by whichever limit is the tightest, and what is said when it is too little.
#include "../../scratch_folder.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <sys/resource.h>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

/// A machine's /proc and /sys, in a folder.
class FakeMachine {
public:
  FakeMachine() {
    write("proc/meminfo",
          "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  600 kB\nSwapTotal: 50 kB\nSwapFree:  40 kB\n");
    write("proc/self/status", "Name: x\nVmSize:   10 kB\n");
  }
  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((root_.path() / file).parent_path());
    std::ofstream(root_.path() / file) << text;
  }
  [[nodiscard]] HostMemory memory() const { return host_memory(LimitsOf::host, root_.path()); }

private:
  ScratchFolder root_;
};

constexpr std::int64_t kB = 1024;

TEST(HostMemory, OfAMachineWithoutLimits) {
  const FakeMachine machine;
  const auto memory = machine.memory();
  EXPECT_EQ(memory.available, 640 * kB);
  EXPECT_EQ(memory.total, 1040 * kB);
  EXPECT_EQ(memory.limit, "this machine");
}

TEST(HostMemory, TheTightestCgroupAboveTheProcessCounts) {
  const FakeMachine machine;
  machine.write("proc/self/cgroup", "0::/slice/job\n");
  machine.write("sys/fs/cgroup/slice/memory.max", "204800\n");
  machine.write("sys/fs/cgroup/slice/memory.current", "102400\n");
  machine.write("sys/fs/cgroup/slice/memory.stat", "anon 5\ninactive_file 10240\n");
  machine.write("sys/fs/cgroup/slice/job/memory.max", "max\n");
  machine.write("sys/fs/cgroup/slice/job/memory.current", "1\n");
  const auto memory = machine.memory();
  EXPECT_EQ(memory.available, 204800 - 102400 + 10240);
  EXPECT_EQ(memory.total, 204800);
  EXPECT_EQ(memory.limit, "its cgroup");
}

TEST(HostMemory, OfAContainerThatSeesOnlyItsOwnCgroup) {
  const FakeMachine machine;
  machine.write("proc/self/cgroup", "0::/docker/not-visible-here\n");
  machine.write("sys/fs/cgroup/memory.max", "2048\n");
  machine.write("sys/fs/cgroup/memory.current", "4096\n");
  EXPECT_EQ(machine.memory().available, 0) << "more in use than allowed leaves nothing, not less";
}

TEST(HostMemory, OfCgroupsOfVersion1) {
  const FakeMachine machine;
  machine.write("proc/self/cgroup", "5:cpu,cpuacct:/other\n3:memory:/job\n1:name=systemd:/x\n");
  machine.write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "102400\n");
  machine.write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "2400\n");
  machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
  EXPECT_EQ(machine.memory().available, 100000);
  EXPECT_EQ(machine.memory().limit, "its cgroup");
}

TEST(HostMemory, OfAProcessKnowsItsUlimit) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const auto without = host_memory(LimitsOf::host);
  const rlimit tight{rlim_t{1} << 20, before.rlim_max}; // less than is in use
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  const auto of_process = host_memory(LimitsOf::process);
  setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(of_process.available, 0);
  EXPECT_EQ(of_process.limit, "ulimit -v");
  EXPECT_NE(without.limit, "ulimit -v");
}

TEST(HostMemory, OfThisMachineIsSome) {
  EXPECT_GT(host_memory().available, 0);
  EXPECT_GE(host_memory().total, host_memory().available);
}

TEST(HostMemory, IsAskedBeforehandInOneLine) {
  const HostMemory memory{.available = 3'000'000'000, .total = 4'000'000'000, .limit = "its cgroup"};
  EXPECT_NO_THROW(require_memory(3e9, "planning", "fewer", memory));
  try {
    require_memory(5e9, "planning", "fewer positions", memory);
    FAIL() << "5 GB of 3 GB were to be had";
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(),
                 "memory: planning will take 5 GB, 3 GB of 4 GB are free (the limit of its cgroup); what "
                 "may fit: fewer positions");
  }
}

TEST(OutOfMemory, IsSaidWithLabelWhatWasAskedWhatThereIsAndWhatMayFit) {
  const std::vector<MemorySaving> savings{{MemoryLabel::waves, 1, "fewer waves"},
                                          {std::nullopt, 1, "more hosts"}};
  const auto backend = make_backend({.kind = "cpu", .threads = 1, .savings = savings});
  const Buffer<float> held(*backend, 1 << 20, MemoryLabel::volume);
  try {
    (void)backend->allocate(std::size_t{1} << 46, MemoryLabel::waves);
    FAIL() << "64 TiB were to be had";
  } catch (const OutOfMemory& e) {
    const std::string said = e.what();
    EXPECT_TRUE(said.starts_with("memory: 7.037e+04 GB for waves are not to be had, ")) << said;
    EXPECT_NE(said.find(" are free (the limit of "), std::string::npos) << said;
    EXPECT_NE(said.find("volume 4.194 MB"), std::string::npos) << said;
    EXPECT_TRUE(said.ends_with("; what may fit: fewer waves, more hosts")) << said;
  }
  EXPECT_EQ(memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::waves)], 0);
}

TEST(OutOfMemory, OfAVectorNamesItsLabel) {
  using Vector = MeteredVector<char, MemoryLabel::exchange>;
  EXPECT_THROW(
      try { Vector(std::size_t{1} << 46); } catch (const OutOfMemory& e) {
        EXPECT_NE(std::string(e.what()).find("for exchange are not to be had"), std::string::npos)
            << e.what();
        throw;
      },
      OutOfMemory);
}

} // namespace
} // namespace ptychoscale
