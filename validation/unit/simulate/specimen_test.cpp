#include "ptychoscale/base/error.hpp"
#include "small_case.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

namespace ptychoscale {
namespace {

constexpr double a_A = 3.904;
constexpr double c_A = 4.152;

// 4 x 3 cells exactly, three deep and cut along the beam's slices of a third of a cell; one domain, nothing
// random.
SimulationParameters whole_cells() {
  auto p = test::small_case();
  p.volume = {160, 90};
  p.pixel_A = {4 * a_A / 160, 3 * a_A / 90};
  p.slices = 9;
  p.slice_thickness_A = c_A / 3;
  p.detector = {200, 150};
  p.semiangle_mrad = 20;
  p.C10_A = -50;
  p.specimen.domain_wall = -1;
  return p;
}

// All atoms as comparable rows (element, y, x), whatever the slice.
std::vector<std::tuple<int, double, double>> all_atoms(const SimulationParameters& p) {
  const Specimen specimen(p);
  std::vector<std::tuple<int, double, double>> atoms;
  for (int s = 0; s < p.slices; ++s)
    for (const auto& species : specimen.slice(s))
      for (const auto& site : species.sites) atoms.emplace_back(species.atomic_number, site.y, site.x);
  std::sort(atoms.begin(), atoms.end());
  return atoms;
}

std::map<int, std::size_t> elements_in(const Specimen& specimen, int slice) {
  std::map<int, std::size_t> count;
  for (const auto& species : specimen.slice(slice)) count[species.atomic_number] = species.sites.size();
  return count;
}

TEST(Specimen, HasTheCrystalsComposition) {
  std::map<int, int> count;
  for (const auto& [element, y, x] : all_atoms(whole_cells())) ++count[element];
  EXPECT_EQ(count, (std::map<int, int>{{82, 36}, {22, 36}, {8, 108}}));
}

// Thirds of a cell: z(Pb) = 0 and z(O1) = 0.1118 in the first, z(Ti) = 0.538 and z(O2) = 0.6174 (twice) in
// the second, none in the last.
TEST(Specimen, PutsAtomsIntoTheirSlices) {
  const Specimen specimen(whole_cells());
  for (const int cell : {0, 1, 2}) {
    EXPECT_EQ(elements_in(specimen, 3 * cell), (std::map<int, std::size_t>{{82, 12}, {8, 12}}));
    EXPECT_EQ(elements_in(specimen, 3 * cell + 1), (std::map<int, std::size_t>{{22, 12}, {8, 24}}));
    EXPECT_EQ(elements_in(specimen, 3 * cell + 2), (std::map<int, std::size_t>{}));
  }
}

// Mirrored: z(Ti) = 0.462 and z(O2) = 0.3826 stay in the middle third, z(O1) = 0.8882 moves to the last.
TEST(Specimen, ReversesThePolarisationBehindTheWall) {
  auto p = whole_cells();
  p.specimen.domain_wall = 0.7; // nearest Pb plane: 2 of 3 cells
  const Specimen specimen(p);
  EXPECT_EQ(elements_in(specimen, 0), (std::map<int, std::size_t>{{82, 12}, {8, 8}}));
  EXPECT_EQ(elements_in(specimen, 2), (std::map<int, std::size_t>{{8, 4}}));
  const auto moved = specimen.slice(2);
  for (const auto& site : moved.at(0).sites) EXPECT_NEAR(site.x, 2.5 * a_A, 1e-12);
}

TEST(Specimen, ShiftsTheSecondDomainAlongTheWall) {
  auto p = whole_cells();
  p.specimen.domain_wall = 0.7;
  p.specimen.domain_wall_shift_A = 0.3;
  for (const auto& [element, y, x] : all_atoms(p)) {
    const double phase = std::fmod((y - (x > 1.9 * a_A ? 0.3 : 0)) / a_A * 2 + 8.5, 1.0);
    EXPECT_NEAR(phase, 0.5, 1e-9) << element << " at " << y << ", " << x; // multiples of a / 2
  }
}

// 24 x 25 A: 6.1 x 6.4 cells. Sites past the border are left out, so no site repeats within the period.
TEST(Specimen, CutsCellsAtTheBorders) {
  const auto p = test::small_case();
  for (const auto& [element, y, x] : all_atoms(p)) {
    EXPECT_TRUE(y >= 0 && y < 24) << y;
    EXPECT_TRUE(x >= 0 && x < 25) << x;
  }
  const auto pb = elements_in(Specimen(p), 0).at(82);
  EXPECT_EQ(pb, 7U * 7U);
}

TEST(Specimen, SameSeedSameAtoms) {
  auto p = test::small_case();
  p.specimen.vacancy_fraction = 0.1;
  p.specimen.disorder_A = 0.05;
  p.specimen.thermal = Thermal::frozen_phonon;
  const auto first = all_atoms(p);
  EXPECT_EQ(all_atoms(p), first);
  p.seed = 2;
  EXPECT_NE(all_atoms(p), first);
}

// Nothing is lost or doubled between slices, even by displacements far larger than a slice.
TEST(Specimen, DoesNotDependOnTheSlicing) {
  auto p = test::small_case();
  p.specimen.vacancy_fraction = 0.05;
  p.specimen.disorder_A = 0.6;
  p.specimen.thermal = Thermal::frozen_phonon;
  const auto coarse = all_atoms(p);
  p.slices = 40;
  p.slice_thickness_A = 12.5 / 40;
  EXPECT_EQ(all_atoms(p), coarse);
  p.slices = 1;
  p.slice_thickness_A = 12.5;
  EXPECT_EQ(all_atoms(p), coarse);
}

// The projected sum over all slices is the same field for any slicing, to the rounding of its sums.
TEST(Specimen, ProjectedSumDoesNotDependOnTheSlicing) {
  auto p = test::small_case();
  p.specimen.disorder_A = 0.05;
  const auto projected = [&](int slices) {
    p.slices = slices;
    p.slice_thickness_A = 12.5 / slices;
    const Specimen specimen(p);
    PotentialGenerator generator(p.volume, p.pixel_A, ScatteringFactors::lobato,
                                 PotentialGenerator::Sum::exact, 1);
    std::vector<double> sum(p.volume.area());
    for (int s = 0; s < slices; ++s) {
      const auto v = generator.slice(specimen.slice(s));
      for (std::size_t i = 0; i < v.size(); ++i) sum[i] += v[i];
    }
    return sum;
  };
  EXPECT_LT(test::relative_l2(projected(10), projected(3)), 1e-12);
}

// Binomial: 30 % of the sites, within five standard deviations.
TEST(Specimen, LeavesVacancies) {
  auto p = test::small_case();
  p.slices = 40;
  const double full = static_cast<double>(all_atoms(p).size());
  p.specimen.vacancy_fraction = 0.3;
  const double kept = static_cast<double>(all_atoms(p).size()) / full;
  EXPECT_NEAR(kept, 0.7, 5 * std::sqrt(0.3 * 0.7 / full));
  p.specimen.vacancy_fraction = 1;
  EXPECT_TRUE(all_atoms(p).empty());
}

TEST(Specimen, RefusesSlicesThatDoNotExist) {
  const Specimen specimen(test::small_case());
  EXPECT_THROW((void)specimen.slice(-1), InputError);
  EXPECT_THROW((void)specimen.slice(10), InputError);
}

} // namespace
} // namespace ptychoscale
