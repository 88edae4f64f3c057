#include "ptychoscale/files/rates_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>

namespace ptychoscale {
namespace {

std::optional<Verb> verb_named(const std::string& text) {
  for (std::size_t v = 0; v < verb_count; ++v)
    if (text == name(static_cast<Verb>(v))) return static_cast<Verb>(v);
  return std::nullopt;
}

void add_row(KernelRates& rates, const Json& row) {
  const auto verb = verb_named(row.at("verb").get<std::string>());
  const KernelRates::Sample sample{row.at("elements").get<std::size_t>(), row.at("real_time").get<double>()};
  if (!verb || sample.elements == 0 || !(sample.seconds > 0) || row.at("time_unit") != "s")
    throw InputError(row.dump());
  rates.samples[static_cast<std::size_t>(*verb)].push_back(sample);
}

} // namespace

std::string rates_json(const KernelRates& rates, const std::vector<std::string>& argv) {
  Json context = provenance(evidence_of(rates.device));
  add_occasion(context, argv);
  context["backend"] = rates.device;
  Json rows = Json::array();
  for (std::size_t v = 0; v < verb_count; ++v)
    for (const auto& sample : rates.samples[v]) {
      const auto verb = name(static_cast<Verb>(v));
      rows.push_back({{"name", fmt::format("kernel/{}/{}", verb, sample.elements)},
                      {"run_type", "aggregate"},
                      {"aggregate_name", "fastest"},
                      {"verb", verb},
                      {"elements", sample.elements},
                      {"real_time", sample.seconds},
                      {"time_unit", "s"}});
    }
  return Json{{"context", context}, {"benchmarks", rows}}.dump(2) + "\n";
}

KernelRates read_rates(const std::filesystem::path& file) {
  KernelRates rates;
  try {
    std::ifstream in(file);
    const auto report = Json::parse(in);
    rates.device = report.at("context").at("backend").get<std::string>();
    for (const auto& row : report.at("benchmarks")) add_row(rates, row);
  } catch (const Json::exception&) {
    throw InputError(fmt::format("{}: is no report of kernel rates; make one with: ptychoscale rates -o FILE",
                                 file.string()));
  } catch (const InputError& row) {
    throw InputError(
        fmt::format("{}: {} is not the time in s of a verb; make the file anew with: ptychoscale "
                    "rates -o FILE",
                    file.string(), row.what()));
  }
  for (auto& samples : rates.samples) std::ranges::sort(samples, {}, &KernelRates::Sample::elements);
  return rates;
}

} // namespace ptychoscale
