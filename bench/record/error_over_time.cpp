#include "ptychoscale/record/error_over_time.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/quality/error_sums.hpp"
#include "ptychoscale/record/assessment.hpp"

#include <algorithm>
#include <vector>

namespace ptychoscale {
namespace {

/// The truth summed over slices, [y][x] over `box`.
MeteredVector<float, MemoryLabel::other> truth_over(const DatasetReader& dataset, const Box& box) {
  const auto& h = dataset.header();
  const Extent extent = box.extent();
  MeteredVector<float, MemoryLabel::other> slice(h.volume.area());
  MeteredVector<double, MemoryLabel::other> sum(extent.area());
  for (int s = 0; s < h.slices; ++s) {
    dataset.read_truth(s, slice);
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x)
        sum[static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x) + static_cast<std::size_t>(x)] +=
            slice[static_cast<std::size_t>(y + box.y0) * static_cast<std::size_t>(h.volume.x) +
                  static_cast<std::size_t>(x + box.x0)];
  }
  return {sum.begin(), sum.end()};
}

} // namespace

ErrorOverTime::ErrorOverTime(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                             const Tile& tile)
    : comm_(comm), backend_(backend), region_(scanned_box(dataset.header())),
      core_(intersect(tile.core, region_)), tile_(tile.extended), slices_(dataset.header().slices) {
  comm.agree([&] { truth_ = truth_over(dataset, core_); });
}

std::optional<double> ErrorOverTime::measure(const Buffer<float>& volume) const {
  const Extent core = core_.extent();
  const auto width = static_cast<std::size_t>(core.x);
  const Box inside = relative_to(core_, tile_.origin());
  const Extent held = tile_.extent();
  std::vector<float> row(width);
  std::vector<double> sum(width);
  ErrorSums sums{};
  for (int y = 0; y < core.y; ++y) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (int s = 0; s < slices_; ++s) {
      const auto first = static_cast<std::size_t>(s) * held.area() +
                         static_cast<std::size_t>(y + inside.y0) * static_cast<std::size_t>(held.x) +
                         static_cast<std::size_t>(inside.x0);
      backend_.to_host(row.data(), volume.data() + first, width * sizeof(float));
      for (std::size_t x = 0; x < width; ++x) sum[x] += row[x];
    }
    add_row(sums, region_, y + core_.y0, core_.x0, sum,
            std::span(truth_).subspan(static_cast<std::size_t>(y) * width, width));
  }
  comm_.sum(sums);
  try {
    return relative_rmse(sums, region_);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

} // namespace ptychoscale
