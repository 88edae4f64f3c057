/// Rates are taken only where they are this program's, whole.
#include "../../scratch_folder.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/files/rates_file.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>

namespace ptychoscale {
namespace {

using Json = nlohmann::ordered_json;

KernelRates some_rates() {
  KernelRates rates;
  rates.device = "a device";
  for (auto& samples : rates.samples) samples = {{64, 1e-6}, {128, 3e-6}};
  return rates;
}

std::string refusal(const std::filesystem::path& file) {
  try {
    (void)read_rates(file);
    return {};
  } catch (const InputError& e) {
    return e.what();
  }
}

TEST(RatesFile, ComesBackAsItWasWritten) {
  const ScratchFolder scratch;
  const auto rates = read_rates(scratch.file(rates_json(some_rates(), {"ptychoscale", "rates"})));
  EXPECT_EQ(rates.device, "a device");
  for (const auto& samples : rates.samples) {
    ASSERT_EQ(samples.size(), 2U);
    EXPECT_EQ(samples[1].elements, 128U);
    EXPECT_EQ(samples[1].seconds, 3e-6);
  }
}

TEST(RatesFile, WhatIsNotIsRefused) {
  const ScratchFolder scratch;
  const auto good = Json::parse(rates_json(some_rates(), {}));
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> changes{
      {[](Json& j) { j["context"]["schema_version"] = 2; }, "context.schema_version is 2; valid: 1"},
      {[](Json& j) { j["context"]["schema_version"] = std::string(9999, '1'); }, "...1111"},
      {[](Json& j) { j["context"].erase("schema_version"); }, "is no report of kernel rates"},
      {[](Json& j) { j = Json::array(); }, "is no report of kernel rates"},
      {[](Json& j) { j["benchmarks"][0]["elements"] = -5; }, "is not the time in s of a verb"},
      {[](Json& j) { j["benchmarks"][0]["elements"] = 6.5; }, "is not the time in s of a verb"},
      {[](Json& j) { j["benchmarks"][0]["real_time"] = 0; }, "is not the time in s of a verb"},
      {[](Json& j) { j["benchmarks"][0]["verb"] = "dance"; }, "is not the time in s of a verb"},
      {[](Json& j) { j["benchmarks"][0]["time_unit"] = "ms"; }, "is not the time in s of a verb"},
      {[](Json& j) {
         j["benchmarks"].erase(0);
         j["benchmarks"].erase(0);
       },
       "has no time of transform_rows"},
      {[](Json& j) { j["benchmarks"] = Json::array(); }, "has no time of transform_rows"}};
  for (const auto& [change, says] : changes) {
    auto changed = good;
    change(changed);
    EXPECT_NE(refusal(scratch.file(changed.dump())).find(says), std::string::npos)
        << says << " is not in " << refusal(scratch.file(changed.dump()));
  }
}

} // namespace
} // namespace ptychoscale
