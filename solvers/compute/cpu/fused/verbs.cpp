#include "verbs.hpp"

#include "../row_groups.hpp"
#include "../row_of.hpp"
#include "../row_on_slice.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ptychoscale::cpu::fused {
namespace {

/// Columns that one thread takes at a time: two cache lines of every row.
constexpr int block = LineFft::block;

/// body(columns, first x, scratch) on blocks of columns of all waves at once.
template <class Body> void for_blocks(Team& team, Waves waves, const Body& body) {
  const Extent e = waves.extent;
  const int blocks = (e.x + block - 1) / block;
#pragma omp parallel for num_threads(team.threads) schedule(static)
  for (int job = 0; job < waves.count * blocks; ++job) {
    const int x = job % blocks * block;
    const Columns columns{row_of(waves, job / blocks, 0) + x, e.x, std::min(block, e.x - x)};
    body(columns, x, team.my_scratch().columns.data());
  }
}

/// Where a thread keeps what: rows of the size of one that is transformed, one behind the other. The first
/// are the kernels' scratch.
enum Spare : std::ptrdiff_t { transmitted_row = 4, adjoint_row, volts_rows, gradient_rows };
static_assert(gradient_rows < LineFft::row_block);
Complex* spare(Scratch& s, Spare which, int nx) {
  return s.rows.data() + which * static_cast<std::ptrdiff_t>(nx);
}
float* spare_floats(Scratch& s, Spare which, int nx, int row) {
  return reinterpret_cast<float*>(spare(s, which, nx)) + row * static_cast<std::ptrdiff_t>(nx);
}

/// `count` rows from y on; where there is no second one but the kernels take two, zeros in `other`.
RowsOf<Complex> rows_from(const Lines& lines, Waves waves, int wave, int y, int count, Complex* other) {
  if (count < lines.kernels().rows_at_once) std::fill_n(other, waves.extent.x, Complex{});
  return {row_of(waves, wave, y), count > 1 ? row_of(waves, wave, y + 1) : other};
}

/// V under `count` rows from y on, 0 beside the slice: where it lies if the rows lie on the slice from end to
/// end. The second is the first where there is none.
RowsOf<const float> volts_under(Slice potential, Offset origin, int y, int count, int nx, Scratch& s) {
  RowsOf<const float> volts{};
  for (int i = 0; i < count; ++i) {
    const auto segment = segment_on(potential.extent, origin, y + i, nx);
    const float* on_slice = at(potential.data, potential.extent, segment);
    if (segment.n < nx) {
      float* row = spare_floats(s, volts_rows, nx, i);
      std::fill_n(row, nx, 0.0F);
      std::copy_n(on_slice, segment.n, row + segment.first);
      on_slice = row;
    }
    volts[static_cast<std::size_t>(i)] = on_slice;
  }
  if (count == 1) volts[1] = volts[0];
  return volts;
}

/// transmit_adjoint of one wave.
void adjoint_of_one(Team& team, const Lines& lines, Waves transmitted, Waves adjoint,
                    const SliceUpdate& update, Offset origin, float sigma, bool rewind) {
  const int nx = adjoint.extent.x;
  const float scale = 1.0F / static_cast<float>(nx);
  const auto& tables = lines.rows(nx);
  const auto range = [&](int) { return rows_on(update.potential.extent, origin, adjoint.extent); };
  for_row_groups(team, lines.kernels().rows_at_once, adjoint, range, [&](int, int y, int count, Scratch& s) {
    const RowsOf<float> gradient{spare_floats(s, gradient_rows, nx, 0),
                                 spare_floats(s, gradient_rows, nx, 1)};
    const AdjointRows job{.transmitted =
                              rows_from(lines, transmitted, 0, y, count, spare(s, transmitted_row, nx)),
                          .adjoint = rows_from(lines, adjoint, 0, y, count, spare(s, adjoint_row, nx)),
                          .volts = volts_under(update.potential, origin, y, count, nx, s),
                          .gradient = gradient,
                          .sigma = sigma,
                          .weight = -2 * sigma * scale * scale,
                          .rewind = rewind};
    lines.kernels().transmit_adjoint(tables, job, s.rows.data());
    for (int i = 0; i < count; ++i) {
      const auto segment = segment_on(update.potential.extent, origin, y + i, nx);
      deliver(update, segment, gradient[static_cast<std::size_t>(i)] + segment.first);
    }
  });
}

template <class Tables> const Tables& prepared(const std::map<int, Tables>& all, int length) {
  const auto found = all.find(length);
  if (found == all.end()) throw RunError(fmt::format("transform length {} was never prepared", length));
  return found->second;
}

} // namespace

