#pragma once

#include <array>
#include <string_view>

namespace ptychoscale {

/// An aberration that is not round, in polar form.
struct Aberration {
  double magnitude_A = 0; ///< 0 or more; 0: the lens has none of it
  double angle_deg = 0;   ///< of its axis, from +kx (a pattern's columns) towards +ky (its rows)
  bool operator==(const Aberration&) const = default;
};

/// What a lens has beside C10 and C30, as Krivanek et al., Ultramicroscopy 78, 1 (1999), name it.
struct Aberrations {
  Aberration C12 = {}; ///< two-fold astigmatism
  Aberration C21 = {}; ///< axial coma
  Aberration C23 = {}; ///< three-fold astigmatism
  Aberration C32 = {}; ///< axial star
  Aberration C34 = {}; ///< four-fold astigmatism
  bool operator==(const Aberrations&) const = default;
};

/// C_nm adds C_nm alpha^(n + 1) / (n + 1) cos(m (phi - angle)) to the path.
struct AberrationTerm {
  std::string_view name;
  int n;
  int m;
  Aberration Aberrations::*member;
};

/// All of them.
inline constexpr std::array<AberrationTerm, 5> aberration_terms{{{"C12", 1, 2, &Aberrations::C12},
                                                                 {"C21", 2, 1, &Aberrations::C21},
                                                                 {"C23", 2, 3, &Aberrations::C23},
                                                                 {"C32", 3, 2, &Aberrations::C32},
                                                                 {"C34", 3, 4, &Aberrations::C34}}};

/// Calls body(term, aberration) for each that the lens has.
template <class Body> void for_each_aberration(const Aberrations& all, const Body& body) {
  for (const auto& term : aberration_terms)
    if (const Aberration& a = all.*term.member; a.magnitude_A != 0) body(term, a);
}

/// Whether the lens is round.
inline bool is_round(const Aberrations& all) {
  bool round = true;
  for_each_aberration(all, [&](const AberrationTerm&, const Aberration&) { round = false; });
  return round;
}

} // namespace ptychoscale
