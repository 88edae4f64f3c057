#include "ptychoscale/record/results_table.hpp"

#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

bool says(const std::string& table, const std::string& text) { return table.find(text) != std::string::npos; }

TEST(ResultsTable, ShowsTheLoadBesideTheTimes) {
  const auto table =
      results_table(R"({"context": {"load": {"cores": 4, "used_by_others": 0.25}}, "benchmarks": [
    {"method": "serial", "threads": 2},
    {"method": "gd", "threads": 1, "load": {"cores": 2, "used_by_others": null}, "remarks": ["busy machine"]}]})");
  EXPECT_TRUE(says(table, "0.25 of 4          - of 2")) << table;
  EXPECT_TRUE(says(table, "\ngd: busy machine\n")) << table;
}

TEST(ResultsTable, ReadsReportsFromBeforeThereWasALoad) {
  const auto table = results_table(R"({"context": {}, "benchmarks": [{"method": "serial", "threads": 2}]})");
  EXPECT_TRUE(says(table, "cores used by others")) << table;
}

TEST(ResultsTable, HasNoRemarksOnFiguresThatItWithholds) {
  const auto table = results_table(R"({"context": {}, "benchmarks": [
    {"method": "gd", "verified": false, "verification_failed": "seams", "remarks": ["busy machine"]}]})");
  EXPECT_TRUE(says(table, "gd is not verified: seams")) << table;
  EXPECT_FALSE(says(table, "busy machine")) << table;
}

TEST(ResultsTable, SaysWhatBecameOfTheProbeWhereItWasRefined) {
  const auto table = results_table(R"({"context": {}, "benchmarks": [
    {"method": "gd", "probe_change": 0.1234, "probe_power": 1.002}, {"method": "hve"}]})");
  EXPECT_TRUE(
      says(table, "\ngd: the probe was changed by 12.3 % of itself, its power is 1.002 of the beam's\n"))
      << table;
  EXPECT_FALSE(says(table, "hve: the probe")) << table;
  const auto of_scale = results_table(R"({"context": {}, "benchmarks": [
    {"method": "gd", "refine_scale": 2, "amplitude_scale": 1.05, "probe_change": 0.05, "probe_power": 1.1025}]})");
  EXPECT_TRUE(
      says(of_scale, "\ngd: amplitudes are 1.05 times those that the dataset says, electrons 1.103 times\n"))
      << of_scale;
  EXPECT_FALSE(says(of_scale, "the probe")) << of_scale;
  const auto of_modes =
      results_table(R"({"context": {}, "benchmarks": [{"method": "gd", "probe_mode_powers": [0.9, 0.1]}]})");
  EXPECT_TRUE(says(of_modes, "\ngd: the probe's modes have 90.00, 10.00 % of its power\n")) << of_modes;
}

} // namespace
} // namespace ptychoscale
