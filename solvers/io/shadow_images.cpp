#include "ptychoscale/io/shadow_images.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "ptychoscale/io/masks.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace ptychoscale {
namespace {

constexpr int parts_across = 9;  ///< of the disk: as many as a shift of its edge needs, few enough to count
constexpr double inner = 0.9;    ///< of the disk: its edge is neither bright nor dark
constexpr int most_places = 400; ///< more say no more, and take longer
constexpr std::size_t fewest_places = 36; ///< fewer agree by chance
constexpr std::size_t fewest_parts = 20;
constexpr double fewest_pairs = 4000; ///< of values that meet: chance makes 5 % of them at most agree
constexpr double half_view = 200;     ///< cells from the scan's middle; what is further out is not looked at
constexpr double nearest = 12;        ///< cells that shifts reach at least, whatever the header's defocus
constexpr double most_cells = 40;     ///< that shifts reach
constexpr int fewest_steps = 4;
constexpr int angle_step = 6;        ///< degrees
constexpr int apart = 20;            ///< degrees from which orientations are clearly different
constexpr double shift_steps = 1.25; ///< per cell, of the disk's edge

/// How patterns may be turned, and the defocus.
struct Candidate {
  double C10_A = 0;
  double degrees = 0;
  bool transposed = false;
};

/// Degrees between two orientations, of which one with the other sign of C10 is half a turn away.
double between(const Candidate& a, const Candidate& b) {
  const auto full = [](const Candidate& c) { return c.degrees + (c.C10_A < 0 ? 180 : 0); };
  return std::abs(std::remainder(full(a) - full(b), 360.0));
}

struct Bounds {
  Position low;
  Position high;
};

Bounds bounds_of(std::span<const Position> places) {
  Bounds b{places.front(), places.front()};
  for (const auto& p : places) {
    b.low = {std::min(b.low.y, p.y), std::min(b.low.x, p.x)};
    b.high = {std::max(b.high.y, p.y), std::max(b.high.x, p.x)};
  }
  return b;
}

/// Where on the specimen every part of every position comes from, on a grid of cells, and whether what meets
/// in a cell agrees. Only different positions count: parts of one that lie side by side always agree.
class Cells {
public:
  /// `values` [place][part] are of mean 0 in each part; no part is shifted by more than `reach_A`.
  Cells(std::span<const Position> places, std::span<const Position> angles, std::span<const float> values,
        double cell_A, double reach_A)
      : places_(places), angles_(angles), values_(values), cell_A_(cell_A) {
    const auto [low, high] = bounds_of(places);
    origin_ = {low.y - reach_A - cell_A, low.x - reach_A - cell_A};
    columns_ = static_cast<std::size_t>((high.x - low.x + 2 * reach_A) / cell_A) + 3;
    const auto rows = static_cast<std::size_t>((high.y - low.y + 2 * reach_A) / cell_A) + 3;
    all_.resize(rows * columns_);
    own_.resize(rows * columns_);
    for (const float v : values) mean_square_ += static_cast<double>(v) * static_cast<double>(v);
    mean_square_ /= static_cast<double>(values.size());
  }

  /// Correlation of two values that meet in a cell.
  double agreement(const Candidate& c) {
    const auto shifts = shifts_of(c);
    std::ranges::fill(all_, Sum{});
    Sum same; // squares of what one position puts into a cell
    const float* v = values_.data();
    for (const auto& place : places_) {
      touched_.clear();
      for (const auto& shift : shifts) {
        const auto i = cell_at(place.y + shift.y, place.x + shift.x);
        if (own_[i].count == 0) touched_.push_back(i);
        own_[i].add(static_cast<double>(*v++), 1);
      }
      for (const auto i : touched_) {
        same.add(own_[i].value * own_[i].value, own_[i].count * own_[i].count);
        all_[i].add(own_[i].value, own_[i].count);
        own_[i] = {};
      }
    }
    double products = -same.value, pairs = -same.count;
    for (const auto& cell : all_) {
      products += cell.value * cell.value;
      pairs += cell.count * cell.count;
    }
    return pairs > fewest_pairs && mean_square_ > 0 ? products / pairs / mean_square_ : 0;
  }

