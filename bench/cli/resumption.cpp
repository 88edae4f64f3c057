#include "resumption.hpp"

#include "ending.hpp"
#include "interruption.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "ptychoscale/options/number_options.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/report_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace ptychoscale {
namespace {
namespace fs = std::filesystem;

/// How often checkpoints are made; both 0: never.
struct Period {
  double seconds = 0;
  int iterations = 0;
};

std::optional<Period> read_period(std::string_view text) {
  if (text == "off") return Period{};
  constexpr std::array<std::pair<std::string_view, double>, 3> units{{{"min", 60}, {"s", 1}, {"h", 3600}}};
  for (const auto& [unit, seconds] : units) {
    double value = 0;
    if (!text.ends_with(unit)) continue;
    if (read_number(text.substr(0, text.size() - unit.size()), value) != std::errc() ||
        !(value > 0 && value < 1e9))
      return std::nullopt;
    return Period{.seconds = value * seconds};
  }
  int iterations = 0;
  if (read_number(text, iterations) != std::errc() || iterations < 1) return std::nullopt;
  return Period{.iterations = iterations};
}

CLI::Validator period() {
  return {[](std::string& text) {
            return read_period(text)
                       ? std::string()
                       : fmt::format("'{}'; valid: a number of iterations, as 10, or a time, as 30s, "
                                     "15min or 2h, or off",
                                     text);
          },
          "PERIOD"};
}

void say(const std::string& line) { fmt::print(stderr, "ptychoscale: {}\n", line); }

/// Size and time of a dataset: its content hash was made when it was written.
std::string state_of(const fs::path& file) {
  std::error_code ignored;
  return fmt::format("of {} bytes, changed at {}", fs::file_size(file, ignored),
                     fs::last_write_time(file, ignored).time_since_epoch().count());
}

/// Bytes of the files below a folder; 0 where there is none.
std::uintmax_t bytes_in(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
    if (std::error_code failed; entry->is_regular_file(failed))
      if (const auto size = entry->file_size(failed); !failed) bytes += size;
  return bytes;
}

fs::path folder_of(const fs::path& file) { return fs::absolute(file).parent_path(); }

bool on_one_disk(const fs::path& a, const fs::path& b) {
  struct stat of_a {};
  struct stat of_b {};
  return stat(a.c_str(), &of_a) == 0 && stat(b.c_str(), &of_b) == 0 && of_a.st_dev == of_b.st_dev;
}

} // namespace

void add_checkpoint_options(CLI::App& command, CheckpointOptions& o) {
  command
      .add_option_function<std::string>(
          "--checkpoint-every",
          [&o](const std::string& text) {
            o.every = text;
            o.chosen = true;
          },
          "Keep what a killed run goes on from: every so many iterations (10) or so often (30s, 15min, 2h), "
          "in "
          "OUTPUT.checkpoint; off: never. Signals USR1, USR2 and TERM make one, too, and end the run")
      ->check(period())
      ->default_str(o.every);
  command.add_flag("--resume", o.resume,
                   "Go on from the output's newest checkpoint, to the bits of an uninterrupted run; from the "
                   "beginning where there is none");
}

fs::path checkpoint_folder(const fs::path& output) { return output.string() + ".checkpoint"; }

std::optional<CheckpointPolicy> checkpoint_policy(const CheckpointOptions& options, const fs::path& output) {
  const auto chosen = read_period(options.every).value_or(Period{});
  if (chosen.seconds == 0 && chosen.iterations == 0) return std::nullopt;
  CheckpointPolicy policy;
  policy.folder = checkpoint_folder(output);
  policy.every_s = chosen.seconds;
  policy.every_iterations = chosen.iterations;
  policy.stop_asked = [by_key = options.chosen] {
    return raised(SIGUSR1) || raised(SIGUSR2) || raised(SIGTERM) || (by_key && raised(SIGINT));
  };
  policy.tell = [](const std::string& line) { say("warning: " + line); };
  return policy;
}

