#include "sweeps.hpp"

namespace ptychoscale {

void Sweeps::forward(const Beam& beam, Volume potential) const {
  const Waves w = beam.psi;
  step_.enter(w, potential, beam.origins);
  for (int s = 0;; ++s) {
    if (kept_.is_first(s)) backend_.place(kept_.at(s, w.count), w, {});
    if (s + 1 == potential.slices) break;
    step_.advance(w, potential, s, beam.origins);
  }
  step_.leave(w, potential, beam.origins);
}

/// The waves at slice s of the backward sweep; on entering a segment recomputed from its first one on.
Waves Sweeps::waves_at(int s, const Beam& beam, Volume potential) const {
  if (kept_.none()) return beam.psi;
  const auto at = [&](int i) { return kept_.at(i, beam.psi.count); };
  if (s + 1 == potential.slices || kept_.is_first(s + 1))
    for (int i = kept_.first_of_segment(s) + 1; i <= s; ++i) {
      backend_.place(at(i), at(i - 1), {});
      step_.advance(at(i), potential, i - 1, beam.origins);
    }
  return at(s);
}

/// No wave may step the slice before all of them are in front of it.
void Sweeps::retreat(int s, const Beam& beam, const VolumeUpdate& update) const {
  const Waves behind = waves_at(s, beam, update.potential);
  const bool rewind = kept_.none() && s > 0;
  SliceUpdate now = update.slice(s);
  if (update.sum != nullptr) now = {now.potential, update.sum, 0};
  step_.retreat(behind, beam.chi, now, beam.origins, rewind);
  if (update.sum != nullptr) backend_.deliver_sum(update.slice(s), update.sum, beam.origins, beam.chi.extent);
}

void Sweeps::backward(const Beam& beam, const VolumeUpdate& update) const {
  const Waves back = backward_waves(beam);
  step_.return_behind_last(back);
  for (int s = update.potential.slices - 1; s >= 0; --s) {
    retreat(s, beam, update);
    if (s > 0) step_.back_propagate(back);
  }
}

} // namespace ptychoscale
