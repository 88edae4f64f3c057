#include "ptychoscale/quality/seams.hpp"

#include "region.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <utility>

namespace ptychoscale {
namespace {

/// Shifts that bring a border's own disturbance into the null distribution: the second difference reaches one
/// pixel, a pixel more for safety.
constexpr int z_guard = 3;
/// Least standard deviation of g: a scatter below 1 % of the amplitude is not resolved by a few hundred rows.
constexpr double least_scatter = 0.01;
/// Amplitudes below this share of the profile's largest count as this share, so that the logarithm of nothing
/// stays finite.
constexpr double least_amplitude_share = 1e-6;
/// Cores cut from a scan land on whole pixels, so that equal tiles may differ by one.
constexpr int uniform_tolerance_px = 1;

/// The region of an error image seen across the borders of one axis: [line][column], borders between columns.
class View {
public:
  View(std::span<const float> error, Extent extent, const Box& region, bool across_columns)
      : error_(error), extent_(extent), region_(region), across_columns_(across_columns) {}
  [[nodiscard]] int columns() const {
    return across_columns_ ? region_.x1 - region_.x0 : region_.y1 - region_.y0;
  }
  [[nodiscard]] int lines() const {
    return across_columns_ ? region_.y1 - region_.y0 : region_.x1 - region_.x0;
  }
  [[nodiscard]] double operator()(int line, int column) const {
    return across_columns_ ? at(error_, extent_, region_.y0 + line, region_.x0 + column)
                           : at(error_, extent_, region_.y0 + column, region_.x0 + line);
  }

private:
  std::span<const float> error_;
  Extent extent_;
  Box region_;
  bool across_columns_;
};

using Profile = std::vector<double>;

std::size_t index(int i) { return static_cast<std::size_t>(i); }

/// The borders at which a measure that exists in columns [first, end) can be taken, and the places that this
/// comb may be shifted to.
struct Comb {
  std::vector<int> teeth;
  std::vector<int> borders; ///< all of the region, those too near its edge for the measure included
  int first = 0;
  int end = 0;