void check_room(const CheckpointOptions& options, const fs::path& output, std::uintmax_t output_bytes,
                std::uintmax_t checkpoint_bytes) {
  const auto folder = checkpoint_folder(output);
  const auto parent = folder_of(folder);
  std::error_code failed;
  const auto space = fs::space(parent, failed);
  if (failed) return; // check_output() has seen the folder
  const auto lacking =
      complaint_of_room({.free = space.available,
                         .result = on_one_disk(parent, folder_of(output_target(output))) ? output_bytes : 0,
                         .one = checkpoint_bytes,
                         .already = bytes_in(folder)});
  if (!lacking) return;
  const auto said = fmt::format("--checkpoint-every: {}: {}", folder.string(), *lacking);
  if (options.chosen) throw InputError(said + "; choose a disk with more room, or --checkpoint-every off");
  warn(said + "; a run that is killed may have none to go on from");
}

std::vector<Condition> conditions_of(const ReconstructionOptions& options, const ReconstructionPlan& plan,
                                     const BackendOptions& backend, const std::string& description,
                                     const fs::path& dataset, const std::string& content_hash) {
  std::vector<Condition> all{{"dataset", content_hash}};
  Json row;
  add_options(row, options, plan);
  row.erase("measurements"); // streamed or resident, they are the same
  for (const auto& [key, value] : row.items())
    all.push_back({key, value.is_string() ? value.get<std::string>() : value.dump()});
  all.push_back({"step", options.step ? fmt::format("{}", *options.step) : "the default"});
  all.push_back({"backend", backend.kind});
  all.push_back({"kernels", std::string(name(kernels_of(backend)))});
  const auto build = build_info();
  all.push_back({"the dataset's file", state_of(dataset), false});
  all.push_back({"what computes", description, false});
  all.push_back({"version", build.version, false});
  all.push_back({"source commit", std::string(source_commit()), false});
  all.push_back({"compiler", build.compiler, false});
  return all;
}

std::optional<Checkpoint> checkpoint_to_resume(const Communicator& comm, const CheckpointOptions& options,
                                               const fs::path& output,
                                               const std::vector<Condition>& conditions, int iterations) {
  const auto folder = checkpoint_folder(output);
  if (!options.resume) {
    if (const auto finished = comm.rank() == 0 ? iterations_at_checkpoint(folder) : std::nullopt)
      say(fmt::format(
          "replaces the checkpoint in '{}', which had finished {} iterations; --resume would go on from it",
          folder.string(), *finished));
    return std::nullopt;
  }
  auto found =
      find_checkpoint(comm, folder, conditions, [](const std::string& line) { say("warning: " + line); });
  const int finished = found ? static_cast<int>(found->shared.cost.size()) : 0;
  const int begun = finished + (found && found->shared.in_iteration ? 1 : 0);
  if (begun > iterations)
    throw InputError(
        fmt::format("--iterations: {}, but the checkpoint in '{}' is in iteration {}; valid: {} or more",
                    iterations, folder.string(), begun, begun));
  if (comm.rank() == 0)
    say(found ? fmt::format("goes on in iteration {} of {}, from '{}'", std::min(finished + 1, iterations),
                            iterations, found->folder.string())
              : fmt::format("no checkpoint in '{}'; begins with the first iteration", folder.string()));
  return found;
}

int end_stopped(const Communicator& comm, const Stopped& stopped, const fs::path& output, int iterations) {
  const auto folder = checkpoint_folder(output);
  comm.agree([&] {
    const bool lost = !stopped.failure().empty();
    if (comm.rank() != 0) return;
    const auto kept = lost ? iterations_at_checkpoint(folder) : stopped.iterations();
    if (!kept)
      throw RunError(
          fmt::format("stopped by a signal, and no checkpoint was written: {}", stopped.failure()));
    if (lost) say(fmt::format("warning: no checkpoint was written: {}", stopped.failure()));
    say(fmt::format(
        "stopped by a signal; the same command with --resume goes on in iteration {} of {}, from '{}'",
        *kept + 1, iterations, folder.string()));
  });
  return exit_stopped;
}

} // namespace ptychoscale
