#include "packed_load.hpp"

#include <algorithm>

namespace ptychoscale {

PackedLoad load_of(const std::vector<PassStep>& schedule) {
  PackedLoad load;
  for (const PassStep& step : schedule)
    for (const auto* transfers : {&step.receive, &step.send})
      for (const Transfer& t : *transfers) {
        load.pixels += t.box.extent().area();
        load.largest_message = std::max(load.largest_message, t.box.extent().area());
      }
  return load;
}

PackedLoad busiest_load(const Tiling& tiling,
                        const std::function<std::vector<PassStep>(int rank)>& schedule_of) {
  PackedLoad busiest;
  for (const Tile& tile : tiling.tiles) {
    const PackedLoad load = load_of(schedule_of(tile.rank));
    busiest.pixels = std::max(busiest.pixels, load.pixels);
    busiest.largest_message = std::max(busiest.largest_message, load.largest_message);
  }
  return busiest;
}

} // namespace ptychoscale
