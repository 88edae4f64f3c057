#include "ptychoscale/record/results_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

using Json = nlohmann::ordered_json;

/// One line: its title with the unit, and what it says of a run.
struct Line {
  std::string title;
  std::function<std::string(const Json&)> text;
};

std::string number(const Json& row, const std::string& key, double scale, int digits) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) return "-";
  return fmt::format("{:.{}g}", found->get<double>() * scale, digits);
}

Line scaled(std::string title, std::string key, double scale = 1, int digits = 4) {
  return {std::move(title), [=](const Json& row) { return number(row, key, scale, digits); }};
}

/// Largest of the ranks.
Line megabytes(const std::string& title, const std::string& label) {
  return scaled("memory " + title + ", MB", "memory_" + label + "_bytes_max", 1e-6);
}

Line pair(std::string title, std::string first, std::string second, double scale = 1) {
  return {std::move(title), [=](const Json& row) {
            return fmt::format("{}, {}", number(row, first, scale, 3), number(row, second, scale, 3));
          }};
}

std::string mesh_of(const Json& row) {
  if (!row.contains("mesh")) return "-";
  return fmt::format("{} x {}", row["mesh"][0].get<int>(), row["mesh"][1].get<int>());
}

/// What other processes took of the host's cores while the run went on; times beside much of it are too long.
std::string used_by_others(const Json& row) {
  const auto load = row.find("load");
  if (load == row.end()) return "-";
  return fmt::format("{} of {}", number(*load, "used_by_others", 1, 2), number(*load, "cores", 1, 9));
}

std::string cost_fall(const Json& row) {
  const double last = row.contains("cost") && row["cost"].is_number() ? row["cost"].get<double>() : 0;
  return last > 0 ? fmt::format("{:.4g}", row["cost_of_empty_volume"].get<double>() / last) : "-";
}

std::string seam_found(const Json& row) {
  const auto found = row.find("seam_found");
  if (found == row.end()) return "-";
  return found->get<bool>() ? "yes" : "no";
}

std::vector<Line> lines() {
  return {
      {"mesh", mesh_of},
      scaled("ranks", "ranks"),
      scaled("threads per rank", "threads"),
      {"cores used by others", used_by_others},
      scaled("iterations to the target", "iterations_to_target"),
      scaled("s to the target", "seconds_to_target"),
      scaled("rank-s to the target", "rank_seconds_to_target"),
      scaled("sent to the target, MB", "bytes_to_target", 1e-6),
      scaled("iterations", "iterations"),
      scaled("s per iteration", "seconds_per_iteration"),
      scaled("rank-ms per position", "seconds_per_position", 1e3),
      scaled("compute, s per iteration (mean of ranks)", "compute_seconds_per_iteration_mean"),
      scaled("wait, s per iteration (mean of ranks)", "wait_seconds_per_iteration_mean"),
      scaled("communication, s per iteration (mean)", "communication_seconds_per_iteration_mean"),
      scaled("sent by all ranks, MB", "bytes_sent", 1e-6),
      scaled("messages of all ranks", "messages_sent", 1, 9),
      megabytes("per rank, peak", "peak"),
      megabytes("of volume", "volume"),
      megabytes("of accumulation", "accumulation"),
      megabytes("of waves", "waves"),
      megabytes("of measurements", "measurements"),
      megabytes("of exchange", "exchange"),
      megabytes("of FFT", "fft"),
      megabytes("of other", "other"),
      megabytes("of the process (VmHWM)", "resident"),
      scaled("cost, last iteration", "cost"),
      {"cost, empty volume / last", cost_fall},
      scaled("cost per pattern and electron", "cost_per_pattern"),
      scaled("RMSE, % of the truth's deviation", "relative_rmse", 100),
      scaled("RMSE at its lowest, %", "relative_rmse_lowest", 100),
      scaled("iterations to the lowest RMSE", "relative_rmse_lowest_after"),
      scaled("structural similarity", "structural_similarity"),
      scaled("FRC resolution, A", "frc_resolution_A"),
      scaled("halves agree to, A (half a bit)", "halves_resolution_A"),
      scaled("halves agree to, A (one bit)", "halves_one_bit_resolution_A"),
      pair("seam z (row, column borders)", "seam_rows_z", "seam_columns_z"),
      pair("seam step, mrad", "seam_rows_step_rad", "seam_columns_step_rad", 1e3),
      pair("seam comb power", "seam_rows_comb_power", "seam_columns_comb_power"),
      {"seam found", seam_found},
  };
}

/// The report's rows, each with the load that its context may have for all of them.
Json rows_of(const Json& report) {
  Json rows = report.at("benchmarks");
  const auto load = report.at("context").find("load");
  for (auto& row : rows)
    if (load != report.at("context").end() && !row.contains("load")) row["load"] = *load;
  return rows;
}

