/// Reads files that may be damaged, each in a child of this process, and says what came of it. Standard input
/// has a line of kind and path, separated by a tabulator, for each; standard output a line of outcome and
/// words:
///   accepted  a digest of all that was read
///   refused   the InputError, the user's one line
///   failed    the RunError
///   unforeseen, crashed, endless   what must not be
#include "kernel_times.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/json_file.hpp"
#include "ptychoscale/files/rates_file.hpp"
#include "ptychoscale/files/wisdom_file.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "ptychoscale/record/results_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <iostream>
#include <map>
#include <new>
#include <span>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace ptychoscale {
namespace {

constexpr rlim_t longest_s = 60; ///< of the processor, for one reading
constexpr rlim_t most_memory = rlim_t{8}
                               << 30; ///< bytes of address space: a damaged size must not be believed

/// FNV-1a over all that was read.
class Digest {
public:
  void bytes(const void* data, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      hash_ = (hash_ ^ static_cast<const unsigned char*>(data)[i]) * 0x100000001b3U;
  }
  void text(std::string_view t) { bytes(t.data(), t.size()); }
  template <class T> void array(std::span<const T> values) { bytes(values.data(), values.size_bytes()); }
  [[nodiscard]] std::string hex() const { return fmt::format("{:016x}", hash_); }

private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

void add_header(Digest& d, const DatasetHeader& h) {
  d.text(fmt::format("{} {}x{} {}x{} {} {} {}x{} {}x{} {}x{} {} {} {} {} {} {} {} {} {}", h.case_name,
                     h.detector.y, h.detector.x, h.pixel.y, h.pixel.x, h.slices, h.slice_thickness_A,
                     h.volume.y, h.volume.x, h.scan.rows, h.scan.columns, h.scan_step_A.y, h.scan_step_A.x,
                     h.energy_eV, h.semiangle_mrad, h.C10_A, h.C30_A, h.soft_aperture, h.dose_e_per_A2,
                     h.electrons_per_pattern, h.seed, h.specimen_json));
  for_each_aberration(h.aberrations, [&](const AberrationTerm& term, const Aberration& a) {
    d.text(fmt::format("{} {} {}", term.name, a.magnitude_A, a.angle_deg));
  });
  d.array(std::span(h.positions_A));
  d.array(std::span(h.probe));
  d.text(h.scattered ? "scattered" : "raster");
  d.array(std::span(h.pixels_used));
  d.array(std::span(h.patterns_used));
}

std::string read_dataset(const std::string& file) {
  const DatasetReader reader(file);
  const auto& h = reader.header();
  Digest d;
  add_header(d, h);
  std::vector<float> pattern(h.detector.area());
  for (std::size_t i = 0; i < h.positions_A.size(); ++i) {
    reader.read_amplitudes(static_cast<int>(i), pattern);
    d.array<float>(pattern);
  }
  std::vector<float> slice(reader.has_truth() ? h.volume.area() : 0);
  for (int s = 0; reader.has_truth() && s < h.slices; ++s) {
    reader.read_truth(s, slice);
    d.array<float>(slice);
  }
  d.text(reader.content_hash());
  if (content_hash_of(file) != reader.content_hash()) // as `info --check-content`
    throw InputError(fmt::format("'{}': is not what was written", file));
  return d.hex();
}

/// What `reconstruct` reads and verifies.
std::string read_patterns(const std::string& file) {
  const DatasetReader reader(file);
  const auto acquisition = acquisition_of(reader);
  Digest d;
  add_header(d, acquisition.header);
  std::vector<float> pattern(acquisition.header.detector.area());
  std::map<int, std::uint64_t> hashes;
  for (int i = 0; i < static_cast<int>(acquisition.header.positions_A.size()); ++i) {
    acquisition.read_amplitudes(i, pattern);
    d.array<float>(pattern);
    if (const auto hash = acquisition.hash_as_read ? acquisition.hash_as_read(i) : std::nullopt)
      hashes[i] = *hash;
  }
  if (acquisition.complaint_of_content)
    if (const auto complaint = acquisition.complaint_of_content(hashes))
      throw InputError(fmt::format("'{}': {}", file, *complaint));
  return d.hex();
}

std::string read_reconstruction(const std::string& file) {
  const ReconstructionReader reader(file);
  Digest d;
  check_json(reader.report_json(), file);
  d.text(reader.report_json());
  std::vector<float> slice(reader.volume().area());
  for (int s = 0; s < reader.slices(); ++s) {
    reader.read_potential(s, slice);
    d.array<float>(slice);
  }
  d.array(std::span(reader.cores()));
  return d.hex();
}

std::string read_case(const std::string& file) {
  const auto c = load_case(file);
  Digest d;
  add_header(d, make_header(c.simulation));
  d.text(fmt::format("{} {} {}", c.description, c.iterations, nlohmann::json(c.cost_fall).dump()));
  return d.hex();
}

std::string read_rates_file(const std::string& file) {
  const auto rates = read_rates(file);
  Digest d;
  d.text(rates.device);
  for (const auto& samples : rates.samples)
    for (const auto& s : samples) d.text(fmt::format("{} {}", s.elements, s.seconds));
  return d.hex();
}

std::string read_kernel_times_file(const std::string& file) {
  const auto times = read_kernel_times(file);
  Digest d;
  d.text(fmt::format("{} {}", times.device, times.bytes_per_second));
  for (const auto& v : times.visits) d.text(fmt::format("{} {}", v.voxels, v.seconds));
  return d.hex();
}

std::string read_cache(const std::string& file) {
  const auto backend = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::measure});
  load_wisdom(*backend, file);
  Digest d;
  d.text(backend->planning_knowledge());
  return d.hex();
}

