#include "commands.hpp"
#include "ending.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/files/output_file.hpp"
#include "ptychoscale/io/reconstruction.hpp"
#include "ptychoscale/record/assessment.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace ptychoscale {
namespace {

using Json = nlohmann::ordered_json;

struct AssessOptions {
  std::filesystem::path reconstruction;
  std::filesystem::path dataset;
  std::filesystem::path control;
  Pairing pairing = Pairing::data;
  std::string json;
};

/// A reconstruction as its file describes it.
struct Candidate {
  std::filesystem::path file;
  Mesh mesh;
  int slices = 0;
  Extent volume;
  std::string dataset_hash; ///< empty where the file's report does not say
  int iterations = 0;
  double step = 0; ///< (V * angstrom)^2
};

Candidate describe(const std::filesystem::path& file) {
  const ReconstructionReader reader(file);
  Candidate c{file, reader.mesh(), reader.slices(), reader.volume(), {}, 0, 0};
  check_json(reader.report_json(), fmt::format("{}: its report", file.string()));
  const auto report = Json::parse(reader.report_json());
  if (!report.is_object()) throw InputError(fmt::format("{}: its report is no JSON object", file.string()));
  const auto said = [&](const char* where, auto otherwise) {
    try {
      return report.value(Json::json_pointer(where), otherwise);
    } catch (const Json::exception&) {
      throw InputError(fmt::format("{}: {} in its report is of the wrong type", file.string(), where));
    }
  };
  c.dataset_hash = said("/context/dataset/hash", std::string());
  c.iterations = said("/benchmarks/0/iterations", 0);
  c.step = said("/benchmarks/0/step", 0.0);
  return c;
}

void check_made_from(const Candidate& c, const DatasetReader& dataset, const std::filesystem::path& file) {
  const auto& h = dataset.header();
  if (c.slices != h.slices || c.volume != h.volume)
    throw InputError(fmt::format("{}: holds {} slices of {} x {} pixels, {} has {} of {} x {}; valid: a "
                                 "reconstruction of that dataset",
                                 c.file.string(), c.slices, c.volume.y, c.volume.x, file.string(), h.slices,
                                 h.volume.y, h.volume.x));
  if (!c.dataset_hash.empty() && c.dataset_hash != dataset.content_hash())
    throw InputError(
        fmt::format("{}: was made from a dataset with content hash {:.8}, {} has {:.8}; valid: a "
                    "reconstruction of that one",
                    c.file.string(), c.dataset_hash, file.string(), dataset.content_hash()));
}

void check_control(const Candidate& control, const Candidate& run, Pairing pairing) {
  if (control.mesh.ranks() != 1)
    throw InputError(fmt::format("--control: {} has {} x {} tiles, whose borders it would be measured by; "
                                 "valid: a reconstruction of one tile, as --method serial makes it",
                                 control.file.string(), control.mesh.rows, control.mesh.columns));
  if (pairing == Pairing::steps && (control.iterations != run.iterations || control.step != run.step))
    throw InputError(fmt::format("--pairing: steps needs the same iterations and step, {} has {} and {}, {} "
                                 "has {} and {}; valid: data, or a control made with --iterations {} --step "
                                 "{}",
                                 control.file.string(), control.iterations, control.step, run.file.string(),
                                 run.iterations, run.step, run.iterations, run.step));
}

void check_inputs(const AssessOptions& options, const DatasetReader& dataset) {
  const auto run = describe(options.reconstruction);
  check_made_from(run, dataset, options.dataset);
  if (options.control.empty()) return;
  const auto control = describe(options.control);
  check_made_from(control, dataset, options.dataset);
  check_control(control, run, options.pairing);
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

/// What of one axis the verdict rests on; the keys are those of a run's report, and more with a control.
void add_axis(Json& findings, const std::string& axis, const AxisSeams& run, const AxisSeams* control,
              Pairing pairing) {
  const auto key = [&](const char* metric) { return "seam_" + axis + "_" + metric; };
  findings[key("z")] = or_null(run.summed.z);
  findings[key("step_z")] = or_null(run.summed.step_z);
  findings[key("comb_power")] = or_null(run.summed.comb_power);
  if (control == nullptr) return;
  findings[key("z_control")] = or_null(control->summed.z);
  findings[key("comb_power_control")] = or_null(control->summed.comb_power);
  if (pairing == Pairing::steps) findings[key("excess")] = or_null(border_excess(run, *control));
}

/// Whether the run has seams. What a control of one tile shows at the same borders, too, is the specimen's:
/// its lattice happens to be in step with them.
bool seam_found(const SeamMetrics& run, const SeamMetrics* control, Pairing pairing) {
  const auto verdict = judge_seams(run, control, pairing);
  const auto innocent = control != nullptr ? judge_seams(*control, nullptr) : SeamVerdict{};
  return (verdict.z && !innocent.z) || (verdict.step && !innocent.step) || verdict.comb || verdict.excess;
}

Json findings(const AssessOptions& options) {
  const DatasetReader dataset(options.dataset);
  if (!dataset.has_truth())
    throw InputError(fmt::format("{}: has no ptychoscale/truth to compare with", options.dataset.string()));
  check_inputs(options, dataset);
  const auto quality = assess_quality(options.reconstruction, dataset);
  const auto run = assess_seams(options.reconstruction, dataset, options.reconstruction);
  std::optional<SeamMetrics> control;
  if (!options.control.empty()) control = assess_seams(options.control, dataset, options.reconstruction);
  const auto* paired = control ? &*control : nullptr;
  Json all{{"relative_rmse", or_null(quality.relative_rmse)},
           {"structural_similarity", or_null(quality.similarity)},
           {"frc_resolution_A", or_null(quality.resolution_A)}};
  if (!quality.not_computed.empty()) all["quality_not_computed"] = quality.not_computed;
  add_axis(all, "rows", run.rows, paired ? &paired->rows : nullptr, options.pairing);
  add_axis(all, "columns", run.columns, paired ? &paired->columns : nullptr, options.pairing);
  all["seam_found"] = seam_found(run, paired, options.pairing);
  return all;
}

void print_findings(const Json& all) {
  for (const auto& [key, value] : all.items())
    fmt::print("{:<34}{}\n", key,
               value.is_number_float() ? fmt::format("{:.4g}", value.get<double>()) : value.dump());
}

int assess(const AssessOptions& options) {
  check_json(options.json);
  const auto all = findings(options);
  if (!deliver_json(options.json, all.dump(2) + "\n")) print_findings(all);
  return exit_ok;
}

} // namespace

void add_assess_command(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand(
      "assess", "Compare a reconstruction with the truth, and its tile borders with those of a control");
  const auto o = std::make_shared<AssessOptions>();
  command->add_option("RECONSTRUCTION", o->reconstruction, "The reconstruction to judge")->required();
  command->add_option("--dataset", o->dataset, "The dataset it was made from, with its truth")->required();
  auto* control = command->add_option(
      "--control", o->control, "A reconstruction of one tile: it is measured where the other has borders");
  command
      ->add_option_function<std::string>(
          "--pairing",
          [o](const std::string& word) { o->pairing = word == "steps" ? Pairing::steps : Pairing::data; },
          "What the control shares: data only, or also update rule, step size and iterations, so that errors "
          "compare strip by strip")
      ->check(CLI::IsMember({"data", "steps"}))
      ->default_str("data")
      ->needs(control);
  command->add_option("--json", o->json, "Also write the findings here; - prints them instead of the list");
  command->footer("Example:\n"
                  "  ptychoscale assess gd.h5 --dataset ci.h5 --control serial-same-step.h5 --pairing steps");
  command->callback([&action, o] { action = [o](const Invocation&) { return assess(*o); }; });
}

} // namespace ptychoscale
