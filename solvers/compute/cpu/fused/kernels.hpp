#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "tables.hpp"

#include <array>
#include <cstddef>
#include <vector>

/// Slice steps with lines side by side in vector registers, real and imaginary parts apart: a line is read
/// once, worked on in a cache, and written once. Compiled for several instruction sets, chosen at run time.
namespace ptychoscale::cpu::fused {

/// Columns [0, count) of neighbours from `first` on, rows `pitch` apart.
struct Columns {
  Complex* first;
  std::ptrdiff_t pitch;
  int count;
};

/// A propagator on some columns: y[ky] * x[0, columns), times the mask, whose rows are `pitch` apart.
struct PropagatorOn {
  const Complex* y;
  const Complex* x;
  const float* mask; ///< or none
  std::ptrdiff_t pitch;
  float scale;
  Sense sense;
};

/// As many rows as are worked on together, one or two; with fewer at hand, memory that nobody needs stands
/// in.
template <class T> using RowsOf = std::array<T*, 2>;

/// Rows through a slice: row <- FFT[exp(i sigma V) IFFT[row]].
struct TransmitRows {
  RowsOf<Complex> rows;
  RowsOf<const float> volts; ///< V under the rows, [nx]
  float sigma;
};

/// Its adjoint: g = weight * Im[conj(adjoint) transmitted], for transforms that are not scaled.
struct AdjointRows {
  RowsOf<Complex> transmitted;
  RowsOf<Complex> adjoint;
  RowsOf<const float> volts;
  RowsOf<float> gradient; ///< g goes here, [nx]
  float sigma;
  float weight;
  bool rewind;
};

/// The functions for one instruction set. `scratch` is 64-byte aligned, of columns_at_once * ny elements for
/// columns, rows_at_once * nx for rows, and twice that for the adjoint.
struct KernelSet {
  const char* instruction_set;
  int columns_at_once;
  int rows_at_once;
  int row_lanes; ///< lanes that share a row, see RowTables
  void (*transform_columns)(const ColumnTables&, const Columns&, Direction, Complex* scratch);
  void (*propagate)(const ColumnTables&, const Columns&, const PropagatorOn&, Complex* scratch);
  void (*transform_rows)(const RowTables&, const RowsOf<Complex>&, Direction, Complex* scratch);
  void (*transmit)(const RowTables&, const TransmitRows&, Complex* scratch);
  void (*transmit_adjoint)(const RowTables&, const AdjointRows&, Complex* scratch);
};

/// Those for the best instruction set that this processor has.
[[nodiscard]] KernelSet best_kernels();
/// Those for every instruction set that this processor has, best first.
[[nodiscard]] std::vector<KernelSet> all_kernels();

} // namespace ptychoscale::cpu::fused