std::string read_report(const std::string& file) {
  const auto text = read_json(file);
  Digest d;
  try {
    d.text(results_table(text));
  } catch (const nlohmann::json::exception& e) { // as `info` does
    throw InputError(fmt::format("{}: is no report: {}", file, shortened(e.what(), 2 * longest_value)));
  }
  return d.hex();
}

const std::map<std::string, std::function<std::string(const std::string&)>> readers{
    {"dataset", read_dataset}, {"patterns", read_patterns}, {"reconstruction", read_reconstruction},
    {"case", read_case},       {"rates", read_rates_file},  {"times", read_kernel_times_file},
    {"cache", read_cache},     {"report", read_report}};

/// Outcome and words of one reading, in the process that it may end.
std::string outcome(const std::string& kind, const std::string& file) {
  try {
    return "accepted\t" + readers.at(kind)(file);
  } catch (const InputError& e) {
    return fmt::format("refused\t{}", in_one_line(e.what())); // as commands end
  } catch (const RunError& e) {
    return fmt::format("failed\t{}", in_one_line(e.what()));
  } catch (const std::bad_alloc&) {
    return "failed\tmemory: an allocation failed";
  } catch (const std::exception& e) {
    return fmt::format("unforeseen\t{}", e.what());
  }
}

[[noreturn]] void read_in_child(const std::string& kind, const std::string& file, int answer) {
  const rlimit work{longest_s, longest_s + 1};
  setrlimit(RLIMIT_CPU, &work);
#ifndef __SANITIZE_ADDRESS__ // which takes more address space than there is
  const rlimit memory{most_memory, most_memory};
  setrlimit(RLIMIT_AS, &memory);
#endif
  const auto said = outcome(kind, file);
  for (std::size_t sent = 0; sent < said.size();) {
    const auto n = write(answer, said.data() + sent, said.size() - sent);
    if (n < 0) break;
    sent += static_cast<std::size_t>(n);
  }
  _exit(0);
}

std::string read_all(int handle) {
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t n = 1; n > 0 || (n < 0 && errno == EINTR);)
    if (n = read(handle, part.data(), part.size()); n > 0)
      text.append(part.data(), static_cast<std::size_t>(n));
  return text;
}

std::string try_to_read(const std::string& kind, const std::string& file) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return "unforeseen\tno pipe";
  const pid_t child = fork();
  if (child == 0) read_in_child(kind, file, ends[1]);
  close(ends[1]);
  auto said = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    return WTERMSIG(status) == SIGXCPU ? "endless\t"
                                       : fmt::format("crashed\t{}", strsignal(WTERMSIG(status)));
  return WEXITSTATUS(status) == 0 ? said : fmt::format("crashed\texit code {}", WEXITSTATUS(status));
}

} // namespace
} // namespace ptychoscale

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto tab = line.find('\t');
    auto said = ptychoscale::try_to_read(line.substr(0, tab), line.substr(tab + 1));
    for (char& c : said)
      if (c == '\n') c = '\v'; // the driver counts lines
    std::cout << said << std::endl;
  }
  return 0;
}
