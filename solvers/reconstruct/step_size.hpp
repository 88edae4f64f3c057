#pragma once

#include "illumination.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

namespace ptychoscale {

/// The default step alpha in (V * angstrom)^2; `plan` is the one for these options, `light` is the header's.
/// For one process.
///
/// A probe position bends F along V by at most l = 2 sigma^2 S m at a voxel: S slices add up coherently, and
/// m is the probe's illumination N |psi|^2 there, in vacuum, at the depth where a raster of them is
/// brightest. A step after every position takes that position's part of an error to 1 - alpha l of itself, so
/// a solver that only makes such steps (serial, HVE) has alpha_1 = 1 / l_1, with the brightest pixel of one
/// probe: half of the largest stable step.
///
/// Between two exchanges GD makes the steps of several ranks from the same voxels, and then applies their
/// sum:
///
///   batch       no steps in between: what the whole round corrects at the brightest voxel, alpha e sum l, is
///               1.4 of the error, where 2 is the limit;
///   once        a rank that shares a voxel has corrected its error by the part c_r = 1 - exp(-alpha e l_r)
///               by itself, l_r being the sum over its positions of the round; all corrections add up, and
///               what remains of the error, 1 - sum c_r, must stay between -1 and 1;
///   as_printed  a rank's own correction comes once more on top: 1 - c_own - sum c_r;
///   averaged    as once, but where corrections add up to more than the whole error their sum is scaled down
///               to it (step_weights()), so that alpha_1 stays stable on any mesh. Steps twice as long come
///               nearer on ideal patterns and less near on noisy ones.
///
/// e = 0.7 is how much of the bound l an error typically meets, and alpha is the largest, up to alpha_1, for
/// which no voxel of any round is corrected by more than 1.7 of its error, where 2 is the limit. Both numbers
/// come from searches for the largest stable steps (`ptychoscale tune`; results/README.md): with e the limit
/// 2 is met within the search's resolution for 2, 4, 9 and 16 tiles, 1 to all exchanges per iteration, both
/// rules.
///
///   delay       a rank's own correction counts at once, the others' a round later: the error's part x in an
///               overlap of n alike ranks follows x^2 - (1 - c) x + (n - 1) c = 0, so what comes late,
///               sum c_r - c_own, must stay below 1; it is kept below 0.85 (batch: all of it). Scaled down
///               (averaged) it is x^2 - (1 - c) x + 1 - c = 0, which is stable for every c;
///   accelerated momentum wants the step 1 / L of the curvature L that an error meets: alpha e sum l = 1 at
///               the brightest voxel, three quarters of the limit 4 / (3 L) that momentum leaves of 2 / L.
///
/// Where a dose is known alpha is at most what counting noise allows. N_e electrons in a pattern let its
/// amplitudes scatter by 1 / (4 N_e) (variances, as all that follows), and so its gradient by its curvature h
/// over 2 N_e. A step keeps alpha^2 of that and forgets the share 2 alpha h of what was kept before, so that
/// steps come to rest at alpha / (4 N_e) in every direction of the volume that patterns tell, and at
/// sigma^2 S alpha / (4 N_e) of the phase behind all slices, whatever the illumination. The mean of all
/// patterns of an iteration would leave 1 / (2 N_e sum h), what steps of 2 / sum h keep: shorter ones
/// remember more than an iteration, which is the same noise again. Over all directions h is half of l, as a
/// wave's phase has nothing to do with that of its change. Beyond that a phase of tau = 0.02 may stay:
///
///     alpha <= 4 / sum l + 4 N_e tau^2 / (sigma^2 S),
///
/// with sum l over all positions at the brightest voxel; half of it for as_printed, which makes every step
/// twice. With one exchange per iteration batch and accelerated are shorter by themselves. tau stands for the
/// default target, an error of 5 %, of specimens like those of the cases: of `ci` the phase deviates by 0.27,
/// and 0.4 of what the formula says was measured in it (results/README.md).
[[nodiscard]] double default_step(const DatasetHeader& header, const ReconstructionOptions& options,
                                  const ReconstructionPlan& plan, const Illumination& light);

/// e above.
inline constexpr double typical_curvature = 0.7;
/// The longest 1 / m = 2 sigma^2 S alpha with which counting noise leaves what it may; infinite without a
/// dose.
[[nodiscard]] double longest_with_noise(const DatasetHeader& header, const ReconstructionOptions& options,
                                        const ReconstructionPlan& plan, const Illumination& light);
/// l / m above: 2 sigma^2 S, 1 / (V * angstrom)^2.
[[nodiscard]] double curvature(const DatasetHeader& header);
/// The part of a voxel's error that steps correct whose alpha l add up to so much, c_r above.
[[nodiscard]] double corrected(double alpha_l);
/// The largest m that a round adds up to at any voxel, at least the brightest pixel of one probe.
[[nodiscard]] double brightest_of_scan(const DatasetHeader& header, const ReconstructionPlan& plan,
                                       const Illumination& light);

} // namespace ptychoscale