  /// Correlation of two parts of one position, as they are in focus.
  [[nodiscard]] double in_focus() const {
    const auto parts = static_cast<double>(angles_.size());
    double products = 0;
    for (std::size_t i = 0; i < values_.size(); i += angles_.size()) {
      double sum = 0;
      for (const float v : values_.subspan(i, angles_.size())) sum += static_cast<double>(v);
      products += sum * sum;
    }
    const double places = static_cast<double>(places_.size());
    return mean_square_ > 0 ? (products / places / mean_square_ - parts) / (parts * (parts - 1)) : 0;
  }

private:
  struct Sum {
    double value = 0;
    double count = 0;
    void add(double v, double n) { value += v, count += n; }
  };
  [[nodiscard]] std::vector<Position> shifts_of(const Candidate& c) const {
    const double angle = c.degrees * std::numbers::pi / 180, cos = std::cos(angle), sin = std::sin(angle);
    std::vector<Position> shifts;
    for (const auto& a : angles_) {
      const Position t = c.transposed ? Position{a.x, a.y} : a;
      shifts.push_back({c.C10_A * (cos * t.y - sin * t.x), c.C10_A * (sin * t.y + cos * t.x)});
    }
    return shifts;
  }
  [[nodiscard]] std::size_t cell_at(double y, double x) const {
    return static_cast<std::size_t>((y - origin_.y) / cell_A_) * columns_ +
           static_cast<std::size_t>((x - origin_.x) / cell_A_);
  }
  std::span<const Position> places_, angles_;
  std::span<const float> values_;
  double cell_A_;
  Position origin_;
  std::size_t columns_ = 0;
  double mean_square_ = 0;
  std::vector<Sum> all_, own_;
  std::vector<std::size_t> touched_;
};

/// Values less and over the mean of their part.
std::vector<float> normalised(std::span<const float> values, std::size_t parts) {
  std::vector<double> mean(parts);
  for (std::size_t i = 0; i < values.size(); ++i) mean[i % parts] += static_cast<double>(values[i]);
  const double places = static_cast<double>(values.size() / parts);
  std::vector<float> made(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const double m = mean[i % parts] / places; m > 0)
      made[i] = static_cast<float>(static_cast<double>(values[i]) / m - 1);
  return made;
}

/// Every orientation, and every defocus from that which shifts the disk's edge by more than a cell.
ShadowFit search(Cells& cells, double step_A, int most_steps) {
  std::vector<std::pair<double, Candidate>> tried;
  for (const bool transposed : {false, true})
    for (int degrees = -90; degrees < 90; degrees += angle_step)
      for (int n = 2; n <= most_steps; ++n)
        for (const int sign : {1, -1}) {
          const Candidate c{sign * n * step_A, static_cast<double>(degrees), transposed};
          tried.emplace_back(cells.agreement(c), c);
        }
  const auto by_agreement = [](const auto& t) { return t.first; };
  const auto best = *std::ranges::max_element(tried, {}, by_agreement);
  ShadowFit fit{best.second.C10_A, best.second.degrees, best.second.transposed, best.first};
  fit.otherwise = cells.in_focus();
  for (const auto& [agreement, c] : tried) {
    if (!c.transposed && std::abs(c.degrees) <= angle_step) fit.as_is = std::max(fit.as_is, agreement);
    if (c.transposed != fit.transposed || between(c, best.second) > apart)
      fit.otherwise = std::max(fit.otherwise, agreement);
  }
  return fit;
}

/// The best by degrees and tenths of a step around what was found.
void refine(Cells& cells, double step_A, ShadowFit& fit) {
  const ShadowFit coarse = fit;
  for (int tenths = -9; tenths <= 9; tenths += 3)
    for (int turn = -angle_step + 1; turn < angle_step; ++turn) {
      const Candidate c{coarse.C10_A + 0.1 * tenths * step_A, coarse.degrees + turn, coarse.transposed};
      if (const double found = cells.agreement(c); found > fit.agreement) {
        fit.agreement = found;
        fit.C10_A = c.C10_A;
        fit.degrees = c.degrees;
      }
    }
  if (std::abs(fit.degrees) <= 90) return;
  fit.degrees -= std::copysign(180, fit.degrees);
  fit.C10_A = -fit.C10_A;
}

/// Shifts of the disk's edge to look at: of three times the header's defocus.
double farthest_A(const DatasetHeader& h, double cell_A) {
  return std::max(nearest * cell_A, 3 * std::abs(h.C10_A) * 1e-3 * h.semiangle_mrad);
}

/// What the disk can resolve; more, where shifts reach further than cells can be counted.
double cell_of(const DatasetHeader& h) {
  const double finest_A = 0.6 * electron_wavelength_A(h.energy_eV) / (1e-3 * h.semiangle_mrad);
  return std::max(finest_A, farthest_A(h, finest_A) / most_cells);
}

} // namespace

