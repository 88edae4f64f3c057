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

constexpr int tag = 0;

std::size_t index(int y, int x, int width) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
}

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
        sum[index(y, x, extent.x)] += slice[index(y + box.y0, x + box.x0, h.volume.x)];
  }
  return {sum.begin(), sum.end()};
}

/// Copies `from`, all of `box`, to where it lies in `to`, all of `frame`; both [y][x].
void paste(std::span<float> to, const Box& frame, std::span<const float> from, const Box& box) {
  const int width = box.extent().x;
  for (int y = box.y0; y < box.y1; ++y)
    std::ranges::copy(
        from.subspan(index(y - box.y0, 0, width), static_cast<std::size_t>(width)),
        to.begin() + static_cast<std::ptrdiff_t>(index(y - frame.y0, box.x0 - frame.x0, frame.extent().x)));
}

} // namespace

QualityOverTime::QualityOverTime(const Communicator& comm, Backend& backend, const DatasetReader& dataset,
                                 const Tiling& tiling)
    : comm_(comm), backend_(backend), region_(scanned_box(dataset.header())),
      tile_(tiling.tiles[static_cast<std::size_t>(comm.rank())].extended), slices_(dataset.header().slices) {
  for (const Tile& tile : tiling.tiles) cores_.push_back(intersect(tile.core, region_));
  core_ = cores_[static_cast<std::size_t>(comm.rank())];
  comm.agree([&] {
    truth_ = truth_over(dataset, core_);
    if (comm.leads()) whole_ = truth_over(dataset, region_);
  });
}

std::optional<Closeness> QualityOverTime::measure(const Buffer<float>& volume) const {
  const auto mine = sum_of_slices(volume);
  const auto error = error_of(mine);
  if (!error) return std::nullopt;
  return Closeness{*error, similarity_of({mine.begin(), mine.end()})};
}

QualityOverTime::Sums QualityOverTime::sum_of_slices(const Buffer<float>& volume) const {
  const Extent core = core_.extent();
  const Box inside = relative_to(core_, tile_.origin());
  const Extent held = tile_.extent();
  std::vector<float> row(static_cast<std::size_t>(core.x));
  Sums sums(core.area());
  for (int y = 0; y < core.y; ++y)
    for (int s = 0; s < slices_; ++s) {
      const auto first = static_cast<std::size_t>(s) * held.area() + index(y + inside.y0, inside.x0, held.x);
      backend_.to_host(row.data(), volume.data() + first, row.size() * sizeof(float));
      for (int x = 0; x < core.x; ++x) sums[index(y, x, core.x)] += row[static_cast<std::size_t>(x)];
    }
  return sums;
}

std::optional<double> QualityOverTime::error_of(const Sums& mine) const {
  const Extent core = core_.extent();
  const auto width = static_cast<std::size_t>(core.x);
  ErrorSums sums{};
  for (int y = 0; y < core.y; ++y)
    add_row(sums, region_, y + core_.y0, core_.x0, std::span(mine).subspan(index(y, 0, core.x), width),
            std::span(truth_).subspan(index(y, 0, core.x), width));
  comm_.sum(sums);
  try {
    return relative_rmse(sums, region_);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

double QualityOverTime::similarity_of(const Image& mine) const {
  double similarity = std::numeric_limits<double>::quiet_NaN();
  const Image image = stitched(mine);
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

/// On rank 0 the region's image, put together from all cores; empty elsewhere.
QualityOverTime::Image QualityOverTime::stitched(const Image& mine) const {
  if (!comm_.leads()) {
    if (!mine.empty()) comm_.send(mine, 0, tag);
    return {};
  }
  Image image(region_.extent().area());
  paste(image, region_, mine, core_);
  for (int rank = 1; rank < comm_.size(); ++rank) {
    const Box& core = cores_[static_cast<std::size_t>(rank)];
    Image theirs(core.extent().area());
    if (theirs.empty()) continue;
    comm_.receive(theirs, rank, tag);
    paste(image, region_, theirs, core);
  }
  return image;
}

} // namespace ptychoscale
