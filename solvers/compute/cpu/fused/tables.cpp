#include "tables.hpp"

#include "../../lines/twiddles.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace ptychoscale::cpu::fused {
namespace {

constexpr int shortest = 18; // at least two passes
constexpr int longest = 2048;
/// Rows have whole vectors of this many lanes or fewer.
constexpr int most_row_lanes = 8;

/// A butterfly of 16 no longer fits into 16 or 32 registers, and takes as long as 1.6 passes of up to 8.
constexpr double passes_worth(const lines::Radices& r) {
  double all = 0;
  for (int p = 0; p < r.count; ++p) all += r.radix[p] > 8 ? 1.6 : 1;
  return all;
}
constexpr int sum(const lines::Radices& r) {
  int all = 0;
  for (int p = 0; p < r.count; ++p) all += r.radix[p];
  return all;
}

/// The radices that take the shortest; of these the most even.
lines::Radices radices_of(int n) {
  constexpr lines::Choice choice{
      .largest = 16, .without = {9, 10, 11, 12, 13, 14, 15}, .passes = lines::most_passes};
  return lines::best_radices(choice, n, [](const lines::Radices& a, const lines::Radices& b) {
    return passes_worth(a) != passes_worth(b) ? passes_worth(a) < passes_worth(b) : sum(a) < sum(b);
  });
}

bool is_smooth(int n) {
  for (const int prime : {2, 3, 5, 7})
    while (n % prime == 0) n /= prime;
  return n == 1;
}

int frequency_at(int place, int length, const lines::Radices& radices) {
  int frequency = 0;
  int weight = 1;
  for (int p = 0; p < radices.count; ++p) {
    const int rest = length / radices.radix[p];
    frequency += weight * (place / rest);
    place %= rest;
    length = rest;
    weight *= radices.radix[p];
  }
  return frequency;
}

} // namespace

bool does_columns(int length) { return length >= shortest && length <= longest && is_smooth(length); }
bool does_rows(int length) { return does_columns(length) && length % most_row_lanes == 0; }

Passes make_passes(int length) {
  // Ascending: the first and the last pass, which meet rows far apart, then have the fewest at once.
  Passes made{length, radices_of(length), {}, {}};
  made.twiddles = lines::twiddle_table(made.radices, lines::Order::descending);
  for (int place = 0; place < length; ++place)
    made.frequency.push_back(frequency_at(place, length, made.radices));
  return made;
}

RowTables make_row_tables(int length, int lanes, int rows) {
  const int m = length / lanes;
  const int vector = lanes * rows;
  RowTables made{length, make_passes(m), std::vector<int>(static_cast<std::size_t>(m)), {}};
  for (int place = 0; place < m; ++place)
    made.place[static_cast<std::size_t>(made.lines.frequency[static_cast<std::size_t>(place)])] = place;
  made.twiddles.resize((static_cast<std::size_t>(m) * static_cast<std::size_t>(2 * vector) + 15) / 16);
  float* values = made.twiddles.front().values;
  for (int k = 0; k < m; ++k, values += 2 * vector)
    for (int i = 0; i < vector; ++i) {
      const auto w = std::polar(1.0, -2 * std::numbers::pi * k * (i % lanes) / length);
      values[i] = static_cast<float>(w.real());
      values[vector + i] = static_cast<float>(w.imag());
    }
  return made;
}

} // namespace ptychoscale::cpu::fused