ShadowImages::ShadowImages(const DatasetHeader& h)
    : header_(h), cell_A_(cell_of(h)), part_of_pixel_(h.detector.area(), -1) {
  choose_places();
  const double wavelength = electron_wavelength_A(h.energy_eV);
  const double edge = inner * 1e-3 * h.semiangle_mrad;
  std::map<std::pair<int, int>, int> parts;
  std::vector<double> pixels;
  const auto part = [&](double angle) {
    return static_cast<int>(std::floor((angle / edge + 1) / 2 * parts_across));
  };
  std::size_t i = 0;
  for (int y = 0; y < h.detector.y; ++y)
    for (int x = 0; x < h.detector.x; ++x, ++i) {
      const Position a{wavelength * signed_frequency(y, h.detector.y) / (h.detector.y * h.pixel.y),
                       wavelength * signed_frequency(x, h.detector.x) / (h.detector.x * h.pixel.x)};
      if (std::hypot(a.y, a.x) > edge || (!h.pixels_used.empty() && h.pixels_used[i] == 0)) continue;
      const auto [at, is_new] = parts.try_emplace({part(a.y), part(a.x)}, static_cast<int>(parts.size()));
      if (is_new) angles_.emplace_back(), pixels.push_back(0);
      const auto p = static_cast<std::size_t>(part_of_pixel_[i] = at->second);
      angles_[p] = {angles_[p].y + a.y, angles_[p].x + a.x};
      pixels[p] += 1;
    }
  for (std::size_t p = 0; p < angles_.size(); ++p)
    angles_[p] = {angles_[p].y / pixels[p], angles_[p].x / pixels[p]};
}

void ShadowImages::choose_places() {
  const auto& all = header_.positions_A;
  if (all.empty()) return;
  const auto [low, high] = bounds_of(all);
  const Position middle{(low.y + high.y) / 2, (low.x + high.x) / 2};
  std::vector<int> near;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (is_used(header_, i) &&
        std::max(std::abs(all[i].y - middle.y), std::abs(all[i].x - middle.x)) <= half_view * cell_A_)
      near.push_back(static_cast<int>(i));
  // Spread by the golden section, so that no line of the scan is preferred.
  const double every = std::max(1.0, static_cast<double>(near.size()) / most_places);
  for (const int i : near)
    if (const double spread = i / std::numbers::phi; (spread - std::floor(spread)) * every < 1)
      chosen_.push_back(i);
}

void ShadowImages::add(int position, std::span<const float> amplitudes) {
  if (!std::ranges::binary_search(chosen_, position)) return;
  places_.push_back(header_.positions_A[static_cast<std::size_t>(position)]);
  const std::size_t first = values_.size();
  values_.resize(first + angles_.size());
  for (std::size_t i = 0; i < amplitudes.size(); ++i)
    if (const int part = part_of_pixel_[i]; part >= 0)
      values_[first + static_cast<std::size_t>(part)] += amplitudes[i] * amplitudes[i];
}

std::optional<ShadowFit> ShadowImages::fit() const {
  if (places_.size() < fewest_places || angles_.size() < fewest_parts) return std::nullopt;
  const auto [low, high] = bounds_of(places_);
  const double half_width_A = std::min(high.y - low.y, high.x - low.x) / 2;
  const double reach_A = std::min(half_width_A, farthest_A(header_, cell_A_));
  const double edge = 1e-3 * header_.semiangle_mrad;
  const double defocus_step_A = cell_A_ / shift_steps / edge;
  const int most_steps = static_cast<int>(reach_A / edge / defocus_step_A);
  if (most_steps < fewest_steps) return std::nullopt;
  const auto values = normalised(values_, angles_.size());
  Cells cells(places_, angles_, values, cell_A_, reach_A + cell_A_);
  auto fit = search(cells, defocus_step_A, most_steps);
  refine(cells, defocus_step_A, fit);
  for (double* share : {&fit.agreement, &fit.as_is, &fit.otherwise}) *share = std::min(*share, 1.0);
  return fit;
}

} // namespace ptychoscale
