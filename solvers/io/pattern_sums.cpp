#include "ptychoscale/io/pattern_sums.hpp"

#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

constexpr double lowest_share = 0.5;
constexpr double brightest_to_vacuum = 20;
constexpr double sigmas = 6;

constexpr std::array kinds{&PatternFindings::too_bright, &PatternFindings::dead, &PatternFindings::dim,
                           &PatternFindings::hot};

void add_one(Outliers& outliers, int position, double value, Extent pixel) {
  if (outliers.patterns == 0 || position < outliers.first) {
    outliers.first = position;
    outliers.value = value;
    outliers.pixel = pixel;
  }
  ++outliers.patterns;
}

void merge(Outliers& into, const Outliers& other) {
  if (other.patterns == 0) return;
  const int patterns = into.patterns + other.patterns;
  if (into.patterns == 0 || other.first < into.first) into = other;
  into.patterns = patterns;
}

std::string number_of(const Outliers& outliers, const PatternFindings& findings) {
  return fmt::format("{} of {} patterns", outliers.patterns, findings.patterns);
}

/// An amplitude; 0 where a pixel has no weight.
float weighed(float amplitude) { return amplitude < 0 ? 0.0F : amplitude; }

/// A pixel as the file stores it, zero frequency in the middle.
Extent as_stored(Extent pixel, Extent detector) {
  return {(pixel.y + detector.y / 2) % detector.y, (pixel.x + detector.x / 2) % detector.x};
}

} // namespace

PatternSum sum_of_pattern(std::span<const float> amplitudes, Extent detector) {
  // Row by row in single precision, by sixteen so that the compiler can use vectors: the order of a row's
  // terms is fixed, and rounding is a millionth.
  constexpr std::size_t lanes = 16;
  const auto width = static_cast<std::size_t>(detector.x);
  PatternSum sum;
  float brightest = 0;
  std::size_t row_of_brightest = 0;
  for (std::size_t y = 0; y < static_cast<std::size_t>(detector.y); ++y) {
    const auto row = amplitudes.subspan(y * width, width);
    std::array<float, lanes> sums{};
    std::array<float, lanes> largest{};
    std::size_t x = 0;
    for (; x + lanes <= width; x += lanes)
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const float a = weighed(row[x + lane]);
        sums[lane] += a * a;
        largest[lane] = largest[lane] < a ? a : largest[lane];
      }
    for (; x < width; ++x) {
      const float a = weighed(row[x]);
      sums[0] += a * a;
      largest[0] = std::max(largest[0], a);
    }
    for (const float s : sums) sum.all += s;
    if (const float most = *std::ranges::max_element(largest); most > brightest) {
      brightest = most;
      row_of_brightest = y;
    }
  }
  const auto row = amplitudes.subspan(row_of_brightest * width, width);
  sum.brightest = static_cast<double>(brightest) * brightest;
  sum.pixel = {static_cast<int>(row_of_brightest),
               static_cast<int>(std::ranges::find(row, brightest) - row.begin()) % detector.x};
  return sum;
}

PatternLimits limits_of_patterns(const DatasetHeader& h, double brightest_beams) {
  double vacuum = 0;
  for (std::size_t pixel = 0; pixel < h.detector.area(); ++pixel) {
    double of_modes = 0;
    for (std::size_t i = pixel; i < h.probe.size(); i += h.detector.area()) of_modes += std::norm(h.probe[i]);
    vacuum = std::max(vacuum, of_modes);
  }
  PatternLimits limits{brightest_beams, lowest_share * share_in_use(h), brightest_to_vacuum * vacuum};
  if (h.dose_e_per_A2 == 0) return limits;
  const double electrons = h.electrons_per_pattern;
  const auto scatter = [&](double share) { return sigmas * std::sqrt(share / electrons); };
  limits.highest += scatter(limits.highest);
  limits.lowest -= scatter(limits.lowest);
  limits.none_is_empty = scatter(1) < 1;
  // Of few counts the distribution has a longer tail than its square root tells.
  limits.brightest_pixel += scatter(limits.brightest_pixel) + sigmas / electrons;
  return limits;
}