  /// Shifts that keep every tooth inside [first, end) and `guard` away from every border.
  [[nodiscard]] std::vector<int> shifts_off_borders(int guard) const {
    const auto off_borders = [&](int column) {
      return std::ranges::all_of(borders, [&](int b) { return std::abs(column - b) >= guard; });
    };
    std::vector<int> shifts;
    for (int shift = first - teeth.front(); shift < end - teeth.back(); ++shift)
      if (std::ranges::all_of(teeth, [&](int tooth) { return off_borders(tooth + shift); }))
        shifts.push_back(shift);
    return shifts;
  }
};

Comb comb_within(const std::vector<int>& borders, int first, int end) {
  Comb comb{{}, borders, first, end};
  std::ranges::copy_if(borders, std::back_inserter(comb.teeth), [&](int b) { return b >= first && b < end; });
  return comb;
}

/// How far `value` lies above the values in the null distribution, in their standard deviations but not in
/// less than `least_deviation`.
std::optional<double> deviations_above(double value, const std::vector<double>& null,
                                       double least_deviation) {
  if (std::ssize(null) < comb_shifts_least) return std::nullopt;
  const double n = static_cast<double>(null.size());
  double mean = 0, variance = 0;
  for (const double v : null) mean += v / n;
  for (const double v : null) variance += std::pow(v - mean, 2) / (n - 1);
  const double deviation = std::max(std::sqrt(variance), least_deviation);
  if (!(deviation > 0)) return std::nullopt;
  return (value - mean) / deviation;
}

/// rms over lines of |D_c - (D_{c-1} + D_{c+1}) / 2|; columns 2 to columns - 2, zero elsewhere.
Profile second_difference_profile(const View& error) {
  Profile profile(index(error.columns()));
  for (int c = 2; c + 1 < error.columns(); ++c) {
    double sum = 0;
    for (int l = 0; l < error.lines(); ++l) {
      // D_c - (D_{c-1} + D_{c+1}) / 2 with D_c = e_c - e_{c-1}
      const double s = 1.5 * (error(l, c) - error(l, c - 1)) - 0.5 * (error(l, c + 1) - error(l, c - 2));
      sum += s * s;
    }
    profile[index(c)] = std::sqrt(sum / error.lines());
  }
  return profile;
}

std::optional<double> seam_z(const View& error, const std::vector<int>& borders) {
  const Comb comb = comb_within(borders, 2, error.columns() - 1);
  Profile g = second_difference_profile(error);
  const double largest = std::ranges::max(g);
  if (comb.teeth.empty() || !(largest > 0)) return std::nullopt;
  for (double& v : g) v = std::log(std::max(v, least_amplitude_share * largest));
  const auto mean_at = [&](int shift) {
    double sum = 0;
    for (const int b : comb.teeth) sum += g[index(b + shift)];
    return sum / static_cast<double>(comb.teeth.size());
  };
  std::vector<double> null;
  for (const int shift : comb.shifts_off_borders(z_guard)) null.push_back(mean_at(shift));
  return deviations_above(mean_at(0), null, least_scatter);
}

/// Where the region's segments between borders start, and where the last one ends.
std::vector<int> segment_edges(const std::vector<int>& borders, int end) {
  std::vector<int> edges{0};
  std::ranges::copy(borders, std::back_inserter(edges));
  edges.push_back(end);
  return edges;
}

/// Means over `step_width` columns right minus left of each column, one profile per segment of lines.
std::vector<Profile> step_profiles(const View& error, const std::vector<int>& crossing_borders) {
  const std::vector<int> cuts = segment_edges(crossing_borders, error.lines());
  std::vector<Profile> profiles;
  for (std::size_t segment = 0; segment + 1 < cuts.size(); ++segment) {
    Profile sums(index(error.columns() + 1)); // of the segment's column means before each column
    for (int c = 0; c < error.columns(); ++c) {
      double sum = 0;
      for (int l = cuts[segment]; l < cuts[segment + 1]; ++l) sum += error(l, c);
      sums[index(c + 1)] = sums[index(c)] + sum / (cuts[segment + 1] - cuts[segment]);
    }
    Profile& steps = profiles.emplace_back(index(error.columns()));
    for (int c = step_width; c + step_width <= error.columns(); ++c)
      steps[index(c)] =
          (sums[index(c + step_width)] - 2 * sums[index(c)] + sums[index(c - step_width)]) / step_width;
  }
  return profiles;
}

double rms_at(const std::vector<Profile>& profiles, const std::vector<int>& columns, int shift) {
  double sum = 0;
  for (const Profile& profile : profiles)
    for (const int c : columns) sum += std::pow(profile[index(c + shift)], 2);
  return std::sqrt(sum / static_cast<double>(profiles.size() * columns.size()));
}

/// Middles of the tiles of the region, where they are far enough from the borders to keep clear of their
/// steps.
std::vector<int> mid_tile_columns(const std::vector<int>& borders, int columns) {
  const std::vector<int> edges = segment_edges(borders, columns);
  std::vector<int> middles;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i)
    if (edges[i + 1] - edges[i] >= 2 * step_width) middles.push_back((edges[i] + edges[i + 1]) / 2);
  return middles;
}

/// Adds the signed step of one image to its metrics.
void measure_step(const View& error, const std::vector<int>& borders,
                  const std::vector<int>& crossing_borders, double sigma, BorderSeams& seams) {
  const Comb comb = comb_within(borders, step_width, error.columns() - step_width + 1);
  const std::vector<int> middles = mid_tile_columns(borders, error.columns());
  if (comb.teeth.empty() || middles.empty()) return;
  const std::vector<Profile> steps = step_profiles(error, crossing_borders);
  const double at_borders = rms_at(steps, comb.teeth, 0);
  seams.step_V_A = at_borders - rms_at(steps, middles, 0);
  seams.step_rad = sigma * *seams.step_V_A;
  std::vector<double> null;
  for (const int shift : comb.shifts_off_borders(step_width))
    null.push_back(rms_at(steps, comb.teeth, shift));
  // A scatter below 1 % of the steps mid-tile is not resolved either.
  seams.step_z = deviations_above(at_borders, null, least_scatter * rms_at(steps, middles, 0));
}

/// The tiles' common period in columns, from two borders on, or nothing if it is not common.
std::optional<double> uniform_period(const std::vector<int>& borders) {
  if (borders.size() < 2) return std::nullopt;
  const double period =
      static_cast<double>(borders.back() - borders.front()) / static_cast<double>(borders.size() - 1);
  for (std::size_t i = 0; i < borders.size(); ++i)
    if (std::abs(borders[i] - borders.front() - static_cast<double>(i) * period) > uniform_tolerance_px)
      return std::nullopt;
  return period;
}

/// rms over lines of the first difference D_c, for columns 1 on.
Profile gradient_profile(const View& error) {
  Profile profile;
  for (int c = 1; c < error.columns(); ++c) {
    double sum = 0;
    for (int l = 0; l < error.lines(); ++l) sum += std::pow(error(l, c) - error(l, c - 1), 2);
    profile.push_back(std::sqrt(sum / error.lines()));
  }
  return profile;
}

/// |sum_c p_c exp(-2 pi i bin c / n)|^2.
double power_at(std::span<const double> profile, int bin) {
  std::complex<double> sum = 0;
  for (std::size_t c = 0; c < profile.size(); ++c)
    sum += profile[c] * std::polar(1.0, -2 * std::numbers::pi * bin * static_cast<double>(c) /
                                            static_cast<double>(profile.size()));
  return std::norm(sum);
}

std::optional<double> comb_power(const View& error, const std::vector<int>& borders) {
  const std::optional<double> period = uniform_period(borders);
  if (!period) return std::nullopt;
  const Profile all = gradient_profile(error);
  // A whole number of periods puts the tile frequencies on the transform's bins; one period alone has nothing
  // else on them.
  const int periods = static_cast<int>(static_cast<double>(all.size()) / *period);
  if (periods < 2) return std::nullopt;
  const auto length = static_cast<std::size_t>(std::lround(periods * *period));
  const std::size_t skipped = (all.size() - std::min(length, all.size())) / 2;
  Profile profile(all.begin() + static_cast<std::ptrdiff_t>(skipped),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(skipped + length, all.size())));
  double mean = 0, total = 0, at_tile_frequencies = 0;
  const int n = static_cast<int>(profile.size());
  for (const double p : profile) mean += p / n;
  for (double& p : profile) total += n * std::pow(p -= mean, 2); // Parseval: the power of all bins
  if (!(total > 0)) return std::nullopt;
  for (int bin = periods; 2 * bin <= n; bin += periods)
    at_tile_frequencies += (2 * bin == n ? 1 : 2) * power_at(profile, bin);
  return at_tile_frequencies / total;
}

