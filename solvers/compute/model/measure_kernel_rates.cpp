#include "ptychoscale/compute/kernel_rates.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <limits>

namespace ptychoscale {
namespace {

double seconds_of(Backend& backend, const std::function<void()>& verb) {
  using Clock = std::chrono::steady_clock;
  constexpr int least_calls = 7;
  constexpr double least_seconds =
      0.03; // so that a pause of the machine cannot cover all calls of a short one
  double fastest = std::numeric_limits<double>::infinity();
  double total = 0;
  for (int call = 0; call <= least_calls || total < least_seconds; ++call) {
    backend.synchronize();
    const auto start = Clock::now();
    verb();
    backend.synchronize();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    total += seconds;
    if (call > 0) fastest = std::min(fastest, seconds); // the first warms up
  }
  return fastest;
}

/// Everything a verb can ask for on one n x n grid; zeros, which take as long as other numbers.
class Bench {
public:
  Bench(Backend& backend, int n)
      : backend_(backend), extent_{n, n}, waves_(backend, 3 * extent_.area(), MemoryLabel::waves),
        factor_(backend, static_cast<std::size_t>(n), MemoryLabel::waves),
        potential_(backend, extent_.area(), MemoryLabel::volume),
        other_(backend, extent_.area(), MemoryLabel::other) {
    backend.prepare(std::array{extent_});
  }

  [[nodiscard]] double seconds(Verb verb) {
    return seconds_of(backend_, [&] { call(verb); });
  }
  [[nodiscard]] std::size_t elements() const { return extent_.area(); }

private:
  void call(Verb verb);

  Backend& backend_;
  Extent extent_;
  Buffer<Complex> waves_;
  Buffer<Complex> factor_;
  Buffer<float> potential_, other_;
};

void Bench::call(Verb verb) {
  const Waves all{waves_.data(), 3, extent_};
  const Waves w = all.one(0);
  const Waves a = all.one(1);
  const Volume volume{potential_.data(), 1, extent_};
  const Slice slice = volume.slice(0);
  const SliceUpdate update{slice, other_.data(), 0};
  const Box box{0, extent_.y, 0, extent_.x};
  const int quarter = extent_.y / 4; // of the detector, as apertures are
  const Aperture aperture{all.one(2).data, {-quarter / 2, quarter / 2, -quarter / 2, quarter / 2}};
  static constexpr std::array<Offset, 1> origins{};
  static constexpr std::array<Backend::Shift, 1> shifts{};
  std::array<double, 1> loss{};
  switch (verb) {
  case Verb::transform_rows:
    return backend_.transform_rows(w, Direction::forward);
  case Verb::transform_columns:
    return backend_.transform_columns(w, Direction::forward);
  case Verb::transmit:
    return backend_.transmit(w, slice, origins, 1e-3F);
  case Verb::propagate:
    return backend_.propagate(w, {factor_.data(), factor_.data(), nullptr}, Sense::direct);
  case Verb::transmit_adjoint:
    return backend_.transmit_adjoint(w, a, update, origins, 1e-3F, false);
  case Verb::rewind:
    return backend_.transmit_adjoint(w, a, update, origins, 1e-3F, true);
  case Verb::shift_probe:
    return backend_.shift_probe(w, aperture, shifts);
  case Verb::place:
    return backend_.place(a, w, {});
  case Verb::amplitude_loss:
    return backend_.amplitude_loss(w, other_.data(), a, loss);
  case Verb::intensity:
    return backend_.intensity(w, other_.data());
  case Verb::transmission:
    return backend_.transmission(w, slice, origins, 1e-3F);
  case Verb::multiply:
    return backend_.multiply(w, a, Sense::direct);
  case Verb::phase_gradient:
    return backend_.phase_gradient(w, update, origins, 1e-3F);
  case Verb::axpy:
    return backend_.axpy(other_.data(), 0.5F, potential_.data(), potential_.size());
  case Verb::pack:
    return backend_.pack(other_.data(), volume, box, 0, 1);
  case Verb::unpack:
    return backend_.unpack(volume, other_.data(), box, 0, 1, Merging::add);
  case Verb::scale:
    return backend_.scale(volume, other_.data());
  }
}

} // namespace

KernelRates measure_kernel_rates(Backend& backend, std::span<const int> lengths) {
  KernelRates rates;
  rates.device = backend.description();
  for (const int n : lengths) {
    Bench bench(backend, n);
    for (std::size_t v = 0; v < verb_count; ++v)
      rates.samples[v].push_back({bench.elements(), bench.seconds(static_cast<Verb>(v))});
  }
  return rates;
}

} // namespace ptychoscale
