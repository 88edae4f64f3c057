#include "ptychoscale/multislice/multislice.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <numeric>
#include <random>

namespace ptychoscale {
namespace {

/// weight * exp(-i pi lambda dz k^2) along one axis; the two axes' factors multiply to the Fresnel
/// propagator.
std::vector<Complex> fresnel_factor(int n, double pixel_A, double wavelength_A, double distance_A,
                                    double weight) {
  std::vector<Complex> factor;
  for (int i = 0; i < n; ++i) {
    const double k = static_cast<double>(signed_frequency(i, n)) / (n * pixel_A);
    factor.emplace_back(std::polar(weight, -std::numbers::pi * wavelength_A * distance_A * k * k));
  }
  return factor;
}

template <class T> Buffer<T> upload(Backend& backend, std::span<const T> host) {
  Buffer<T> buffer(backend, host.size(), MemoryLabel::waves);
  buffer.upload(host);
  return buffer;
}

void check(const MultisliceParameters& p) {
  if (p.bandwidth == Bandwidth::two_thirds && p.adjoint == Adjoint::reverse)
    throw InputError("adjoint: 'reverse' needs a unitary step, which the bandwidth limit 'two_thirds' "
                     "breaks; use 'store' or 'checkpoint'");
  if (p.grid_kind == GridKind::window && p.grid != p.detector)
    throw RunError("the window grid must have the detector's extent");
}

/// Slices between kept waves: every one, about the square root of them, or none at all.
int keep_interval(const MultisliceParameters& p) {
  switch (p.adjoint) {
  case Adjoint::store:
    return 1;
  case Adjoint::checkpoint:
    return static_cast<int>(std::ceil(std::sqrt(static_cast<double>(p.slices))));
  case Adjoint::reverse:
    return 0;
  }
  return 0;
}

} // namespace

ProbePlacement place_probe(Position position, PixelSize pixel, Extent detector) {
  const double y = position.y / pixel.y;
  const double x = position.x / pixel.x;
  const Offset window{static_cast<int>(std::lround(y)) - detector.y / 2,
                      static_cast<int>(std::lround(x)) - detector.x / 2};
  return {window, {y - window.y, x - window.x}};
}

/// Where the waves are along the slices: without a bandwidth limit, "at slice s" means just BEHIND its
/// transmission, in the mixed representation, so that a slice step is rows (IFFT t FFT) and columns (FFT P
/// IFFT) only. With a limit it means just IN FRONT of it, in real space, because the limited transmission
/// function is itself made by transforms.
struct Multislice::State {
  Backend& backend;
  MultisliceParameters p;
  bool limited;
  int batch;
  int interval;

  Box aperture;          ///< signed frequencies that the probe has
  Buffer<Complex> probe; ///< [ky][kx] of the aperture
  Buffer<Complex> fresnel_y, fresnel_x, one_y, one_x;
  Buffer<float> mask;
  Buffer<Complex> pair;      ///< [2][active][y][x] on the grid: the waves, then their adjoints
  Buffer<Complex> detector;  ///< the same on the detector's window (tile grid only)
  Buffer<Complex> kept;      ///< waves at slices 0, interval, 2 interval, ..
  Buffer<Complex> segment;   ///< waves at the slices between two kept ones
  Buffer<Complex> limited_t; ///< [2][active][y][x]: transmission function and its adjoint
  Buffer<float> pattern;     ///< intensities [active][ky][kx], made when first asked for

  int active = 0;              ///< waves in use
  std::vector<Offset> origins; ///< of the grid on the tile, per wave
  std::vector<Offset> windows; ///< of the detector's window on the grid, per wave (tile grid only)

  /// What the verbs of a sweep are given, beside the origins and as many waves as there are.
  struct SweepArguments {
    Volume potential;
    Volume gradient;
    float step = 0;
    bool operator==(const SweepArguments&) const = default;
  };
  struct RecordedSweep {
    SweepArguments arguments;
    Recording recording;
  };
  using RecordedSweeps = std::map<int, RecordedSweep>; ///< by the number of waves
  RecordedSweeps forward_sweeps, backward_sweeps;

  State(Backend& b, const MultisliceParameters& parameters, const ApertureProbe& lit, int batch_size);

