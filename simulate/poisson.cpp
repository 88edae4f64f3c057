#include "poisson.hpp"

#include "counter_random.hpp"

#include <cmath>

namespace ptychoscale {
namespace {

// ln k! by Stirling's series, carried up from k >= 10, where it is good to 1e-10.
double log_factorial(double k) {
  double product = 1;
  for (; k < 10; ++k) product *= k + 1;
  const double k2 = k * k;
  const double series = (1.0 / 12 - (1.0 / 360 - 1.0 / (1260 * k2)) / k2) / k;
  return (k + 0.5) * std::log(k) - k + 0.918938533204672742 + series - std::log(product);
}

double by_inversion(double mean, double u) {
  double count = 0;
  double probability = std::exp(-mean);
  double below = probability;
  while (u > below && probability > 1e-20) {
    ++count;
    probability *= mean / count;
    below += probability;
  }
  return count;
}

struct Rejection {
  explicit Rejection(double m)
      : mean(m), log_mean(std::log(m)), b(0.931 + 2.53 * std::sqrt(m)), a(-0.059 + 0.02483 * b),
        inverse_alpha(1.1239 + 1.1328 / (b - 3.4)), squeeze(0.9277 - 3.6224 / (b - 2)) {}

  // The candidate of one pair of uniform numbers, or -1 when it is rejected.
  [[nodiscard]] double attempt(double u, double v) const {
    const double centred = u - 0.5;
    const double us = 0.5 - std::abs(centred);
    const double count = std::floor((2 * a / us + b) * centred + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return count;
    if (count < 0 || (us < 0.013 && v > us)) return -1;
    const double bound = count * log_mean - mean - log_factorial(count);
    return std::log(v * inverse_alpha / (a / (us * us) + b)) <= bound ? count : -1;
  }

  double mean, log_mean, b, a, inverse_alpha, squeeze;
};

} // namespace

double poisson(double mean, std::uint64_t seed, std::array<std::uint32_t, 3> stream) {
  const auto words = [&](std::uint32_t draw) {
    return philox({stream[0], stream[1], stream[2], draw}, seed);
  };
  if (!(mean > 0)) return 0;
  if (mean < 10) {
    const auto w = words(0);
    return by_inversion(mean, uniform(w[0], w[1]));
  }
  const Rejection rejection(mean);
  for (std::uint32_t draw = 0;; ++draw) {
    const auto w = words(draw);
    const double count = rejection.attempt(uniform(w[0], w[1]), uniform(w[2], w[3]));
    if (count >= 0) return count;
  }
}

} // namespace ptychoscale