double rms_within(const View& error, int first_line, int end_line, int first_column, int end_column) {
  double sum = 0;
  for (int l = first_line; l < end_line; ++l)
    for (int c = first_column; c < end_column; ++c) sum += std::pow(error(l, c), 2);
  return std::sqrt(sum / ((end_line - first_line) * (end_column - first_column)));
}

/// See AxisSeams::strips_V_A; strips end at the region's edge.
std::vector<double> strips_beside(const View& error, const std::vector<int>& borders,
                                  const std::vector<int>& crossing_borders) {
  const std::vector<int> cuts = segment_edges(crossing_borders, error.lines());
  std::vector<double> strips;
  for (const int b : borders)
    for (const int first : {b - step_width, b})
      for (std::size_t segment = 0; segment + 1 < cuts.size(); ++segment)
        strips.push_back(rms_within(error, cuts[segment], cuts[segment + 1], std::max(first, 0),
                                    std::min(first + step_width, error.columns())));
  return strips;
}

BorderSeams measure_borders(const View& error, const std::vector<int>& borders,
                            const std::vector<int>& crossing, double sigma) {
  BorderSeams seams;
  seams.z = seam_z(error, borders);
  measure_step(error, borders, crossing, sigma, seams);
  seams.comb_power = comb_power(error, borders);
  return seams;
}

