#include "ptychoscale/record/provenance.hpp"

#include "ptychoscale/comm/launched.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/job.hpp"
#include "ptychoscale/record/machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <fstream>

namespace ptychoscale {
namespace {

std::string random_uuid() {
  std::string uuid;
  std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
  return uuid;
}

std::string launcher() {
  const auto found = launched();
  return std::string(found ? found->by : "none");
}

} // namespace

Json provenance(std::string_view evidence) {
  const auto build = build_info();
  return {{"schema_version", report_schema_version},
          {"evidence", evidence},
          {"version", build.version},
          {"source_commit", source_commit()},
          {"source_dirty", source_dirty()},
          {"compiler", build.compiler},
          {"flags", build.flags},
          {"library_build_type", build.build_type},
          {"hdf5", build.hdf5},
          {"mpi", build.mpi}};
}

void add_occasion(Json& context, const std::vector<std::string>& argv) {
  const auto machine = this_machine();
  context["uuid"] = random_uuid();
  context["date"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  context["argv"] = argv;
  context["launcher"] = launcher();
  if (const auto job = batch_job()) {
    context["job"] = {{"scheduler", job->scheduler}, {"id", job->id}};
    if (!job->nodes.empty()) context["job"]["nodes"] = job->nodes;
  }
  context["host_name"] = machine.host;
  context["cpu"] = machine.cpu;
  context["num_cpus"] = machine.cores;
}

} // namespace ptychoscale