void PatternFindings::add(int position, const PatternSum& sum, const PatternLimits& limits) {
  least = patterns == 0 ? sum.all : std::min(least, sum.all);
  most = patterns == 0 ? sum.all : std::max(most, sum.all);
  ++patterns;
  if (sum.all > limits.highest) add_one(too_bright, position, sum.all, {});
  if (sum.all == 0 && limits.none_is_empty) add_one(dead, position, 0, {});
  if (sum.all > 0 && sum.all < limits.lowest) add_one(dim, position, sum.all, {});
  if (sum.brightest > limits.brightest_pixel) add_one(hot, position, sum.brightest, sum.pixel);
}

void PatternFindings::add(const PatternFindings& other) {
  if (other.patterns == 0) return;
  least = patterns == 0 ? other.least : std::min(least, other.least);
  most = patterns == 0 ? other.most : std::max(most, other.most);
  patterns += other.patterns;
  for (const auto kind : kinds) merge(this->*kind, other.*kind);
}

std::vector<double> as_numbers(const PatternFindings& f) {
  std::vector<double> numbers{static_cast<double>(f.patterns), f.least, f.most};
  for (const auto kind : kinds) {
    const Outliers& o = f.*kind;
    for (const double n : {static_cast<double>(o.patterns), static_cast<double>(o.first), o.value,
                           static_cast<double>(o.pixel.y), static_cast<double>(o.pixel.x)})
      numbers.push_back(n);
  }
  return numbers;
}

PatternFindings findings_of_ranks(std::span<const double> numbers) {
  constexpr std::size_t each = 3 + 5 * kinds.size();
  PatternFindings all;
  for (; numbers.size() >= each; numbers = numbers.subspan(each)) {
    PatternFindings one;
    one.patterns = static_cast<int>(numbers[0]);
    one.least = numbers[1];
    one.most = numbers[2];
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      const auto n = numbers.subspan(3 + 5 * k, 5);
      one.*kinds[k] = {static_cast<int>(n[0]),
                       static_cast<int>(n[1]),
                       n[2],
                       {static_cast<int>(n[3]), static_cast<int>(n[4])}};
    }
    all.add(one);
  }
  return all;
}

std::optional<std::string> unusable(const PatternFindings& f, const DatasetHeader& h,
                                    double brightest_beams) {
  if (f.too_bright.patterns > 0)
    return fmt::format("{}: counts add up to {:.4g} x electrons_per_pattern ({:g}), valid: at most {:.4g} x; "
                       "so in {} (is that number wrong, or a pixel hot?)",
                       place_of(h, f.too_bright.first), f.too_bright.value, h.electrons_per_pattern,
                       limits_of_patterns(h, brightest_beams).highest, number_of(f.too_bright, f));
  if (f.patterns > 0 && f.most == 0)
    return fmt::format(
        "all {} patterns are zero; expected counts that add up to electrons_per_pattern ({:g})", f.patterns,
        h.electrons_per_pattern);
  return std::nullopt;
}

std::optional<std::string> complaint_of_dead(const PatternFindings& f, const DatasetHeader& h) {
  if (f.dead.patterns == 0) return std::nullopt;
  return fmt::format("{} are zero, first {}: dead, or never written", number_of(f.dead, f),
                     place_of(h, f.dead.first));
}

std::optional<std::string> complaint_of_dim(const PatternFindings& f, const DatasetHeader& h) {
  if (f.dim.patterns == 0) return std::nullopt;
  return fmt::format(
      "{} hold less than {:.0f} % of the beam, first {} with {:.3g} %: is electrons_per_pattern "
      "({:g}) right?",
      number_of(f.dim, f), 100 * lowest_share, place_of(h, f.dim.first), 100 * f.dim.value,
      h.electrons_per_pattern);
}

std::optional<std::string> complaint_of_hot(const PatternFindings& f, const DatasetHeader& h) {
  if (f.hot.patterns == 0) return std::nullopt;
  const Extent pixel = as_stored(f.hot.pixel, h.detector);
  return fmt::format("{} have a hot pixel, first {}, where (ky, kx) = ({}, {}) holds {:.3g} % of the beam",
                     number_of(f.hot, f), place_of(h, f.hot.first), pixel.y, pixel.x, 100 * f.hot.value);
}

} // namespace ptychoscale
