#include "truth.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace ptychoscale {
namespace {

using HostSlice = MeteredVector<float, MemoryLabel::other>;

/// Moves the rows of `box` to the front of a whole slice, whose other values are then gone. No row moves
/// backwards, so none is overwritten before it has moved.
std::span<const float> crop_in_place(std::span<float> whole, Extent extent, Box box) {
  const auto width = static_cast<std::size_t>(box.x1 - box.x0);
  float* to = whole.data();
  for (int y = box.y0; y < box.y1; ++y, to += width)
    std::memmove(to, whole.data() + static_cast<std::size_t>(y) * extent.x + box.x0, width * sizeof(float));
  return whole.first(box.extent().area());
}

/// '1' for each slice that an earlier run stored, known to every rank.
std::string stored_slices(const Communicator& comm, const DatasetWriter* writer, int slices) {
  std::string stored(static_cast<std::size_t>(slices), '0');
  for (int s = 0; writer != nullptr && s < slices; ++s)
    if (writer->has_truth(s)) stored[static_cast<std::size_t>(s)] = '1';
  comm.broadcast(stored, 0);
  return stored;
}

/// Atoms of a slice, as the perfect crystal has them.
double sites_of_slice(const SimulationParameters& p) {
  constexpr double sites_per_A2_and_A = 5 / (3.904 * 3.904 * 4.152);
  const double area_A2 = static_cast<double>(p.volume.area()) * p.pixel_A.y * p.pixel_A.x;
  return sites_per_A2_and_A * p.slice_thickness_A * area_A2;
}

} // namespace

PotentialGenerator::Sum choose_sum(const SimulationParameters& p) {
  // The direct sum costs sites x pixels per slice: seconds at a billion.
  constexpr double quick = 1e9;
  return sites_of_slice(p) * static_cast<double>(p.volume.area()) < quick ? PotentialGenerator::Sum::exact
                                                                          : PotentialGenerator::Sum::nufft;
}

double truth_bytes(const SimulationParameters& p, int threads) {
  return PotentialGenerator::bytes(p.volume, choose_sum(p), sites_of_slice(p), threads) +
         2 * sizeof(float) * static_cast<double>(p.volume.area());
}

bool make_truth(const Communicator& comm, const SimulationParameters& p, DatasetWriter* writer,
                const PotentialPart& part, int threads, const std::function<bool(int)>& keep_going) {
  const Specimen specimen(p);
  PotentialGenerator generator(p.volume, p.pixel_A, p.specimen.factors, choose_sum(p), threads);
  const auto stored = stored_slices(comm, writer, p.slices);
  const auto is_stored = [&](int s) { return stored[static_cast<std::size_t>(s)] == '1'; };
  HostSlice whole(p.volume.area());
  HostSlice mine(p.volume.area());

  for (int first = 0; first < p.slices; first += comm.size()) {
    const int last = std::min(p.slices, first + comm.size());
    if (const int s = first + comm.rank(); s < last && !is_stored(s)) {
      const auto made = generator.slice(specimen.slice(s));
      std::transform(made.begin(), made.end(), mine.begin(), [](double v) { return static_cast<float>(v); });
    }
    for (int s = first; s < last; ++s) {
      const int owner = is_stored(s) ? 0 : s - first;
      if (owner == comm.rank() && !is_stored(s)) whole = mine;
      if (writer != nullptr && is_stored(s)) writer->read_truth(s, whole);
      comm.broadcast(std::span<float>(whole), owner);
      if (writer != nullptr && !is_stored(s)) writer->write_truth(s, whole);
      const auto seen = crop_in_place(whole, p.volume, part.box);
      part.backend.to_device(part.volume.slice(s).data, seen.data(), seen.size_bytes());
    }
    if (!keep_going(last)) return false;
  }
  return true;
}

} // namespace ptychoscale
