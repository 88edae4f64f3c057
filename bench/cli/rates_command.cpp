#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/compute/kernel_rates.hpp"
#include "ptychoscale/files/output_file.hpp"
#include "ptychoscale/files/rates_file.hpp"
#include "ptychoscale/files/wisdom_file.hpp"
#include "ptychoscale/options/backend_options.hpp"
#include "ptychoscale/options/number_options.hpp"
#include "threads.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

struct RatesOptions {
  std::filesystem::path output;
  std::filesystem::path wisdom = default_wisdom_file();
  BackendOptions backend;
  int threads = 0;
  std::vector<int> lengths{128, 192, 256, 384, 512, 768, 1024, 1536};
};

void print(const KernelRates& rates) {
  fmt::print("{:<20}", "ns per element");
  for (const auto& sample : rates.samples.front()) fmt::print("{:>10}", sample.elements);
  for (std::size_t v = 0; v < verb_count; ++v) {
    fmt::print("\n{:<20}", name(static_cast<Verb>(v)));
    for (const auto& s : rates.samples[v])
      fmt::print("{:>10.3f}", 1e9 * s.seconds / static_cast<double>(s.elements));
  }
  fmt::print("\n");
}

int measure(const RatesOptions& options, const Invocation& call) {
  check_output(options.output, 1 << 20);
  check_apart({"--output", options.output}, {{"--fftw-wisdom", options.wisdom}});
  auto chosen = options.backend;
  chosen.threads = ready_threads(options.threads, call.comm);
  const auto backend = make_backend(chosen);
  load_wisdom(*backend, options.wisdom);
  auto lengths = options.lengths;
  std::ranges::sort(lengths);
  const auto rates = measure_kernel_rates(*backend, lengths);
  save_wisdom(*backend, options.wisdom);
  write_text(options.output, rates_json(rates, call.argv));
  print(rates);
  return exit_ok;
}

} // namespace

void add_rates_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("rates", "Time every kernel of this machine, for `ptychoscale plan`");
  const auto o = std::make_shared<RatesOptions>();
  command->add_option("-o,--output", o->output, "The rates to write, JSON")->required();
  command->add_option("--lengths", o->lengths, "Side lengths of the square grids to time, pixels")
      ->delimiter(',')
      ->transform(whole_number(2, 1 << 14))
      ->capture_default_str();
  add_backend_options(*command, o->backend);
  command->add_option("--threads", o->threads, "Threads; 0: the machine's cores")
      ->transform(thread_count(0))
      ->capture_default_str();
  command->add_option("--fftw-wisdom", o->wisdom, "What FFTW learned in earlier runs")->capture_default_str();
  command->footer("Example:\n  ptychoscale rates -o rates.json && ptychoscale plan --case pbtio3-large "
                  "--ranks 6,4158 --rates rates.json");
  command->callback([&action, o] { action = [o](const Invocation& call) { return measure(*o, call); }; });
}

} // namespace ptychoscale
