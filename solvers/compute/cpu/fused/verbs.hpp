#pragma once

#include "../team.hpp"
#include "kernels.hpp"

#include <map>
#include <set>
#include <span>
#include <string>

namespace ptychoscale::cpu::fused {

/// The kernels of one instruction set, and the tables of all lengths that were prepared. What FFTW keeps for
/// a length is not metered, nor are these tables: 20 bytes per element of a line.
class Lines {
public:
  explicit Lines(const KernelSet& kernels) : kernels_(kernels) {}
  void prepare(Extent extent);
  [[nodiscard]] const KernelSet& kernels() const { return kernels_; }
  [[nodiscard]] const ColumnTables& columns(int length) const;
  [[nodiscard]] const RowTables& rows(int length) const;
  /// "fused (AVX2)", and which lengths go with FFTW, for reports.
  [[nodiscard]] std::string description() const;

private:
  KernelSet kernels_;
  std::map<int, ColumnTables> columns_;
  std::map<int, RowTables> rows_;
  std::set<std::string> with_fftw_;
};

// The verbs of Backend, for waves whose extent does_rows or does_columns.

void transform_rows(Team& team, const Lines& lines, Waves waves, Direction direction);
void transform_columns(Team& team, const Lines& lines, Waves waves, Direction direction);
void transmit(Team& team, const Lines& lines, Waves waves, Slice potential, std::span<const Offset> origins,
              float sigma);
void propagate(Team& team, const Lines& lines, Waves waves, const Propagator& propagator, Sense sense);
void transmit_adjoint(Team& team, const Lines& lines, Waves transmitted, Waves adjoint,
                      const SliceUpdate& update, std::span<const Offset> origins, float sigma, bool rewind);

} // namespace ptychoscale::cpu::fused