  [[nodiscard]] bool tile() const { return p.grid_kind == GridKind::tile; }
  [[nodiscard]] Waves waves_of(const Buffer<Complex>& buffer, Extent extent, int part) const {
    return {buffer.data() + static_cast<std::size_t>(part) * static_cast<std::size_t>(active) * extent.area(),
            active, extent};
  }
  /// The waves and behind them their adjoints, for verbs that treat all alike.
  [[nodiscard]] Waves psi_and_chi() const { return {pair.data(), 2 * active, p.grid}; }
  [[nodiscard]] Waves psi() const { return waves_of(pair, p.grid, 0); }
  [[nodiscard]] Waves chi() const { return waves_of(pair, p.grid, 1); }
  [[nodiscard]] Waves detector_psi() const { return tile() ? waves_of(detector, p.detector, 0) : psi(); }
  [[nodiscard]] Waves detector_chi() const { return tile() ? waves_of(detector, p.detector, 1) : chi(); }
  [[nodiscard]] Waves t() const { return waves_of(limited_t, p.grid, 0); }
  [[nodiscard]] Waves dt() const { return waves_of(limited_t, p.grid, 1); }
  [[nodiscard]] float sigma() const { return static_cast<float>(p.sigma); }
  [[nodiscard]] Propagator fresnel() const { return {fresnel_y.data(), fresnel_x.data(), mask.data()}; }
  [[nodiscard]] Propagator limit() const { return {one_y.data(), one_x.data(), mask.data()}; }
  [[nodiscard]] double transform_gain();
  [[nodiscard]] bool keeps(int s) const { return interval > 0 && s % interval == 0; }

  void to_real(Waves w) { backend.transform_rows(w, Direction::inverse); }
  void to_mixed(Waves w) { backend.transform_rows(w, Direction::forward); }
  void copy(Waves to, Waves from) { backend.place(to, from, {}); }
  void place_each(Waves to, Waves from, int sign);

