#pragma once

#include "host_device.hpp"

/// Into which radices a line's transform is divided, one pass for each. Which are best, each kind of
/// processor says for itself.
namespace ptychoscale::lines {

inline constexpr int most_passes = 8;
struct Radices {
  int count = 0;
  int radix[most_passes] = {};
};

/// What a search may choose from: radices up to `largest` but those `without`, at most `passes` of them.
struct Choice {
  int largest = 0;
  int without[8] = {};
  int passes = 0;
  [[nodiscard]] constexpr bool has(int radix) const {
    for (const int r : without)
      if (r == radix) return false;
    return true;
  }
};

/// Tries every non-decreasing sequence of radices whose product is `rest`, behind those chosen so far;
/// better(a, b): whether a is better than the best until now, which begins as none.
template <class Better>
constexpr void search_radices(const Choice& choice, int rest, const Radices& chosen, Radices& best,
                              const Better& better) {
  if (rest == 1) {
    if (best.count == 0 || better(chosen, best)) best = chosen;
    return;
  }
  if (chosen.count == choice.passes) return;
  const int least = chosen.count == 0 ? 2 : chosen.radix[chosen.count - 1];
  for (int radix = least; radix <= choice.largest; ++radix) {
    if (rest % radix != 0 || !choice.has(radix)) continue;
    Radices longer = chosen;
    longer.radix[longer.count++] = radix;
    search_radices(choice, rest / radix, longer, best, better);
  }
}

/// The best radices of a length, ascending; none where there are none.
template <class Better> constexpr Radices best_radices(const Choice& choice, int n, const Better& better) {
  Radices best;
  search_radices(choice, n, {}, best, better);
  return best;
}

/// Radices ascending, or descending. A transform that ends with the radix with which the next one begins
/// leaves every value where it is needed next.
enum class Order { ascending, descending };

PTYCHOSCALE_HD constexpr int radix_of(const Radices& r, Order order, int pass) {
  return r.radix[order == Order::ascending ? pass : r.count - 1 - pass];
}
/// Product of the radices of the passes before.
PTYCHOSCALE_HD constexpr int stride_of(const Radices& r, Order order, int pass) {
  int stride = 1;
  for (int p = 0; p < pass; ++p) stride *= radix_of(r, order, p);
  return stride;
}

} // namespace ptychoscale::lines
