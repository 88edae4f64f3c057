#include "ptychoscale/files/rates_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/files/json_file.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/provenance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace ptychoscale {
namespace {

std::optional<Verb> verb_named(const std::string& text) {
  for (std::size_t v = 0; v < verb_count; ++v)
    if (text == name(static_cast<Verb>(v))) return static_cast<Verb>(v);
  return std::nullopt;
}

void add_row(KernelRates& rates, const Json& row, const std::filesystem::path& file) {
  const auto verb = verb_named(row.at("verb").get<std::string>());
  const auto& elements = row.at("elements");
  const KernelRates::Sample sample{elements.is_number_unsigned() ? elements.get<std::size_t>() : 0,
                                   row.at("real_time").get<double>()};
  if (!verb || sample.elements == 0 || !(sample.seconds > 0) || row.at("time_unit") != "s")
    throw InputError(fmt::format(
        "{}: {} is not the time in s of a verb; make the file anew with: ptychoscale rates -o FILE",
        file.string(), shortened(row.dump(), 2 * longest_value)));
  rates.samples[static_cast<std::size_t>(*verb)].push_back(sample);
}

void check_version(const Json& version, const std::filesystem::path& file) {
  if (version != report_schema_version)
    throw InputError(fmt::format("{}: context.schema_version is {}; valid: {}", file.string(),
                                 shortened(version.dump(), longest_value), report_schema_version));
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
  const auto text = read_json(file, "a report of `ptychoscale rates`");
  try {
    const auto report = Json::parse(text);
    check_version(report.at("context").at("schema_version"), file);
    rates.device = report.at("context").at("backend").get<std::string>();
    for (const auto& row : report.at("benchmarks")) add_row(rates, row, file);
  } catch (const Json::exception&) {
    throw InputError(fmt::format("{}: is no report of kernel rates; make one with: ptychoscale rates -o FILE",
                                 file.string()));
  }
  for (std::size_t v = 0; v < verb_count; ++v) {
    if (rates.samples[v].empty())
      throw InputError(
          fmt::format("{}: has no time of {}; make the file anew with: ptychoscale rates -o FILE",
                      file.string(), name(static_cast<Verb>(v))));
    std::ranges::sort(rates.samples[v], {}, &KernelRates::Sample::elements);
  }
  return rates;
}

} // namespace ptychoscale