/// What checkpoints cost the run, and where it went on from one; nothing for most runs.
std::string checkpoints_of(const Json& row, const std::string& title) {
  std::string text;
  if (row.contains("checkpoints"))
    text += fmt::format("{} wrote {} checkpoint{} of {} MB in {} s, outside its iterations\n", title,
                        row["checkpoints"].get<int>(), row["checkpoints"] == 1 ? "" : "s",
                        number(row, "checkpoint_bytes", 1e-6, 4), number(row, "checkpoint_seconds", 1, 3));
  if (row.contains("resumed_at"))
    text += fmt::format("{} was resumed after {} iterations\n", title,
                        fmt::join(row["resumed_at"].get<std::vector<int>>(), ", "));
  return text;
}

/// What a measured scan's masks kept out of the cost; nothing for most runs.
std::string masks_of(const Json& row, const std::string& title) {
  if (!row.contains("pixels_without_weight") && !row.contains("patterns_left_out")) return "";
  return fmt::format("{}: {} pixels of each pattern have no weight, {} patterns are left out\n", title,
                     row.value("pixels_without_weight", 0), row.value("patterns_left_out", 0));
}

/// What refining made of the probe, and what its modes are; nothing for most runs.
std::string probe_of(const Json& row, const std::string& title) {
  std::string text;
  if (row.contains("amplitude_scale")) {
    const double scale = row["amplitude_scale"];
    text +=
        fmt::format("{}: amplitudes are {:.4g} times those that the dataset says, electrons {:.4g} times\n",
                    title, scale, scale * scale);
  }
  const bool only_scaled = row.contains("refine_scale") && !row.contains("refine_probe");
  if (row.contains("probe_change") && !only_scaled)
    text += fmt::format("{}: the probe was changed by {} % of itself, its power is {} of the beam's\n", title,
                        number(row, "probe_change", 100, 3), number(row, "probe_power", 1, 4));
  if (row.contains("probe_mode_powers")) {
    std::vector<std::string> shares;
    for (const double share : row["probe_mode_powers"]) shares.push_back(fmt::format("{:.2f}", 100 * share));
    text += fmt::format("{}: the probe's modes have {} % of its power\n", title, fmt::join(shares, ", "));
  }
  return text;
}

/// A run that may be wrong has no figures to show. One rank of many, run alone, reconstructs nothing that
/// could be.
bool withheld(const Json& row) { return !row.value("verified", true) && !row.contains("as_rank"); }

/// What the target is, or that the run never had it.
std::string target_of(const Json& row, const std::string& title) {
  if (!row.contains("target") || withheld(row)) return "";
  const auto missed = row.value("target_missed", "");
  const auto said = missed.empty() ? fmt::format("the target is {} {}", row.value("target_of", ""),
                                                 number(row, "target", 1, 4))
                                   : missed;
  const auto rule = row.value("target_rule", "");
  return fmt::format("{}: {}{}\n", title, said, rule.empty() ? "" : fmt::format(" ({})", rule));
}

/// What heads each column: the method, and the update rule where another row has the same method.
std::vector<std::string> titles_of(const Json& rows) {
  std::vector<std::string> titles;
  for (const auto& row : rows) {
    const auto method = row.value("method", "");
    const auto alike =
        std::ranges::count_if(rows, [&](const Json& other) { return other.value("method", "") == method; });
    titles.push_back(
        alike > 1 && row.contains("update") ? fmt::format("{} {}", method, row.value("update", "")) : method);
  }
  return titles;
}

/// What is to be said of one row in words.
std::string remarks_of(const Json& row, const std::string& title) {
  std::string text;
  if (row.contains("error")) text += fmt::format("{} failed: {}\n", title, row["error"].get<std::string>());
  if (withheld(row))
    text += fmt::format("{} is not verified: {}\n", title,
                        row.value("verification_failed", "its cost did not fall"));
  else
    for (const auto& remark : row.value("remarks", Json::array()))
      text += fmt::format("{}: {}\n", title, remark.get<std::string>());
  text += masks_of(row, title) + probe_of(row, title) + target_of(row, title) + checkpoints_of(row, title);
  if (row.contains("quality_not_computed"))
    text +=
        fmt::format("{} has no full quality: {}\n", title, row["quality_not_computed"].get<std::string>());
  return text;
}

} // namespace

std::string results_table(std::string_view report_json) {
  const auto report = Json::parse(report_json);
  const auto rows = rows_of(report);
  const auto titles = titles_of(rows);
  constexpr int title_width = 42;
  std::size_t width = 16;
  for (const auto& title : titles) width = std::max(width, title.size() + 2);
  std::string table = fmt::format("{:<{}}", "", title_width);
  for (const auto& title : titles) table += fmt::format("{:>{}}", title, width);
  table += '\n';
  for (const auto& line : lines()) {
    table += fmt::format("{:<{}}", line.title, title_width);
    for (const auto& row : rows) table += fmt::format("{:>{}}", withheld(row) ? "-" : line.text(row), width);
    table += '\n';
  }
  for (std::size_t i = 0; i < rows.size(); ++i) table += remarks_of(rows[i], titles[i]);
  return table;
}

} // namespace ptychoscale
