#include "simulated_machine.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <exception>
#include <simgrid/engine.h>
#include <simgrid/s4u/Actor.hpp>
#include <simgrid/s4u/Engine.hpp>
#include <simgrid/s4u/Host.hpp>
#include <smpi/smpi.h>
#include <sys/mman.h>
#include <xbt/log.h>

namespace ptychoscale {
namespace {

namespace s4u = simgrid::s4u;
constexpr const char* instance = "ptychoscale";

s4u::Engine& engine() { return *s4u::Engine::get_instance(); }

/// What no platform may change: hosts compute what they are charged, however little, and nothing else, at the
/// platforms' 1e9 operations per second; asking after a message costs nothing; shared memory is mapped in
/// large pieces, since thousands of ranks would use up the maps a process may have.
constexpr std::array fixed_settings{
    "smpi/host-speed:1e9f", "smpi/simulate-computation:no",          "smpi/cpu-threshold:0",
    "smpi/test:0",          "smpi/shared-malloc-blocksize:67108864", "smpi/display-timing:no"};

void configure(const std::vector<std::string>& settings) {
  for (const char* setting : fixed_settings) s4u::Engine::set_config(setting);
  for (const auto& setting : settings) {
    try {
      s4u::Engine::set_config(setting);
    } catch (const std::exception& e) {
      throw InputError(fmt::format("--setting: '{}' is refused by SimGrid: {}", setting, e.what()));
    }
  }
}

} // namespace

SimulatedMachine::SimulatedMachine(const std::filesystem::path& platform,
                                   const std::vector<std::string>& settings, int ranks)
    : ranks_(ranks) {
  static char name[] = "ptychoscale-projection";
  char* arguments[] = {name, nullptr};
  int count = 1;
  xbt_log_control_set("root.thres:error");
  s4u::Engine(&count, static_cast<char**>(arguments));
  SMPI_init();
  configure(settings);
  try {
    engine().load_platform(platform.string());
  } catch (const std::exception& e) {
    throw InputError(fmt::format("{}: is no platform SimGrid can load: {}", platform.string(), e.what()));
  }
  for (int rank = 0; rank < ranks; ++rank)
    if (engine().host_by_name_or_null(fmt::format("gpu-{}", rank)) == nullptr)
      throw InputError(
          fmt::format("{}: has no host gpu-{}, needed for {} ranks", platform.string(), rank, ranks));
}

SimulatedMachine::~SimulatedMachine() { SMPI_finalize(); }

void SimulatedMachine::run(const std::function<void(int rank)>& program) {
  SMPI_app_instance_register(instance, nullptr, ranks_);
  std::exception_ptr failure;
  for (int rank = 0; rank < ranks_; ++rank) {
    auto* host = engine().host_by_name(fmt::format("gpu-{}", rank));
    const auto actor = s4u::Actor::init(fmt::format("rank-{}", rank), host);
    actor->set_property("instance_id", instance);
    actor->set_property("rank", std::to_string(rank));
    actor->start([&program, &failure, rank] {
      try {
        program(rank);
      } catch (...) {
        if (!failure) failure = std::current_exception();
        s4u::Actor::kill_all();
      }
    });
  }
  engine().run();
  if (failure) std::rethrow_exception(failure);
}

double simulated_seconds() { return simgrid_get_clock(); }

void compute_for(double seconds) { smpi_execute(seconds); }

void* allocate_shared(std::size_t bytes) {
  void* memory = SMPI_SHARED_MALLOC(bytes);
  // SMPI maps every page at once, and each mapping counts as memory of this process. They are never used.
  madvise(memory, bytes, MADV_DONTNEED);
  return memory;
}

void release_shared(void* memory) { SMPI_SHARED_FREE(memory); }

} // namespace ptychoscale
