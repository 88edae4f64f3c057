#include "../../scratch_folder.hpp"
#include "ptychoscale/record/job.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace ptychoscale {
namespace {

/// Without the job that the tests themselves may run in; each test has a process of its own.
class BatchJob : public testing::Test {
protected:
  void SetUp() override {
    for (const char* name : {"SLURM_JOB_ID", "SLURM_JOB_NODELIST", "LSB_JOBID", "LSB_MCPU_HOSTS", "PBS_JOBID",
                             "PBS_NODEFILE", "FLUX_JOB_ID"})
      unsetenv(name);
  }
};

void expect_job(const char* scheduler, const char* id, const char* nodes) {
  const auto job = batch_job();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->scheduler, scheduler);
  EXPECT_EQ(job->id, id);
  EXPECT_EQ(job->nodes, nodes);
}

TEST_F(BatchJob, IsNoneOutsideOfAny) {
  EXPECT_FALSE(batch_job());
  EXPECT_FALSE(lsf_slots("a"));
}

TEST_F(BatchJob, OfSlurm) {
  setenv("SLURM_JOB_ID", "77", 1);
  setenv("SLURM_JOB_NODELIST", "n[1-3]", 1);
  expect_job("Slurm", "77", "n[1-3]");
}

TEST_F(BatchJob, OfLsf) {
  setenv("LSB_JOBID", "5", 1);
  setenv("LSB_MCPU_HOSTS", "batch5 1 a01n01 42 a01n02 42 ", 1);
  expect_job("LSF", "5", "batch5,a01n01,a01n02");
  EXPECT_EQ(lsf_slots("a01n02.summit.example.org"), 42);
  EXPECT_EQ(lsf_slots("batch5"), 1);
  EXPECT_FALSE(lsf_slots("login1"));
}

TEST_F(BatchJob, OfPbs) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "nodes";
  std::ofstream(file) << "x1\nx1\nx2\n";
  setenv("PBS_JOBID", "9.server", 1);
  setenv("PBS_NODEFILE", file.c_str(), 1);
  expect_job("PBS", "9.server", "x1,x2");
}

} // namespace
} // namespace ptychoscale
