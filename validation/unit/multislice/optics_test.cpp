#include "ptychoscale/multislice/optics.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <complex>
#include <fstream>

namespace ptychoscale {
namespace {

/// A lens with every aberration, and pixels of its probe by abTEM in fp64.
nlohmann::json golden_lens() { return nlohmann::json::parse(std::ifstream(PTYCHOSCALE_ABERRATED_LENS)); }

Optics optics_in(const nlohmann::json& golden) {
  Optics o{.energy_eV = golden["energy_eV"],
           .semiangle_mrad = golden["semiangle_mrad"],
           .C10_A = golden["C10_A"],
           .C30_A = golden["C30_A"]};
  for (const auto& term : aberration_terms) {
    const auto& polar = golden["aberrations"].at(std::string(term.name));
    o.aberrations.*term.member = {polar[0], polar[1]};
  }
  return o;
}

Optics lens(Aberrations aberrations, double C10_A = 0) {
  return {.energy_eV = 200e3, .semiangle_mrad = 20, .C10_A = C10_A, .aberrations = aberrations};
}

TEST(Aberrations, AreThoseOfAnIndependentCode) {
  const auto golden = golden_lens();
  const auto optics = optics_in(golden);
  const Extent extent{golden["extent"][0], golden["extent"][1]};
  const PixelSize pixel{golden["pixel_A"][0], golden["pixel_A"][1]};
  const auto probe = make_probe(optics, extent, pixel);
  ASSERT_GE(golden["probe"].size(), 20U);
  for (const auto& entry : golden["probe"]) {
    const auto at =
        entry[0].get<std::size_t>() * static_cast<std::size_t>(extent.x) + entry[1].get<std::size_t>();
    const std::complex<double> expected(entry[2].get<double>(), entry[3].get<double>());
    // fp32 rounds at 6e-8; the wavelengths differ by 1e-8 of some ten rad of phase.
    EXPECT_LT(std::abs(std::complex<double>(probe[at]) - expected), 1e-6 * std::abs(expected)) << entry;
  }
}

/// Each of them is held by the pixels of the test above: without it they differ.
TEST(Aberrations, EachIsSeenInTheProbe) {
  const auto all = optics_in(golden_lens());
  const auto probe = make_probe(all, {32, 40}, {0.25, 0.2});
  for (const auto& term : aberration_terms) {
    auto without = all;
    without.aberrations.*term.member = {};
    auto turned = all;
    (turned.aberrations.*term.member).angle_deg *= -1;
    EXPECT_NE(probe, make_probe(without, {32, 40}, {0.25, 0.2})) << term.name;
    EXPECT_NE(probe, make_probe(turned, {32, 40}, {0.25, 0.2})) << term.name;
  }
}

TEST(Aberrations, NoneIsARoundLensToTheBit) {
  const Optics round = lens({}, -150);
  const Optics angle_of_nothing = lens({.C12 = {0, 30}, .C34 = {0, -5}}, -150);
  EXPECT_EQ(make_probe(round, {32, 32}, {0.2, 0.2}), make_probe(angle_of_nothing, {32, 32}, {0.2, 0.2}));
  EXPECT_EQ(circle_radius_A(round), circle_radius_A(angle_of_nothing));
  EXPECT_DOUBLE_EQ(circle_radius_A(round), 3);
}

TEST(Aberrations, WidenTheCircle) {
  // At 20 mrad: astigmatism adds to the defocus along its axis, whatever its angle; the rays of axial coma
  // reach C21 alpha^2, those of the three-fold and four-fold astigmatism C_nm alpha^n.
  EXPECT_NEAR(circle_radius_A(lens({.C12 = {50, 33}}, -150)), 200 * 0.02, 4e-3);
  EXPECT_NEAR(circle_radius_A(lens({.C21 = {1e4, -100}})), 1e4 * 4e-4, 4e-3);
  EXPECT_NEAR(circle_radius_A(lens({.C23 = {1e4, 7}})), 1e4 * 4e-4, 4e-3);
  EXPECT_NEAR(circle_radius_A(lens({.C34 = {1e6, 7}})), 1e6 * 8e-6, 8e-3);
  EXPECT_GE(circle_radius_A(lens({.C34 = {1, 7}})), 0.61 * 0.0250 / 0.02); // the Airy radius
}

} // namespace
} // namespace ptychoscale