/// Borders strictly inside [low, high), counted from `low`.
std::vector<int> borders_inside(const std::vector<int>& borders, int low, int high) {
  std::vector<int> inside;
  for (const int b : borders)
    if (b > low && b < high) inside.push_back(b - low);
  return inside;
}

/// Distinct values but the least, ascending.
std::vector<int> interior(std::vector<int> starts) {
  std::ranges::sort(starts);
  starts.erase(std::ranges::unique(starts).begin(), starts.end());
  if (!starts.empty()) starts.erase(starts.begin());
  return starts;
}

bool exceeds(const AxisSeams& axis, std::optional<double> BorderSeams::*metric, double limit) {
  const auto over = [&](const BorderSeams& seams) { return (seams.*metric).value_or(limit) > limit; };
  return over(axis.summed) || std::ranges::any_of(axis.slices, over);
}

bool comb_exceeds(const BorderSeams& run, const BorderSeams& control) {
  return run.comb_power && control.comb_power && *run.comb_power - *control.comb_power > comb_power_limit;
}

} // namespace

TileBorders interior_borders(std::span<const Box> cores) {
  std::vector<int> rows, columns;
  for (const Box& core : cores) {
    rows.push_back(core.y0);
    columns.push_back(core.x0);
  }
  return {interior(std::move(rows)), interior(std::move(columns))};
}

SeamMetrics measure_seams(const ErrorReader& read_error, int slices, Extent extent, double sigma,
                          const TileBorders& borders, const Box& region) {
  constexpr int least = 4; // pixels: a second difference of first differences
  check_region(extent, region, 1);
  if (const Extent e = region.extent(); e.y < least || e.x < least) return {}; // no metric applies
  const std::vector<int> rows = borders_inside(borders.rows, region.y0, region.y1);
  const std::vector<int> columns = borders_inside(borders.columns, region.x0, region.x1);
  const auto measure_rows = [&](std::span<const float> error) {
    return measure_borders(View(error, extent, region, false), rows, columns, sigma);
  };
  const auto measure_columns = [&](std::span<const float> error) {
    return measure_borders(View(error, extent, region, true), columns, rows, sigma);
  };
  SeamMetrics metrics;
  std::vector<float> error(extent.area()), sum(extent.area());
  for (int s = 0; s < slices; ++s) {
    read_error(s, error);
    metrics.rows.slices.push_back(measure_rows(error));
    metrics.columns.slices.push_back(measure_columns(error));
    std::ranges::transform(sum, error, sum.begin(), std::plus{});
  }
  metrics.rows.summed = measure_rows(sum);
  metrics.columns.summed = measure_columns(sum);
  metrics.rows.strips_V_A = strips_beside(View(sum, extent, region, false), rows, columns);
  metrics.columns.strips_V_A = strips_beside(View(sum, extent, region, true), columns, rows);
  return metrics;
}

std::optional<double> border_excess(const AxisSeams& run, const AxisSeams& control) {
  std::optional<double> largest;
  const std::size_t strips = std::min(run.strips_V_A.size(), control.strips_V_A.size());
  for (std::size_t i = 0; i < strips; ++i)
    if (run.strips_V_A[i] > 0)
      largest = std::max(largest.value_or(-std::numeric_limits<double>::infinity()),
                         std::log(run.strips_V_A[i] / control.strips_V_A[i]));
  return largest;
}

SeamVerdict judge_seams(const SeamMetrics& run, const SeamMetrics* control, Pairing pairing) {
  SeamVerdict verdict;
  for (const auto axis : {&SeamMetrics::rows, &SeamMetrics::columns}) {
    verdict.z = verdict.z || exceeds(run.*axis, &BorderSeams::z, seam_z_limit);
    verdict.step = verdict.step || exceeds(run.*axis, &BorderSeams::step_z, step_z_limit);
    verdict.comb = verdict.comb || (control && comb_exceeds((run.*axis).summed, (control->*axis).summed));
    if (control && pairing == Pairing::steps)
      verdict.excess =
          verdict.excess || border_excess(run.*axis, control->*axis).value_or(0) > border_excess_limit;
  }
  return verdict;
}

} // namespace ptychoscale
