#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace ptychoscale::test {
namespace {

using Change = std::function<void(DatasetHeader&)>;

TEST(Experiment, OfTheTestsIsInItsRanges) { EXPECT_FALSE(first_out_of_range(small_header())); }

TEST(Experiment, NamesTheFieldThatCannotBeMeant) {
  const std::vector<std::pair<std::string, Change>> changes{
      {"energy_eV", [](auto& h) { h.energy_eV = 200; }}, // keV
      {"energy_eV", [](auto& h) { h.energy_eV = std::nan(""); }},
      {"semiangle_mrad", [](auto& h) { h.semiangle_mrad = 26; }}, // 25.1 is what the pixels can carry
      {"C10_A", [](auto& h) { h.C10_A = 1e300; }},
      {"C30_A", [](auto& h) { h.C30_A = -1e300; }},
      {"C12_A",
       [](auto& h) {
         h.aberrations.C12 = {-20, 30};
       }},
      {"C34_A",
       [](auto& h) {
         h.aberrations.C34 = {1e300, 0};
       }},
      {"C21_angle_deg",
       [](auto& h) {
         h.aberrations.C21 = {1, std::nan("")};
       }},
      {"detector.y",
       [](auto& h) {
         h.aberrations.C12 = {100, 0};
       }},                                               // a circle wider than the window
      {"pixel_A.x", [](auto& h) { h.pixel.x = 4e-11; }}, // metres
      {"scan_step_A.y", [](auto& h) { h.scan_step_A.y = 0; }},
      {"slices", [](auto& h) { h.slices = 1'000'000'000; }},
      {"detector.x", [](auto& h) { h.detector.x = 1'000'000'000; }},
      {"detector.y", [](auto& h) { h.C10_A = -150; }}, // a circle wider than the window
      {"dose_e_per_A2", [](auto& h) { h.dose_e_per_A2 = -1; }},
      {"electrons_per_pattern", [](auto& h) { h.electrons_per_pattern = 0; }}};
  for (const auto& [field, change] : changes) {
    auto h = small_header();
    change(h);
    const auto wrong = first_out_of_range(h);
    ASSERT_TRUE(wrong) << field;
    EXPECT_EQ(wrong->field, field);
    EXPECT_FALSE(wrong->expected.empty());
  }
}

TEST(Experiment, ADatasetOutOfRangeIsRefusedWithItsFile) {
  const ScratchFolder directory;
  write_small_dataset(directory / "small.h5");
  {
    const auto file = hdf5::open_file(directory / "small.h5", hdf5::Access::read_write);
    const auto C10 = hdf5::open_dataset(file, "dataset/metadatabundle/microscope/C10_A");
    const double huge = 1e300;
    ASSERT_GE(H5Dwrite(C10, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &huge), 0);
  }
  const auto message = message_of<InputError>([&] { const DatasetReader reader(directory / "small.h5"); });
  for (const std::string part : {"small.h5", "C10_A = 1e+300", "from -1000000 to 1000000"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Experiment, StepsMustBeThoseOfThePositions) {
  auto h = small_header();
  EXPECT_NEAR(step_of_positions(h).y, 1.1, 1e-12);
  EXPECT_NEAR(step_of_positions(h).x, 0.9, 1e-12);
  EXPECT_TRUE(steps_agree(h));
  h.positions_A[4].x += 0.3; // jitter of one
  EXPECT_TRUE(steps_agree(h));
  for (Position& p : h.positions_A) p = {0.8 * p.y - 0.6 * p.x + 5, 0.6 * p.y + 0.8 * p.x}; // a turned scan
  EXPECT_TRUE(steps_agree(h));
  std::swap(h.scan_step_A.y, h.scan_step_A.x);
  EXPECT_FALSE(steps_agree(h));
}

TEST(Experiment, ADatasetWhoseStepsContradictItsPositionsIsRefused) {
  auto h = small_header();
  h.scan_step_A.x = 2;
  const ScratchFolder directory;
  const auto message = message_of<InputError>(
      [&] { const DatasetWriter writer(directory / "small.h5", h, CountType::float32, false); });
  for (const std::string part : {"scan_step_A = [1.1, 2]", "steps of [1.1, 0.9] A", "within 10 %"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Experiment, OneLineHasNoStepAcross) {
  auto h = small_header();
  h.scan = {1, 6};
  h.positions_A.clear();
  for (int x = 0; x < 6; ++x) h.positions_A.push_back({4, 2 + 0.9 * x});
  h.scan_step_A.y = 77;
  EXPECT_TRUE(steps_agree(h));
  EXPECT_GT(circle_overlap(h), 0);
}

TEST(Experiment, OverlapIsOfTheWidestCircle) {
  auto h = small_header();
  h.slices = 1;
  h.slice_thickness_A = 1;
  h.C30_A = 0;
  h.C10_A = -100; // 2.5 A at 25 mrad; at the lower surface 2.475 A
  h.scan_step_A = {2, 4};
  EXPECT_NEAR(circle_overlap(h), 1 - 4 / 5.0, 1e-12);
  EXPECT_FALSE(complaint_of_overlap(h));
  h.slice_thickness_A = 300; // 5 A below
  EXPECT_NEAR(circle_overlap(h), 1 - 4 / 10.0, 1e-12);
}

TEST(Experiment, CirclesApartAreSaid) {
  auto h = small_header();
  h.slices = 1;
  h.C10_A = h.C30_A = 0; // in focus: 0.61 lambda / alpha = 0.612 A
  h.scan_step_A = {2, 1};
  const auto line = complaint_of_overlap(h);
  ASSERT_TRUE(line);
  EXPECT_NE(line->find("2 x 1 A"), std::string::npos) << *line;
  EXPECT_NE(line->find("overlap -63 %"), std::string::npos) << *line;
}

} // namespace
} // namespace ptychoscale::test