  void load_positions(Offset tile_origin, std::span<const Position> positions);
  void load_incident(Offset origin, std::span<const Complex> incident);
  void transmission(Slice potential);
  void propagate_real(Waves w, const Propagator& propagator, Sense sense);
  void enter(Waves w, Volume potential);
  void advance(Waves w, Volume potential, int s);
  void leave(Waves w, Volume potential);
  void replay(RecordedSweeps& sweeps, const SweepArguments& arguments, const std::function<void()>& sweep);
  void forward(Volume potential);
  void to_detector();
  void from_detector();
  void backward(Volume potential, Volume gradient, float step);
  void retreat(Waves behind, const SliceUpdate& update, int s, bool rewind);
  double losses(Amplitudes amplitudes);
  double loss_and_gradient(Volume potential, Volume gradient, Amplitudes amplitudes, float step);
};

Multislice::State::State(Backend& b, const MultisliceParameters& parameters, const ApertureProbe& lit,
                         int batch_size)
    : backend(b), p(parameters), limited(p.bandwidth == Bandwidth::two_thirds), batch(batch_size),
      interval(keep_interval(p)) {
  check(p);
  const auto grid = p.grid.area() * static_cast<std::size_t>(batch);
  const auto waves = [&](std::size_t n) { return Buffer<Complex>(backend, n, MemoryLabel::waves); };
  backend.prepare(std::array{p.grid, p.detector});
  aperture = lit.box;
  probe = upload<Complex>(backend, lit.values);
  pair = waves(2 * grid);
  one_y = upload<Complex>(backend, std::vector<Complex>(static_cast<std::size_t>(p.grid.y), Complex{1}));
  one_x = upload<Complex>(backend, std::vector<Complex>(static_cast<std::size_t>(p.grid.x), Complex{1}));
  const double unity = 1 / transform_gain();
  fresnel_y = upload<Complex>(
      backend, fresnel_factor(p.grid.y, p.pixel.y, p.wavelength_A, p.slice_thickness_A, unity));
  fresnel_x =
      upload<Complex>(backend, fresnel_factor(p.grid.x, p.pixel.x, p.wavelength_A, p.slice_thickness_A, 1));
  if (tile()) detector = waves(2 * p.detector.area() * static_cast<std::size_t>(batch));
  if (interval > 0) {
    const int checkpoints = (p.slices + interval - 1) / interval;
    kept = waves(grid * static_cast<std::size_t>(checkpoints));
    segment = waves(grid * static_cast<std::size_t>(interval - 1));
  }
  if (limited) {
    mask = upload<float>(backend, bandwidth_mask(p.grid, p.pixel, p.bandwidth_cutoff, p.bandwidth_taper));
    limited_t = waves(2 * grid);
  }
}

/// Factor by which a pair of fp32 transforms, forward and inverse, changes the norm of a wave: about 1 -
/// 8e-8, because rounded twiddle factors err the same way every time. Over many slices that would be the
/// largest error of all, so the propagator takes it back.
double Multislice::State::transform_gain() {
  if (!backend.computes()) return 1;
  active = 1;
  std::vector<Complex> host(p.grid.area());
  std::minstd_rand random(1);
  const auto uniform = [&] { return static_cast<float>(random()) / 2147483647.0F - 0.5F; };
  for (auto& w : host) w = {uniform(), uniform()};
  const auto power = [&] {
    return std::accumulate(host.begin(), host.end(), 0.0,
                           [](double sum, Complex w) { return sum + std::norm(std::complex<double>(w)); });
  };
  const double before = power();
  backend.to_device(psi().data, host.data(), host.size() * sizeof(Complex));
  propagate_real(psi(), {one_y.data(), one_x.data(), nullptr}, Sense::direct);
  backend.to_host(host.data(), psi().data, host.size() * sizeof(Complex));
  return std::sqrt(power() / before);
}

/// Embeds windows in the grid (sign -1) or crops them from it (sign +1), wave by wave.
void Multislice::State::place_each(Waves to, Waves from, int sign) {
  for (int i = 0; i < active; ++i) {
    const auto w = windows[static_cast<std::size_t>(i)];
    backend.place(to.one(i), from.one(i), {sign * w.y, sign * w.x});
  }
}

void Multislice::State::load_positions(Offset tile_origin, std::span<const Position> positions) {
  active = static_cast<int>(positions.size());
  origins.clear();
  windows.clear();
  std::vector<Backend::Shift> shifts;
  for (const auto& position : positions) {
    const auto placed = place_probe(position, p.pixel, p.detector);
    const Offset on_tile{placed.window.y - tile_origin.y, placed.window.x - tile_origin.x};
    origins.push_back(tile() ? Offset{} : on_tile);
    windows.push_back(on_tile);
    shifts.push_back(placed.shift);
  }
  const Waves entrance = detector_psi();
  backend.shift_probe(entrance, {probe.data(), aperture}, shifts);
  backend.transform_columns(entrance, Direction::inverse);
  if (tile() || limited) to_real(entrance);
  if (tile()) place_each(psi(), entrance, -1);
  if (tile() && !limited) to_mixed(psi());
}

void Multislice::State::load_incident(Offset origin, std::span<const Complex> incident) {
  if (tile()) throw RunError("given incident waves need the window grid");
  active = static_cast<int>(incident.size() / p.grid.area());
  origins.assign(static_cast<std::size_t>(active), origin);
  backend.to_device(psi().data, incident.data(), incident.size_bytes());
  if (!limited) to_mixed(psi());
}

void Multislice::State::propagate_real(Waves w, const Propagator& propagator, Sense sense) {
  to_mixed(w);
  backend.propagate(w, propagator, sense);
  to_real(w);
}

/// The bandwidth-limited transmission function of a slice, in t().
void Multislice::State::transmission(Slice potential) {
  backend.transmission(t(), potential, origins, sigma());
  propagate_real(t(), limit(), Sense::direct);
}

/// Incident waves -> at slice 0.
void Multislice::State::enter(Waves w, Volume potential) {
  if (!limited) backend.transmit(w, potential.slice(0), origins, sigma());
}

/// At slice s -> at slice s + 1.
void Multislice::State::advance(Waves w, Volume potential, int s) {
  if (limited) {
    transmission(potential.slice(s));
    backend.multiply(w, t(), Sense::direct);
    propagate_real(w, fresnel(), Sense::direct);
  } else {
    backend.propagate(w, fresnel(), Sense::direct);
    backend.transmit(w, potential.slice(s + 1), origins, sigma());
  }
}

/// At the last slice -> behind the specimen, one slice thickness further, in the mixed representation. On an
/// unlimited window the last propagation would change phases in reciprocal space only, which the detector
/// does not see: it is left out.
void Multislice::State::leave(Waves w, Volume potential) {
  if (limited) {
    advance(w, potential, p.slices - 1);
    to_mixed(w);
  } else if (tile()) {
    backend.propagate(w, fresnel(), Sense::direct);
  }
}

/// Runs a sweep, of which the backend may start a recording as long as the arguments stay the same.
void Multislice::State::replay(RecordedSweeps& sweeps, const SweepArguments& arguments,
                               const std::function<void()>& sweep) {
  auto& recorded = sweeps[active];
  if (recorded.arguments != arguments) recorded = {arguments, {}};
  backend.replay(recorded.recording, origins, sweep);
}

void Multislice::State::forward(Volume potential) {
  const Waves w = psi();
  enter(w, potential);
  for (int s = 0;; ++s) {
    if (keeps(s)) copy(waves_of(kept, p.grid, s / interval), w);
    if (s + 1 == p.slices) break;
    advance(w, potential, s);
  }
  leave(w, potential);
}

void Multislice::State::to_detector() {
  if (tile()) {
    to_real(psi());
    place_each(detector_psi(), psi(), +1);
    if (!limited) to_mixed(psi());
    to_mixed(detector_psi());
  }
  backend.transform_columns(detector_psi(), Direction::forward);
}

/// The adjoint of to_detector() for chi; psi returns to where leave() ended.
void Multislice::State::from_detector() {
  if (tile()) {
    backend.transform_columns(detector_chi(), Direction::inverse);
    to_real(detector_chi());
    place_each(chi(), detector_chi(), -1);
    to_mixed(chi());
  } else {
    backend.transform_columns(interval == 0 ? psi_and_chi() : chi(), Direction::inverse);
  }
}

/// One slice of the backward sweep: chi goes from "just behind the transmission" to "just in front of it",
/// the slice's gradient to `update`. `behind` are the waves at the slice.
void Multislice::State::retreat(Waves behind, const SliceUpdate& update, int s, bool rewind) {
  if (!limited) {
    backend.transmit_adjoint(behind, chi(), update, origins, sigma(), rewind && s > 0);
    return;
  }
  transmission(update.potential);
  copy(dt(), chi());
  backend.multiply(dt(), behind, Sense::conjugate);
  propagate_real(dt(), limit(), Sense::conjugate);
  backend.multiply(chi(), t(), Sense::conjugate);
  backend.phase_gradient(dt(), update, origins, sigma());
}

void Multislice::State::backward(Volume potential, Volume gradient, float step) {
  const bool rewind = interval == 0;
  const bool propagated_last = limited || tile();
  const auto back_propagate = [&] {
    if (limited) {
      propagate_real(chi(), fresnel(), Sense::conjugate);
    } else {
      backend.propagate(rewind ? psi_and_chi() : chi(), fresnel(), Sense::conjugate);
    }
  };
  if (limited) to_real(chi());
  for (int s = p.slices - 1; s >= 0; --s) {
    if (s + 1 < p.slices || propagated_last) back_propagate();
    Waves behind = psi();
    if (!rewind) {
      const int first = s / interval * interval;
      const auto at = [&](int i) {
        return i == first ? waves_of(kept, p.grid, first / interval)
                          : waves_of(segment, p.grid, i - first - 1);
      };
      const bool entering_segment = s + 1 == p.slices || keeps(s + 1);
      for (int i = first + 1; entering_segment && i <= s; ++i) {
        copy(at(i), at(i - 1));
        advance(at(i), potential, i - 1);
      }
      behind = at(s);
    }
    float* g = gradient.data != nullptr ? gradient.slice(s).data : nullptr;
    retreat(behind, {potential.slice(s), g, step}, s, rewind);
  }
}

double Multislice::State::losses(Amplitudes amplitudes) {
  std::vector<double> each(static_cast<std::size_t>(active));
  backend.amplitude_loss(detector_psi(), amplitudes, detector_chi(), each);
  return std::accumulate(each.begin(), each.end(), 0.0);
}

double Multislice::State::loss_and_gradient(Volume potential, Volume gradient, Amplitudes amplitudes,
                                            float step) {
  if (step != 0 && active != 1) throw RunError("a local step is for one position at a time");
  replay(forward_sweeps, {potential, {}, 0}, [&] { forward(potential); });
  to_detector();
  const double loss = losses(amplitudes);
  from_detector();
  replay(backward_sweeps, {potential, gradient, step}, [&] { backward(potential, gradient, step); });
  return loss;
}

Multislice::Multislice(Backend& backend, const MultisliceParameters& parameters,
                       std::span<const Complex> probe, int batch)
    : Multislice(backend, parameters, crop_to_aperture(probe, parameters.detector), batch) {}
Multislice::Multislice(Backend& backend, const MultisliceParameters& parameters, const ApertureProbe& probe,
                       int batch)
    : state_(std::make_unique<State>(backend, parameters, probe, batch)) {}
Multislice::~Multislice() = default;
Multislice::Multislice(Multislice&&) noexcept = default;

void Multislice::intensities(Volume potential, Offset tile_origin, std::span<const Position> positions,
                             std::span<float> intensities) {
  auto& st = *state_;
  st.load_positions(tile_origin, positions);
  st.replay(st.forward_sweeps, {potential, {}, 0}, [&] { st.forward(potential); });
  st.to_detector();
  const auto pixels = st.detector_psi().size();
  if (st.pattern.size() < pixels) st.pattern = {st.backend, pixels, MemoryLabel::waves};
  st.backend.intensity(st.detector_psi(), st.pattern.data());
  st.pattern.download(intensities);
}

double Multislice::loss_and_gradient(Volume potential, Volume gradient, Offset tile_origin,
                                     std::span<const Position> positions, Amplitudes amplitudes, float step) {
  state_->load_positions(tile_origin, positions);
  return state_->loss_and_gradient(potential, gradient, amplitudes, step);
}

double Multislice::loss_and_gradient(Volume potential, Volume gradient, Offset origin,
                                     std::span<const Complex> incident, std::span<const float> amplitudes) {
  Buffer<float> measured(state_->backend, amplitudes.size(), MemoryLabel::measurements);
  measured.upload(amplitudes);
  state_->load_incident(origin, incident);
  return state_->loss_and_gradient(potential, gradient, measured.data(), 0);
}

std::vector<Complex> Multislice::slice_waves(Volume potential, Offset origin,
                                             std::span<const Complex> incident) {
  auto& st = *state_;
  st.load_incident(origin, incident);
  std::vector<Complex> after;
  std::vector<Complex> host(st.p.grid.area());
  for (int s = 0; s < st.p.slices; ++s) {
    const Waves w = st.psi();
    if (st.limited) {
      st.advance(w, potential, s);
    } else {
      st.backend.transmit(w, potential.slice(s), st.origins, st.sigma());
      st.backend.propagate(w, st.fresnel(), Sense::direct);
      st.to_real(w);
    }
    st.backend.to_host(host.data(), w.data, host.size() * sizeof(Complex));
    after.insert(after.end(), host.begin(), host.end());
    if (!st.limited) st.to_mixed(w);
  }
  return after;
}

double Multislice::vacuum_loss(Amplitudes amplitudes) {
  auto& st = *state_;
  st.active = 1;
  const Backend::Shift centred{};
  st.backend.shift_probe(st.detector_psi(), {st.probe.data(), st.aperture}, {&centred, 1});
  return st.losses(amplitudes);
}

void Multislice::for_each_vacuum_wave(const std::function<void(const Complex*)>& body) {
  auto& st = *state_;
  st.active = 1;
  const Backend::Shift centred{static_cast<double>(st.p.detector.y / 2),
                               static_cast<double>(st.p.detector.x / 2)};
  const Waves w = st.psi();
  st.backend.shift_probe(w, {st.probe.data(), st.aperture}, {&centred, 1});
  st.backend.transform_columns(w, Direction::inverse);
  std::vector<Complex> host(w.size());
  for (int s = 0; s <= st.p.slices; ++s) {
    if (s > 0) st.backend.propagate(w, st.fresnel(), Sense::direct);
    st.to_real(w);
    st.backend.to_host(host.data(), w.data, host.size() * sizeof(Complex));
    body(host.data());
    st.to_mixed(w);
  }
}

} // namespace ptychoscale
