#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <cufft.h>
#include <map>
#include <utility>

namespace ptychoscale::cuda {

/// cuFFT's plans of every extent that was prepared, unscaled both ways. One metered work area, as large as
/// the hungriest plan's, serves all: they run on one stream.
class CufftPlans {
public:
  [[nodiscard]] CufftPlans(Backend& memory, cudaStream_t stream) : memory_(memory), stream_(stream) {}

  void prepare(Extent extent);
  void rows(Waves waves, Direction direction) const;
  /// Those of two waves in one transform; an even number of waves. Not for what is to have the same bits for
  /// any number of waves: cuFFT may choose other kernels for more lines.
  void rows_in_pairs(Waves waves, Direction direction) const;
  void columns(Waves waves, Direction direction) const;

private:
  struct Handle {
    Handle();
    ~Handle();
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    cufftHandle value = 0;
  };
  /// Lines that lie a distance apart; owns no work memory.
  class Plan {
  public:
    Plan(int length, int stride, int distance, int lines, cudaStream_t stream);
    [[nodiscard]] std::size_t work_bytes() const { return work_bytes_; }
    void use(void* work) const;
    void run(Complex* first_line, Direction direction) const;

  private:
    Handle plan_;
    std::size_t work_bytes_ = 0;
  };
  /// Columns of two waves are no lines a distance apart.
  struct Plans {
    Plan rows;
    Plan rows_of_two;
    Plan columns;
    Plans(Extent e, cudaStream_t stream)
        : rows(e.x, 1, e.x, e.y, stream), rows_of_two(e.x, 1, e.x, 2 * e.y, stream),
          columns(e.y, e.x, 1, e.x, stream) {}
  };
  [[nodiscard]] const Plans& of(Extent extent) const;
  void share_work_area();

  Backend& memory_;
  cudaStream_t stream_;
  std::map<std::pair<int, int>, Plans> plans_;
  Buffer<std::byte> work_;
};

} // namespace ptychoscale::cuda
