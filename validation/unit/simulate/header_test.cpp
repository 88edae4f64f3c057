#include "ptychoscale/base/error.hpp"
#include "small_case.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <string>

namespace ptychoscale {
namespace {

TEST(Header, CentresTheRaster) {
  const auto header = make_header(test::small_case());
  ASSERT_EQ(header.positions_A.size(), 6U);
  // Volume centre: pixel (59.5, 49.5) = (11.9, 12.375) A; steps 3 and 2 A; exact to rounding.
  EXPECT_NEAR(header.positions_A[0].y, 11.9 - 1.5, 1e-12);
  EXPECT_NEAR(header.positions_A[0].x, 12.375 - 2, 1e-12);
  EXPECT_NEAR(header.positions_A[5].y, 11.9 + 1.5, 1e-12);
  EXPECT_NEAR(header.positions_A[5].x, 12.375 + 2, 1e-12);
  EXPECT_NEAR(header.positions_A[1].y, header.positions_A[0].y, 1e-12); // x is fast
}

TEST(Header, NormalisesTheProbe) {
  const auto header = make_header(test::small_case());
  double power = 0;
  for (const auto& wave : header.probe) power += std::norm(wave);
  EXPECT_NEAR(power, 1, 1e-5); // rounding of fp32 values
}

TEST(Header, TurnsDoseIntoElectrons) {
  auto p = test::small_case();
  EXPECT_EQ(make_header(p).electrons_per_pattern, 1);
  p.dose_e_per_A2 = 1e4;
  EXPECT_DOUBLE_EQ(make_header(p).electrons_per_pattern, 6e4);
}

TEST(Header, DescribesTheSpecimen) {
  const auto text = make_header(test::small_case()).specimen_json;
  EXPECT_NE(text.find("\"factors\":\"lobato\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"Ti\":0.45"), std::string::npos) << text;
}

// The radius is 7.5 A: 2 rows 3 A apart need 18 A = 90 pixels, 3 columns 2 A apart 19 A = 76.
TEST(Header, NamesTheSmallestVolumeThatHoldsTheCircles) {
  auto p = test::small_case();
  p.volume = {90, 76};
  EXPECT_NO_THROW((void)make_header(p));
  p.volume = {89, 100};
  try {
    (void)make_header(p);
    FAIL() << "a circle leaves the volume";
  } catch (const InputError& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("'volume' is 89 x 100"), std::string::npos) << what;
    EXPECT_NE(what.find("at least 90 x 100"), std::string::npos) << what;
    EXPECT_NE(what.find("position 0"), std::string::npos) << what;
  }
}

struct BadField {
  const char* field;
  std::function<void(SimulationParameters&)> spoil;
};
void PrintTo(const BadField& bad, std::ostream* out) { *out << bad.field; }

class HeaderRefuses : public testing::TestWithParam<BadField> {};

TEST_P(HeaderRefuses, NamingTheField) {
  auto p = test::small_case();
  GetParam().spoil(p);
  try {
    (void)make_header(p);
    FAIL() << "accepted";
  } catch (const InputError& e) {
    const std::string what = e.what();
    EXPECT_NE(what.find("case 'small': field '" + std::string(GetParam().field) + "'"), std::string::npos)
        << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

using P = SimulationParameters;
INSTANTIATE_TEST_SUITE_P(
    Fields, HeaderRefuses,
    testing::Values(
        BadField{"detector.y", [](P& p) { p.detector.y = 0; }},
        BadField{"detector.x", [](P& p) { p.detector.x = -4; }},
        BadField{"detector.x", [](P& p) { p.detector.x = 40; }}, // narrower than the circle
        BadField{"pixel_A.y", [](P& p) { p.pixel_A.y = 0; }},
        BadField{"pixel_A.x", [](P& p) { p.pixel_A.x = NAN; }},
        BadField{"volume.y", [](P& p) { p.volume.y = 0; }},
        BadField{"volume.x", [](P& p) { p.volume.x = -1; }},
        BadField{"volume", [](P& p) { p.volume.x = 75; }}, BadField{"slices", [](P& p) { p.slices = 0; }},
        BadField{"slice_thickness_A", [](P& p) { p.slice_thickness_A = 0; }},
        BadField{"scan.rows", [](P& p) { p.scan.rows = 0; }},
        BadField{"scan.columns", [](P& p) { p.scan.columns = 0; }},
        BadField{"scan_step_A.y", [](P& p) { p.scan_step_A.y = -3; }},
        BadField{"scan_step_A.x", [](P& p) { p.scan_step_A.x = 0; }},
        BadField{"energy_eV", [](P& p) { p.energy_eV = 9.9e3; }},
        BadField{"energy_eV", [](P& p) { p.energy_eV = 1.1e6; }},
        BadField{"semiangle_mrad", [](P& p) { p.semiangle_mrad = 0; }},
        BadField{"semiangle_mrad", [](P& p) { p.semiangle_mrad = 55; }}, // 50.2 is the grid's limit
        BadField{"C10_A", [](P& p) { p.C10_A = INFINITY; }}, BadField{"C30_A", [](P& p) { p.C30_A = NAN; }},
        BadField{"dose_e_per_A2", [](P& p) { p.dose_e_per_A2 = -1; }},
        BadField{"specimen.B_A2", [](P& p) { p.specimen.B_A2["Sr"] = 1; }},
        BadField{"specimen.B_A2", [](P& p) { p.specimen.B_A2.erase("Ti"); }},
        BadField{"specimen.B_A2.O", [](P& p) { p.specimen.B_A2["O"] = -0.1; }},
        BadField{"specimen.domain_wall", [](P& p) { p.specimen.domain_wall = 1.5; }},
        BadField{"specimen.domain_wall_shift_A", [](P& p) { p.specimen.domain_wall_shift_A = NAN; }},
        BadField{"specimen.vacancy_fraction", [](P& p) { p.specimen.vacancy_fraction = 1.01; }},
        BadField{"specimen.disorder_A", [](P& p) { p.specimen.disorder_A = -0.1; }},
        // Finite, and yet nothing that can be meant.
        BadField{"detector.y", [](P& p) { p.detector.y = 1'000'000'000; }},
        BadField{"slices", [](P& p) { p.slices = 1'000'000'000; }},
        BadField{"scan.rows x scan.columns",
                 [](P& p) {
                   p.scan = {100'000, 100'000};
                 }},
        BadField{"energy_eV", [](P& p) { p.energy_eV = 200; }}, // keV
        BadField{"C10_A", [](P& p) { p.C10_A = 1e300; }}, BadField{"C30_A", [](P& p) { p.C30_A = -1e300; }},
        BadField{"dose_e_per_A2", [](P& p) { p.dose_e_per_A2 = 1e300; }},
        BadField{"specimen.B_A2.O", [](P& p) { p.specimen.B_A2["O"] = 1e308; }},
        BadField{"specimen.domain_wall", [](P& p) { p.specimen.domain_wall = -9e18; }},
        BadField{"specimen.domain_wall_shift_A", [](P& p) { p.specimen.domain_wall_shift_A = 1e308; }},
        BadField{"specimen.disorder_A", [](P& p) { p.specimen.disorder_A = 1e308; }}));

TEST(Header, RefusesAHugeScanBeforeItsPositionsAreMade) {
  auto p = test::small_case();
  p.scan = {46'000, 46'000}; // 34 GB of positions
  EXPECT_THROW((void)make_header(p), InputError);
}

TEST(Thermal, NamesRoundTrip) {
  for (const auto t : {Thermal::none, Thermal::debye_waller, Thermal::frozen_phonon})
    EXPECT_EQ(thermal(name(t)), t);
  EXPECT_THROW((void)thermal("einstein"), InputError);
}

} // namespace
} // namespace ptychoscale
