#pragma once

#include "tile_solver.hpp"

#include <span>

namespace ptychoscale {

/// The probe as an unknown beside the volume: the gradient of F with respect to it, added up over the
/// positions of a round and over all ranks, and its steps.
///
/// The specimen only turns phases and waves propagate freely, so a position's wave at the detector is
/// Psi_i = U_i P with a unitary U_i, which is a contraction where something is cut off (by a bandwidth limit,
/// a mask, the border of a tile). In f_i(P) = sum (a_i - |U_i P|)^2 the square of |U_i P| bends by at most 2
/// in any direction, and the rest, -2 a_i |U_i P|, is concave. So with G_i = df_i/dP* = U_i^H (1 - a_i /
/// |Psi_i|) Psi_i, for any n positions, those of a round,
///
///   sum f_i(P + d) <= sum f_i(P) + 2 Re sum conj(sum G_i) d + n |d|^2,
///
/// which is lowest at d = -(1/n) sum G_i: the step is 1/n, half of the largest stable one. Where the U_i are
/// unitary it sets P to the mean of U_i^H (a_i Psi_i / |Psi_i|), of the probes that would give what was
/// measured: the probe's rule of the difference map (Thibault et al., Ultramicroscopy 109, 2009), in which
/// the specimen's |O|^2 is 1 here. What is wrong with a probe's phase is seen only where the specimen
/// scatters, and bends F much less than that; more rounds are more such steps in an iteration, each from
/// fewer positions.
///
/// All of this holds for several modes P_m with |Psi_i|^2 = sum |U_i P_m|^2, too, as the length of a longer
/// vector, which is as convex: all modes make the step 1/n of their own gradients, U_i^H (1 - a_i / |Psi_i|)
/// U_i P_m.
///
/// Where all modes of the probe that the run was given are zero, they stay so: the lens has an aperture.
///
/// Where only the scale is unknown (the dose, the electrons per count), d = (s - 1) P in the bound above,
/// which is lowest at s = 1 - Re sum G_i^H P / (n |P|^2). Re G_i^H P = sum (|Psi_i|^2 - a_i |Psi_i|), so that
/// this is the s that makes sum (a_i - s |Psi_i|)^2 smallest, sum a_i |Psi_i| / sum |Psi_i|^2, where all of
/// the beam is seen; where masks hide a part of it s goes as large a part of the way in every round.
class ProbeRefinement {
public:
  /// Scales the probe from refine_scale on, and steps it from refine_probe on, which scales it, too. Two
  /// waves of the aperture's size, times the modes, are metered as `exchange`, the gradient as `waves`.
  /// Everything must outlive it.
  [[nodiscard]] ProbeRefinement(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                                const ReconstructionOptions& options);

  /// Before each iteration, counted from 0: whether its visits count.
  void begin(int iteration);
  /// At the end of every round, counted from 0, with nothing left to be visited: steps or scales the probe,
  /// and forgets the gradient; nothing in iterations that do not count. Collective.
  void step(int round);

  /// The gradient of the round so far, in backend memory, as Multislice::probe() is.
  [[nodiscard]] std::span<Complex> gradient() { return {gradient_.data(), gradient_.size()}; }
  /// Every step among several ranks counts as one message, of the gradient or of a number, as an all-reduce
  /// does.
  [[nodiscard]] Traffic traffic() const { return traffic_; }

private:
  /// What an iteration changes of the probe.
  enum class Unknown { nothing, scale, all };
  [[nodiscard]] Unknown unknown_in(int iteration) const;
  void step_all(int round);
  void step_on_first(int round);
  void step_scale(int round);
  void count(std::size_t bytes);
  [[nodiscard]] int positions_in(int round) const;
  [[nodiscard]] bool is_lit(std::size_t k) const;

  TileSolver& tile_;
  const Communicator& comm_;
  const ReconstructionPlan& plan_;
  int rounds_;
  int scale_from_, all_from_;
  Unknown unknown_ = Unknown::nothing;
  Buffer<Complex> gradient_;
  MeteredVector<Complex, MemoryLabel::exchange> message_, other_;
  Traffic traffic_;
};

} // namespace ptychoscale
