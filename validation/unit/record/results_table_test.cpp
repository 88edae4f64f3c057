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

} // namespace
} // namespace ptychoscale
