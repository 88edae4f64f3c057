#include "ptychoscale/multislice/multislice.hpp"

#include "detector_windows.hpp"
#include "ptychoscale/base/error.hpp"
#include "recorded_sweep.hpp"
#include "sweeps.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

namespace ptychoscale {
namespace {

void check(const MultisliceParameters& p) {
  if (p.bandwidth == Bandwidth::two_thirds && p.adjoint == Adjoint::reverse)
    throw InputError("adjoint: 'reverse' needs a unitary step, which the bandwidth limit 'two_thirds' "
                     "breaks; use 'store' or 'checkpoint'");
  if (p.grid_kind == GridKind::window && p.grid != p.detector)
    throw RunError("the window grid must have the detector's extent");
}

} // namespace

/// The M modes of a probe go side by side through the specimen, as the positions of a batch do: with psi, chi
/// and K kept waves that is 8 (2 + K) M bytes per pixel of the grid. One mode after the other would need 8 (M
/// + 1 + K) for psi as each left the specimen and one chi, but where every position makes a step it must not
/// come before the last mode's gradient, which takes 4 S bytes for S slices, 100 against the 8 (M - 1) saved;
/// and M times as many calls. As it is a step waits for one slice, `sum`: 4 bytes per pixel of the tile.
struct Multislice::State {
  Backend& backend;
  MultisliceParameters p;
  int modes;
  WaveStack waves; ///< psi, chi on the grid
  DetectorWindows windows;
  Sweeps sweeps;
  RecordedSweep forward, backward;
  Buffer<float> pattern; ///< intensities [active][ky][kx], made when first asked for
  Buffer<float> sum;     ///< VolumeUpdate's, made when first needed

  int active = 1;              ///< waves in use, [mode][position]
  int patterns = 1;            ///< that they add up to
  std::vector<Offset> origins; ///< of the grid on the tile, per wave

  State(Backend& b, const MultisliceParameters& parameters, const ApertureProbe& probe, int batch)
      : backend(b), p(parameters), modes(probe.modes()), waves(b, 2, batch * modes, p.grid),
        windows(b, p, probe, batch), sweeps(b, p, batch * modes, waves.part(0, 1)) {}

  [[nodiscard]] Beam beam() const { return {waves.part(0, active), waves.part(1, active), origins}; }
  [[nodiscard]] Beam at_detector() const { return windows.of(beam()); }

