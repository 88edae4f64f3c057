#include "ptychoscale/record/assessment.hpp"

#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/io/reconstruction.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace ptychoscale {
namespace {

using SliceReader = std::function<void(int, std::span<float>)>;

std::vector<float> summed(int slices, Extent extent, const SliceReader& read) {
  std::vector<float> slice(extent.area());
  std::vector<double> sum(extent.area());
  for (int s = 0; s < slices; ++s) {
    read(s, slice);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(slice[i]);
  }
  std::vector<float> result(sum.size());
  std::transform(sum.begin(), sum.end(), result.begin(), [](double v) { return static_cast<float>(v); });
  return result;
}

} // namespace

Box scanned_box(const DatasetHeader& h) {
  const auto [top, bottom] = std::minmax_element(h.positions_A.begin(), h.positions_A.end(),
                                                 [](const auto& a, const auto& b) { return a.y < b.y; });
  const auto [left, right] = std::minmax_element(h.positions_A.begin(), h.positions_A.end(),
                                                 [](const auto& a, const auto& b) { return a.x < b.x; });
  const auto pixel = [](double position, double size) {
    return static_cast<int>(std::lround(position / size));
  };
  return intersect({pixel(top->y, h.pixel.y), pixel(bottom->y, h.pixel.y) + 1, pixel(left->x, h.pixel.x),
                    pixel(right->x, h.pixel.x) + 1},
                   {0, h.volume.y, 0, h.volume.x});
}

ImageQuality assess_quality(const std::filesystem::path& reconstruction, const DatasetReader& dataset) {
  const auto& h = dataset.header();
  const ReconstructionReader reader(reconstruction);
  const auto ours =
      summed(h.slices, h.volume, [&](int s, std::span<float> out) { reader.read_potential(s, out); });
  const auto truth =
      summed(h.slices, h.volume, [&](int s, std::span<float> out) { dataset.read_truth(s, out); });
  return measure_quality(ours, truth, h.volume, h.pixel, scanned_box(h));
}

SeamMetrics assess_seams(const std::filesystem::path& reconstruction, const DatasetReader& dataset,
                         const std::filesystem::path& borders_of) {
  const auto& h = dataset.header();
  const ReconstructionReader reader(reconstruction);
  const auto borders = interior_borders(ReconstructionReader(borders_of).cores());
  std::vector<float> truth(h.volume.area());
  const auto read_error = [&](int s, std::span<float> error) {
    reader.read_potential(s, error);
    dataset.read_truth(s, truth);
    for (std::size_t i = 0; i < truth.size(); ++i) error[i] -= truth[i];
  };
  return measure_seams(read_error, h.slices, h.volume, interaction_parameter(h.energy_eV), borders,
                       scanned_box(h));
}

Assessment assess_finished(const std::filesystem::path& reconstruction, const DatasetReader& dataset) {
  Assessment a;
  if (!dataset.has_truth()) {
    a.not_computed = "the dataset has no truth to compare with";
    return a;
  }
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (const std::exception& e) {
      if (a.not_computed.empty()) a.not_computed = e.what();
    }
  };
  attempt([&] {
    a.quality = assess_quality(reconstruction, dataset);
    a.not_computed = a.quality.not_computed;
  });
  attempt([&] { a.seams = assess_seams(reconstruction, dataset, reconstruction); });
  return a;
}

} // namespace ptychoscale
