#include "detector_windows.hpp"

#include "slice_step.hpp"
#include "upload.hpp"

#include <cmath>

namespace ptychoscale {

ProbePlacement place_probe(Position position, PixelSize pixel, Extent detector) {
  const double y = position.y / pixel.y;
  const double x = position.x / pixel.x;
  const Offset window{static_cast<int>(std::lround(y)) - detector.y / 2,
                      static_cast<int>(std::lround(x)) - detector.x / 2};
  return {window, {y - window.y, x - window.x}};
}

DetectorWindows::DetectorWindows(Backend& backend, const MultisliceParameters& p, const ApertureProbe& probe,
                                 int batch)
    : backend_(backend), p_(p), aperture_(probe.box), modes_(probe.modes()),
      probe_(upload<Complex>(backend, probe.values)) {
  if (p_.grid_kind == GridKind::tile) waves_ = {backend, 2, batch * modes_, p_.detector};
}

Beam DetectorWindows::of(const Beam& beam) const {
  if (p_.grid_kind == GridKind::window) return beam;
  return {waves_.part(0, beam.psi.count), waves_.part(1, beam.psi.count), {}};
}

void DetectorWindows::embed(Waves grid, Waves windows) const {
  for (int i = 0; i < grid.count; ++i) {
    const auto w = windows_[static_cast<std::size_t>(i)];
    backend_.place(grid.one(i), windows.one(i), {-w.y, -w.x});
  }
}

void DetectorWindows::crop(Waves windows, Waves grid) const {
  for (int i = 0; i < grid.count; ++i)
    backend_.place(windows.one(i), grid.one(i), windows_[static_cast<std::size_t>(i)]);
}

void DetectorWindows::shift_probe(Waves waves, std::span<const Backend::Shift> pixels) const {
  for (int mode = 0; mode < modes_; ++mode)
    backend_.shift_probe(of_mode(waves, mode), {mode_of(probe_.data(), mode), aperture_}, pixels);
}

void DetectorWindows::illuminate(const Beam& beam, std::span<const ProbePlacement> placed) {
  shifts_.clear();
  windows_.clear();
  for (const auto& p : placed) shifts_.push_back(p.shift);
  for (int mode = 0; mode < modes_; ++mode)
    for (const auto& p : placed) windows_.push_back(p.window);
  const Waves entrance = of(beam).psi;
  shift_probe(entrance, shifts_);
  backend_.transform_columns(entrance, Direction::inverse);
  if (p_.grid_kind == GridKind::window) {
    if (real_at_slices(p_)) backend_.transform_rows(entrance, Direction::inverse);
    return;
  }
  backend_.transform_rows(entrance, Direction::inverse);
  embed(beam.psi, entrance);
  if (!real_at_slices(p_)) backend_.transform_rows(beam.psi, Direction::forward);
}

void DetectorWindows::to_reciprocal(Waves windows, Waves grid) const {
  if (p_.grid_kind == GridKind::tile) {
    backend_.transform_rows(grid, Direction::inverse);
    crop(windows, grid);
    if (!real_at_slices(p_)) backend_.transform_rows(grid, Direction::forward);
    backend_.transform_rows(windows, Direction::forward);
  }
  backend_.transform_columns(windows, Direction::forward);
}

void DetectorWindows::to_detector(const Beam& beam) const { to_reciprocal(of(beam).psi, beam.psi); }

void DetectorWindows::from_detector(const Beam& beam, Waves back) const {
  if (p_.grid_kind == GridKind::window) {
    backend_.transform_columns(back, Direction::inverse);
    return;
  }
  const Waves residual = of(beam).chi;
  backend_.transform_columns(residual, Direction::inverse);
  backend_.transform_rows(residual, Direction::inverse);
  embed(beam.chi, residual);
  backend_.transform_rows(beam.chi, Direction::forward);
}

void DetectorWindows::gather_probe(const Beam& beam, Complex* gradient) const {
  const Waves entrance = of(beam).chi;
  if (real_at_slices(p_)) backend_.transform_rows(beam.chi, Direction::forward);
  to_reciprocal(entrance, beam.chi);
  for (int mode = 0; mode < modes_; ++mode)
    backend_.gather_probe(of_mode(entrance, mode), mode_of(gradient, mode), aperture_, shifts_);
}

} // namespace ptychoscale