void Lines::prepare(Extent e) {
  if (!does_columns(e.y))
    with_fftw_.insert(fmt::format("columns of {}", e.y));
  else if (!columns_.contains(e.y))
    columns_.emplace(e.y, make_passes(e.y));
  if (!does_rows(e.x))
    with_fftw_.insert(fmt::format("rows of {}", e.x));
  else if (!rows_.contains(e.x))
    rows_.emplace(e.x, make_row_tables(e.x, kernels_.row_lanes, kernels_.rows_at_once));
}

const ColumnTables& Lines::columns(int length) const { return prepared(columns_, length); }
const RowTables& Lines::rows(int length) const { return prepared(rows_, length); }

std::string Lines::description() const {
  std::string text = fmt::format("fused ({})", kernels_.instruction_set);
  if (!with_fftw_.empty()) text += fmt::format(" but fftw for {}", fmt::join(with_fftw_, " and "));
  return text;
}

void transform_rows(Team& team, const Lines& lines, Waves waves, Direction direction) {
  const int nx = waves.extent.x;
  const auto& tables = lines.rows(nx);
  const auto all = [&](int) { return Rows{0, waves.extent.y}; };
  for_row_groups(team, lines.kernels().rows_at_once, waves, all, [&](int wave, int y, int count, Scratch& s) {
    const auto rows = rows_from(lines, waves, wave, y, count, spare(s, transmitted_row, nx));
    lines.kernels().transform_rows(tables, rows, direction, s.rows.data());
  });
}

void transform_columns(Team& team, const Lines& lines, Waves waves, Direction direction) {
  const auto& tables = lines.columns(waves.extent.y);
  for_blocks(team, waves, [&](const Columns& columns, int, Complex* scratch) {
    lines.kernels().transform_columns(tables, columns, direction, scratch);
  });
}

void transmit(Team& team, const Lines& lines, Waves waves, Slice potential, std::span<const Offset> origins,
              float sigma) {
  const int nx = waves.extent.x;
  const auto& tables = lines.rows(nx);
  // Only the rows on the slice: in vacuum the transforms on both sides of a transmission cancel.
  const auto origin = [&](int wave) { return origins[static_cast<std::size_t>(wave)]; };
  const auto range = [&](int wave) { return rows_on(potential.extent, origin(wave), waves.extent); };
  for_row_groups(
      team, lines.kernels().rows_at_once, waves, range, [&](int wave, int y, int count, Scratch& s) {
        const TransmitRows job{rows_from(lines, waves, wave, y, count, spare(s, transmitted_row, nx)),
                               volts_under(potential, origin(wave), y, count, nx, s), sigma};
        lines.kernels().transmit(tables, job, s.rows.data());
      });
}

void propagate(Team& team, const Lines& lines, Waves waves, const Propagator& p, Sense sense) {
  const auto& tables = lines.columns(waves.extent.y);
  const float scale = 1.0F / static_cast<float>(waves.extent.y);
  for_blocks(team, waves, [&](const Columns& columns, int x, Complex* scratch) {
    const PropagatorOn on{p.y,           p.x + x, p.mask == nullptr ? nullptr : p.mask + x,
                          columns.pitch, scale,   sense};
    lines.kernels().propagate(tables, columns, on, scratch);
  });
}

void transmit_adjoint(Team& team, const Lines& lines, Waves transmitted, Waves adjoint,
                      const SliceUpdate& update, std::span<const Offset> origins, float sigma, bool rewind) {
  // One after the other, so that gradients of overlapping waves add in a fixed order.
  for (int i = 0; i < adjoint.count; ++i)
    adjoint_of_one(team, lines, transmitted.one(i), adjoint.one(i), update,
                   origins[static_cast<std::size_t>(i)], sigma, rewind);
}

} // namespace ptychoscale::cpu::fused
