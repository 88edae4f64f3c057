#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"

#include <cstdint>
#include <vector>

namespace ptychoscale::test {

/// A whole number in [-1000, 1000] that depends on all arguments. Sums of a few such values are exact in
/// float32 in any order, so that exchanges are compared by equality.
inline float whole_number(int rank, int round, int slice, int y, int x) {
  std::uint64_t h = 0x9e3779b97f4a7c15u;
  for (const int v : {rank, round, slice, y, x}) {
    h ^= static_cast<std::uint64_t>(v) + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 29;
  }
  return static_cast<float>(static_cast<int>(h % 2001) - 1000);
}

/// One rank's extended tile in backend memory.
class TileField {
public:
  TileField(Backend& backend, const Tile& tile, int slices)
      : box_(tile.extended), slices_(slices),
        buffer_(backend, box_.extent().area() * static_cast<std::size_t>(slices), MemoryLabel::accumulation),
        host_(buffer_.size()) {}

  [[nodiscard]] Volume volume() const { return {buffer_.data(), slices_, box_.extent()}; }

  /// Sets every voxel to value(slice, y, x), in volume coordinates.
  template <class Value> void set(Value value) {
    host_ = evaluate(value);
    buffer_.upload(host_);
  }
  /// Number of voxels that differ from value(slice, y, x).
  template <class Value> [[nodiscard]] std::size_t differing(Value value) {
    const auto expected = evaluate(value);
    const auto& actual = read();
    std::size_t n = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) n += actual[i] != expected[i];
    return n;
  }
  const std::vector<float>& read() {
    buffer_.download(host_);
    return host_;
  }

private:
  template <class Value> std::vector<float> evaluate(Value value) const {
    std::vector<float> values;
    values.reserve(buffer_.size());
    for (int s = 0; s < slices_; ++s)
      for (int y = box_.y0; y < box_.y1; ++y)
        for (int x = box_.x0; x < box_.x1; ++x) values.push_back(value(s, y, x));
    return values;
  }

  Box box_;
  int slices_;
  Buffer<float> buffer_;
  std::vector<float> host_;
};

/// Meshes of exactly `ranks` ranks: 1 x N, N x 1 and all between.
inline std::vector<Mesh> meshes(int ranks) {
  std::vector<Mesh> all;
  for (int rows = 1; rows <= ranks; ++rows)
    if (ranks % rows == 0) all.push_back({rows, ranks / rows});
  return all;
}

} // namespace ptychoscale::test
