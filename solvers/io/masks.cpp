#include "ptychoscale/io/masks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <complex>

namespace ptychoscale {

int pixels_without_weight(const DatasetHeader& h) {
  return static_cast<int>(std::ranges::count(h.pixels_used, 0));
}

int patterns_left_out(const DatasetHeader& h) {
  return static_cast<int>(std::ranges::count(h.patterns_used, 0));
}

std::size_t patterns_in_use(const DatasetHeader& h) {
  return h.positions_A.size() - static_cast<std::size_t>(patterns_left_out(h));
}

double share_in_use(const DatasetHeader& h) {
  if (h.pixels_used.empty()) return 1;
  double share = 0;
  for (std::size_t i = 0; i < h.probe.size(); ++i)
    if (h.pixels_used[i % h.pixels_used.size()] != 0) share += std::norm(std::complex<double>(h.probe[i]));
  return share;
}

std::optional<std::string> masks_in_words(const DatasetHeader& h) {
  const int pixels = pixels_without_weight(h);
  const int patterns = patterns_left_out(h);
  if (pixels == 0 && patterns == 0) return std::nullopt;
  return fmt::format("{} of {} pixels have no weight, {} of {} patterns are left out", pixels,
                     h.detector.area(), patterns, h.positions_A.size());
}

} // namespace ptychoscale
