#pragma once

#include "../../lines/radices.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <vector>

// What the transforms of one length need, made once.
namespace ptychoscale::cpu::fused {

/// Whether lines of a length can be transformed; others go with FFTW.
[[nodiscard]] bool does_columns(int length);
[[nodiscard]] bool does_rows(int length);

/// The passes over a line that stays where it is. On the way there the first radix comes first, and every
/// pass leaves as many shorter lines as its radix, one behind the other; the way back undoes that.
struct Passes {
  int length = 0;
  lines::Radices radices;        ///< first pass first
  std::vector<Complex> twiddles; ///< exp(-2 pi i k j / n) at (n / radix) k + j, of the pass over lines of n
  std::vector<int> frequency;    ///< of each place, when all passes are done
};
[[nodiscard]] Passes make_passes(int length);

using ColumnTables = Passes;

/// A row x = lanes i + l is `lanes` lines of nx / lanes values side by side, as columns are; then the lanes
/// of as many frequencies k of these are transposed, and one more butterfly leaves the value
/// k + (nx / lanes) r of the row's transform in lane k of vector r: neighbours are neighbours there too.
struct RowTables {
  int length = 0;
  Passes lines;           ///< of nx / lanes
  std::vector<int> place; ///< [k]: where frequency k of the lines is
  struct alignas(64) Aligned {
    float values[16];
  };
  std::vector<Aligned> twiddles; ///< exp(-2 pi i k l / nx): [k][real, imaginary][row][l], the same for each
};
/// `rows` rows of `lanes` lanes are in a vector.
[[nodiscard]] RowTables make_row_tables(int length, int lanes, int rows);

} // namespace ptychoscale::cpu::fused
