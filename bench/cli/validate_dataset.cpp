#include "validate_dataset.hpp"

#include "dataset_check.hpp"
#include "dataset_estimates.hpp"
#include "ending.hpp"
#include "progress.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/pattern_sums.hpp"
#include "ptychoscale/io/readers_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {
namespace {

std::string_view word(Verdict verdict) {
  constexpr std::array<std::string_view, 3> words{"ok", "warning", "FAILED"};
  return words[static_cast<std::size_t>(verdict)];
}

/// A check that complains, or what it found instead.
Check judge(std::string_view what, const std::optional<std::string>& complaint, Verdict as,
            std::string otherwise) {
  return complaint ? Check{what, as, *complaint} : Check{what, Verdict::ok, std::move(otherwise)};
}

/// Reads all patterns in use.
PatternFindings add_up(const DatasetReader& dataset, DatasetEstimates& estimates) {
  const DatasetHeader& h = dataset.header();
  const auto limits = limits_of_patterns(h);
  const auto positions = static_cast<int>(h.positions_A.size());
  MeteredVector<float, MemoryLabel::other> amplitudes(h.detector.area());
  Progress progress("patterns", "positions", positions, 0, true);
  PatternFindings findings;
  for (int position = 0; position < positions; ++position) {
    if (is_used(h, static_cast<std::size_t>(position))) {
      dataset.read_amplitudes(position, amplitudes);
      findings.add(position, sum_of_pattern(amplitudes, h.detector), limits);
      estimates.add(position, amplitudes);
    }
    progress.advance_to(position + 1);
  }
  return findings;
}

Check check_hash(const DatasetReader& dataset, const std::filesystem::path& file) {
  constexpr std::string_view what = "content hash";
  if (!dataset.is_sealed())
    return {what, Verdict::warning,
            "none is stored, so every run reads the whole file to make it; --seal adds it"};
  const auto& stored = dataset.content_hash();
  try {
    const auto content = content_hash_of(file);
    if (content == stored) return {what, Verdict::ok, stored};
    return {what, Verdict::failed,
            fmt::format("{} is stored, the content's is {}: something was changed after it was written",
                        stored, content)};
  } catch (const RunError& e) { // a part of the file that was never written, or cannot be read
    return {what, Verdict::failed, e.what()};
  }
}

std::vector<Check> check_patterns(const DatasetReader& dataset) {
  const auto& h = dataset.header();
  DatasetEstimates estimates(h);
  const auto found = add_up(dataset, estimates);
  const auto useless = unusable(found, h);
  const bool empty = found.most == 0;
  std::vector<Check> checks{judge("pattern sums", empty ? std::nullopt : useless, Verdict::failed,
                                  fmt::format("{:.4g} to {:.4g} of the beam", found.least, found.most)),
                            judge("empty patterns", empty ? useless : complaint_of_dead(found, h),
                                  empty ? Verdict::failed : Verdict::warning, "none"),
                            judge("dim patterns", complaint_of_dim(found, h), Verdict::warning, "none"),
                            judge("hot pixels", complaint_of_hot(found, h), Verdict::warning, "none")};
  if (!empty)
    for (auto& check : estimates.checks()) checks.push_back(std::move(check));
  return checks;
}

std::string spacing_of(const DatasetHeader& h) {
  if (h.scattered)
    return fmt::format("scattered, typically {:.4g} A from the nearest other", typical_distance_A(h));
  const auto step = step_of_positions(h);
  return fmt::format("steps of {:.4g} x {:.4g} A", step.y, step.x);
}

/// What the first two of them say is settled when the file is opened.
std::vector<Check> check_geometry(const DatasetHeader& h) {
  std::vector<Check> checks{
      {"header", Verdict::ok,
       fmt::format("{} x {} positions of {} x {} pixels, {} slice{}; all fields in their ranges", h.scan.rows,
                   h.scan.columns, h.detector.y, h.detector.x, h.slices, h.slices == 1 ? "" : "s")},
      {"positions", Verdict::ok,
       fmt::format("{}, {} x {} A in the header; all in the volume", spacing_of(h), h.scan_step_A.y,
                   h.scan_step_A.x)},
      judge("overlap", complaint_of_overlap(h), Verdict::warning,
            fmt::format("{:.0f} % between neighbouring circles", 100 * circle_overlap(h)))};
  if (const auto hidden = masks_in_words(h)) checks.push_back({"masks", Verdict::ok, *hidden});
  return checks;
}

Check check_readers_metadata(const DatasetReader& dataset, const std::filesystem::path& file) {
  if (!has_readers_metadata(file))
    return {"readers' metadata", Verdict::warning,
            "no calibration: py4DSTEM and others will not know the sizes of steps and pixels"};
  const auto wrong = wrong_readers_metadata(file, dataset.header());
  const auto more = wrong.size() > 1 ? fmt::format("; and {} more", wrong.size() - 1) : std::string();
  if (!wrong.empty()) return {"readers' metadata", Verdict::failed, wrong.front() + more};
  return {"readers' metadata", Verdict::ok,
          py4dstem_note(dataset.header()).value_or("as in the header, for py4DSTEM and others")};
}

/// The last of them is that of the content hash.
std::vector<Check> all_checks(const std::filesystem::path& file) {
  const DatasetReader dataset(file);
  auto checks = check_geometry(dataset.header());
  checks.push_back(check_readers_metadata(dataset, file));
  for (auto& check : check_patterns(dataset)) checks.push_back(std::move(check));
  checks.push_back(check_hash(dataset, file));
  return checks;
}

bool is_sound(const std::vector<Check>& checks) {
  return std::ranges::count(checks, Verdict::failed, &Check::verdict) == 0;
}

} // namespace

int validate_dataset(const std::filesystem::path& file, Sealing sealing) {
  auto checks = all_checks(file);
  if (sealing == Sealing::when_sound && is_sound(checks))
    checks.back() = {"content hash", Verdict::ok, seal(file)};

  fmt::print("{}\n{:<20}{:<10}{}\n", file.string(), "check", "verdict", "found");
  for (const auto& c : checks) fmt::print("{:<20}{:<10}{}\n", c.what, word(c.verdict), c.found);
  const auto failed = std::ranges::count(checks, Verdict::failed, &Check::verdict);
  const auto warnings = std::ranges::count(checks, Verdict::warning, &Check::verdict);
  fmt::print("{}: {} of {} checks failed, {} warning{}\n", failed == 0 ? "sound" : "NOT SOUND", failed,
             checks.size(), warnings, warnings == 1 ? "" : "s");
  return failed == 0 ? exit_ok : exit_failed;
}

} // namespace ptychoscale
