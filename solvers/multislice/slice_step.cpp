#include "slice_step.hpp"

namespace ptychoscale {

SliceStep::SliceStep(Backend& backend, const MultisliceParameters& p, int batch, Waves workspace)
    : backend_(backend), limited_(real_at_slices(p)), tile_(p.grid_kind == GridKind::tile),
      sigma_(static_cast<float>(p.sigma)), propagators_(make_propagators(backend, p, workspace)) {
  if (limited_) transmission_ = {backend, 2, batch, p.grid};
}

void SliceStep::limited_transmission(Waves t, Slice potential, std::span<const Offset> origins) const {
  backend_.transmission(t, potential, origins, sigma_);
  propagate_real(backend_, t, propagators_.limit(), Sense::direct);
}

void SliceStep::pass(Waves w, Slice potential, std::span<const Offset> origins) const {
  if (limited_) {
    const Waves t = transmission_.part(0, w.count);
    limited_transmission(t, potential, origins);
    backend_.multiply(w, t, Sense::direct);
    propagate_real(backend_, w, propagators_.fresnel(), Sense::direct);
  } else {
    backend_.transmit(w, potential, origins, sigma_);
    backend_.propagate(w, propagators_.fresnel(), Sense::direct);
  }
}

void SliceStep::enter(Waves w, Volume potential, std::span<const Offset> origins) const {
  if (!limited_) backend_.transmit(w, potential.slice(0), origins, sigma_);
}

void SliceStep::advance(Waves w, Volume potential, int s, std::span<const Offset> origins) const {
  if (limited_) {
    pass(w, potential.slice(s), origins);
  } else {
    backend_.propagate(w, propagators_.fresnel(), Sense::direct);
    backend_.transmit(w, potential.slice(s + 1), origins, sigma_);
  }
}

void SliceStep::leave(Waves w, Volume potential, std::span<const Offset> origins) const {
  if (limited_) {
    pass(w, potential.slice(potential.slices - 1), origins);
    backend_.transform_rows(w, Direction::forward);
  } else if (tile_) {
    backend_.propagate(w, propagators_.fresnel(), Sense::direct);
  }
}

void SliceStep::return_behind_last(Waves w) const {
  if (limited_) backend_.transform_rows(w, Direction::inverse);
  if (limited_ || tile_) back_propagate(w);
}

void SliceStep::back_propagate(Waves w) const {
  if (limited_)
    propagate_real(backend_, w, propagators_.fresnel(), Sense::conjugate);
  else
    backend_.propagate(w, propagators_.fresnel(), Sense::conjugate);
}

void SliceStep::retreat(Waves behind, Waves chi, const SliceUpdate& update, std::span<const Offset> origins,
                        bool rewind) const {
  if (limited_)
    retreat_limited(behind, chi, update, origins);
  else
    backend_.transmit_adjoint(behind, chi, update, origins, sigma_, rewind);
}

void SliceStep::retreat_limited(Waves behind, Waves chi, const SliceUpdate& update,
                                std::span<const Offset> origins) const {
  const Waves t = transmission_.part(0, chi.count);
  const Waves dt = transmission_.part(1, chi.count);
  limited_transmission(t, update.potential, origins);
  backend_.place(dt, chi, {});
  backend_.multiply(dt, behind, Sense::conjugate);
  propagate_real(backend_, dt, propagators_.limit(), Sense::conjugate);
  backend_.multiply(chi, t, Sense::conjugate);
  backend_.phase_gradient(dt, update, origins, sigma_);
}

} // namespace ptychoscale