  void use(int positions) {
    active = positions * modes;
    patterns = positions;
  }
  void load_positions(Offset tile_origin, std::span<const Position> positions);
  void load_incident(Offset origin, std::span<const Complex> incident);
  void forward_model(Volume potential);
  double losses(Amplitudes amplitudes);
  double loss_and_gradient(VolumeUpdate update, Amplitudes amplitudes, Complex* probe_gradient);
  [[nodiscard]] float* sum_over(Extent slice);
  void download_real(Waves w, bool mixed, std::span<Complex> host);
};

void Multislice::State::load_positions(Offset tile_origin, std::span<const Position> positions) {
  use(static_cast<int>(positions.size()));
  origins.clear();
  std::vector<ProbePlacement> placed;
  for (const auto& position : positions) {
    auto [window, shift] = place_probe(position, p.pixel, p.detector);
    window = {window.y - tile_origin.y, window.x - tile_origin.x};
    placed.push_back({window, shift});
  }
  for (int mode = 0; mode < modes; ++mode)
    for (const auto& one : placed) origins.push_back(p.grid_kind == GridKind::tile ? Offset{} : one.window);
  windows.illuminate(beam(), placed);
}

void Multislice::State::load_incident(Offset origin, std::span<const Complex> incident) {
  if (p.grid_kind == GridKind::tile) throw RunError("given incident waves need the window grid");
  active = patterns = static_cast<int>(incident.size() / p.grid.area());
  origins.assign(static_cast<std::size_t>(active), origin);
  const Waves psi = beam().psi;
  backend.to_device(psi.data, incident.data(), incident.size_bytes());
  if (!real_at_slices(p)) backend.transform_rows(psi, Direction::forward);
}

void Multislice::State::forward_model(Volume potential) {
  forward.replay(backend, beam(), {potential, {}, 0}, [&] { sweeps.forward(beam(), potential); });
  windows.to_detector(beam());
}

double Multislice::State::losses(Amplitudes amplitudes) {
  std::vector<double> each(static_cast<std::size_t>(patterns));
  const Beam detected = at_detector();
  backend.amplitude_loss(detected.psi, amplitudes, detected.chi, each);
  return std::accumulate(each.begin(), each.end(), 0.0);
}

float* Multislice::State::sum_over(Extent slice) {
  if (sum.size() != slice.area()) sum = {backend, slice.area(), MemoryLabel::accumulation};
  return sum.data();
}

double Multislice::State::loss_and_gradient(VolumeUpdate update, Amplitudes amplitudes,
                                            Complex* probe_gradient) {
  if (update.step != 0 && patterns != 1) throw RunError("a local step is for one position at a time");
  if (update.step != 0 && active > 1) update.sum = sum_over(update.potential.extent);
  forward_model(update.potential);
  const double loss = losses(amplitudes);
  windows.from_detector(beam(), sweeps.backward_waves(beam()));
  backward.replay(backend, beam(), update, [&] { sweeps.backward(beam(), update); });
  if (probe_gradient != nullptr) windows.gather_probe(beam(), probe_gradient);
  return loss;
}

/// Brings waves to the host in real space and leaves them as they are.
void Multislice::State::download_real(Waves w, bool mixed, std::span<Complex> host) {
  if (mixed) backend.transform_rows(w, Direction::inverse);
  backend.to_host(host.data(), w.data, host.size_bytes());
  if (mixed) backend.transform_rows(w, Direction::forward);
}

Multislice::Multislice(Backend& backend, const MultisliceParameters& parameters,
                       std::span<const Complex> probe, int batch)
    : Multislice(backend, parameters, crop_to_aperture(probe, parameters.detector), batch) {}
Multislice::Multislice(Backend& backend, const MultisliceParameters& parameters, const ApertureProbe& probe,
                       int batch) {
  check(parameters);
  backend.prepare(std::array{parameters.grid, parameters.detector});
  state_ = std::make_unique<State>(backend, parameters, probe, batch);
}
Multislice::~Multislice() = default;
Multislice::Multislice(Multislice&&) noexcept = default;

void Multislice::intensities(Volume potential, Offset tile_origin, std::span<const Position> positions,
                             std::span<float> intensities) {
  auto& st = *state_;
  st.load_positions(tile_origin, positions);
  st.forward_model(potential);
  const Waves detected = st.at_detector().psi;
  if (st.pattern.size() < detected.size()) st.pattern = {st.backend, detected.size(), MemoryLabel::waves};
  st.backend.intensity(detected, st.pattern.data());
  st.pattern.download(intensities);
  MeteredVector<float, MemoryLabel::waves> one(st.modes > 1 ? intensities.size() : 0);
  for (int mode = 1; mode < st.modes; ++mode) {
    st.backend.to_host(one.data(), st.pattern.data() + static_cast<std::size_t>(mode) * one.size(),
                       one.size() * sizeof(float));
    std::transform(one.begin(), one.end(), intensities.begin(), intensities.begin(), std::plus<>());
  }
}

double Multislice::loss_and_gradient(Volume potential, Volume gradient, Offset tile_origin,
                                     std::span<const Position> positions, Amplitudes amplitudes, float step,
                                     Complex* probe_gradient) {
  state_->load_positions(tile_origin, positions);
  return state_->loss_and_gradient({potential, gradient, step}, amplitudes, probe_gradient);
}

double Multislice::loss_and_gradient(Volume potential, Volume gradient, Offset origin,
                                     std::span<const Complex> incident, std::span<const float> amplitudes) {
  Buffer<float> measured(state_->backend, amplitudes.size(), MemoryLabel::measurements);
  measured.upload(amplitudes);
  state_->load_incident(origin, incident);
  return state_->loss_and_gradient({potential, gradient, 0}, measured.data(), nullptr);
}

Box Multislice::aperture() const { return state_->windows.aperture(); }
std::span<Complex> Multislice::probe() { return state_->windows.probe(); }

std::vector<Complex> Multislice::slice_waves(Volume potential, Offset origin,
                                             std::span<const Complex> incident) {
  auto& st = *state_;
  st.load_incident(origin, incident);
  const Waves w = st.beam().psi;
  std::vector<Complex> after;
  std::vector<Complex> host(st.p.grid.area());
  for (int s = 0; s < st.p.slices; ++s) {
    st.sweeps.step().pass(w, potential.slice(s), st.origins);
    st.download_real(w, !real_at_slices(st.p), host);
    after.insert(after.end(), host.begin(), host.end());
  }
  return after;
}

double Multislice::vacuum_loss(Amplitudes amplitudes) {
  auto& st = *state_;
  st.use(1);
  const Backend::Shift centred{};
  st.windows.shift_probe(st.at_detector().psi, {&centred, 1});
  return st.losses(amplitudes);
}

void Multislice::for_each_vacuum_wave(const std::function<void(std::span<const Complex>)>& body) {
  auto& st = *state_;
  st.use(1);
  const Backend::Shift centred{static_cast<double>(st.p.detector.y / 2),
                               static_cast<double>(st.p.detector.x / 2)};
  const Waves w = st.beam().psi;
  st.windows.shift_probe(w, {&centred, 1});
  st.backend.transform_columns(w, Direction::inverse);
  std::vector<Complex> host(w.size());
  for (int s = 0; s <= st.p.slices; ++s) {
    if (s > 0) st.backend.propagate(w, st.sweeps.step().propagators().fresnel(), Sense::direct);
    st.download_real(w, true, host);
    body(host);
  }
}

} // namespace ptychoscale
