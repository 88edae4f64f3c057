#include "ptychoscale/record/quality_over_time.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/quality/error_sums.hpp"
#include "ptychoscale/quality/quality.hpp"
#include "ptychoscale/record/assessment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ptychoscale {
namespace {

std::size_t index(int y, int x, int width) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
}

/// The truth summed over slices, [y][x] over `box`, in memory that `Memory` takes.
template <template <class> class Memory>
Memory<float> truth_over(const DatasetReader& dataset, const Box& box) {
  const auto& h = dataset.header();
  const Extent extent = box.extent();
  Memory<float> slice(h.volume.area());
  Memory<double> sum(extent.area());
  for (int s = 0; s < h.slices; ++s) {
    dataset.read_truth(s, slice);
    for (int y = 0; y < extent.y; ++y)
      for (int x = 0; x < extent.x; ++x)
        sum[index(y, x, extent.x)] += slice[index(y + box.y0, x + box.x0, h.volume.x)];
  }
  return {sum.begin(), sum.end()};
}

template <class T> using Metered = MeteredVector<T, MemoryLabel::other>;
template <class T> using Unmetered = std::vector<T>;

} // namespace

QualityOverTime::QualityOverTime(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                                 const Tiling& tiling)
    : comm_(comm), backend_(backend), region_(scanned_box(dataset.header())),
      tile_(tiling.tiles[static_cast<std::size_t>(comm.rank())].extended), slices_(dataset.header().slices) {
  for (const Tile& tile : tiling.tiles) cores_.push_back(intersect(tile.core, region_));
  core_ = cores_[static_cast<std::size_t>(comm.rank())];
  comm.agree([&] {
    truth_ = truth_over<Metered>(dataset, core_);
    if (comm.leads()) whole_ = truth_over<Unmetered>(dataset, region_);
  });
}

std::optional<Closeness> QualityOverTime::measure(const Buffer<float>& volume) const {
  ErrorSums sums{};
  std::vector<float> image(comm_.leads() ? region_.extent().area() : 0);
  for (int y = 0; y < core_.extent().y; ++y) {
    const auto row = sum_of_slices(volume, y);
    const auto width = row.size();
    add_row(sums, region_, y + core_.y0, core_.x0, row,
            std::span(truth_).subspan(index(y, 0, core_.extent().x), width));
    give(image, y, row);
  }
  if (comm_.leads()) take_from_others(image);
  comm_.sum(sums);
  try {
    return Closeness{relative_rmse(sums, region_), similarity_of(image)};
  } catch (const InputError&) { // alike on all ranks, before what is only rank 0's
    return std::nullopt;
  }
}

std::vector<double> QualityOverTime::sum_of_slices(const Buffer<float>& volume, int y) const {
  const auto width = static_cast<std::size_t>(core_.extent().x);
  const Box inside = relative_to(core_, tile_.origin());
  const Extent held = tile_.extent();
  std::vector<float> row(width);
  std::vector<double> sum(width);
  for (int s = 0; s < slices_; ++s) {
    const auto first = static_cast<std::size_t>(s) * held.area() + index(y + inside.y0, inside.x0, held.x);
    backend_.to_host(row.data(), volume.data() + first, width * sizeof(float));
    for (std::size_t x = 0; x < width; ++x) sum[x] += row[x];
  }
  return sum;
}

/// Puts a row of the core into rank 0's image, or sends it there.
void QualityOverTime::give(std::span<float> image, int y, std::span<const double> row) const {
  const std::vector<float> rounded(row.begin(), row.end());
  if (comm_.leads()) {
    std::ranges::copy(rounded, place_of(image, core_, y).begin());
  } else {
    comm_.send(rounded, 0);
  }
}

void QualityOverTime::take_from_others(std::span<float> image) const {
  for (int rank = 1; rank < comm_.size(); ++rank) {
    const Box& core = cores_[static_cast<std::size_t>(rank)];
    for (int y = 0; y < core.extent().y; ++y) comm_.receive(place_of(image, core, y), rank);
  }
}

/// Where a row of a core lies in an image of the region.
std::span<float> QualityOverTime::place_of(std::span<float> image, const Box& core, int y) const {
  return image.subspan(index(core.y0 + y - region_.y0, core.x0 - region_.x0, region_.extent().x),
                       static_cast<std::size_t>(core.extent().x));
}

double QualityOverTime::similarity_of(std::span<const float> image) const {
  double similarity = std::numeric_limits<double>::quiet_NaN();
  if (comm_.leads()) {
    const Extent extent = region_.extent();
    const Box all{0, extent.y, 0, extent.x};
    try {
      similarity =
          structural_similarity(remove_offset_and_ramp(image, whole_, extent, all), whole_, extent, all);
    } catch (const InputError&) { // narrower than the windows
    }
  }
  comm_.broadcast(std::span(&similarity, 1), 0);
  return similarity;
}

} // namespace ptychoscale
