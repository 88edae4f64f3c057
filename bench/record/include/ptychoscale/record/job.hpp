#pragma once

#include <optional>
#include <string>

namespace ptychoscale {

/// The job of a batch system that this process is part of.
struct Job {
  std::string scheduler;
  std::string id;
  std::string nodes; ///< as the scheduler lists them; empty where it does not
};

/// What the environment says of it; none outside of a job.
[[nodiscard]] std::optional<Job> batch_job();

/// Slots that LSF gave this job on a host; none outside of its jobs, or when the host is not among them.
[[nodiscard]] std::optional<int> lsf_slots(const std::string& host);

} // namespace ptychoscale
