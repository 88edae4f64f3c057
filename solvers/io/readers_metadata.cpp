#include "ptychoscale/io/readers_metadata.hpp"

#include "dataset_format.hpp"
#include "input_file.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

constexpr double tolerance = 1e-6; // other programs may store these in single precision

bool same(double a, double b) { return std::abs(a - b) <= tolerance * std::abs(b); }

/// Size of the detector's pixels, 1 / angstrom.
PixelSize detector_pixel(const DatasetHeader& h) {
  return {1 / (h.detector.y * h.pixel.y), 1 / (h.detector.x * h.pixel.x)};
}

class Findings {
public:
  explicit Findings(const std::filesystem::path& dataset) : file_(dataset, "dataset") {}

  void expect_number(const std::string& name, double expected) {
    check(name, [&] {
      const double found = file_.number(name);
      if (!same(found, expected)) wrong_.push_back(fmt::format("{} = {}, not {}", name, found, expected));
    });
  }
  void expect_text(const std::string& name, const std::string& expected) {
    check(name, [&] {
      const auto found = file_.text(name);
      if (found != expected) wrong_.push_back(fmt::format("{} = '{}', not '{}'", name, found, expected));
    });
  }
  /// The first two values of an axis tell its step.
  void expect_step(const std::string& name, double expected) {
    check(name, [&] {
      const auto found = file_.numbers(name);
      if (found.size() < 2)
        wrong_.push_back(fmt::format("{} has {} values, expected 2 or more", name, found.size()));
      else if (!same(found[1] - found[0], expected))
        wrong_.push_back(fmt::format("{} has steps of {}, not {}", name, found[1] - found[0], expected));
    });
  }
  [[nodiscard]] std::vector<std::string> all() && { return std::move(wrong_); }

private:
  template <class Look> void check(const std::string& name, const Look& look) {
    try {
      look();
    } catch (const InputError&) {
      wrong_.push_back(fmt::format("{} is missing, or of another type", name));
    }
  }

  InputFile file_;
  std::vector<std::string> wrong_;
};

} // namespace

std::optional<std::string> py4dstem_note(const DatasetHeader& h) {
  const auto q = detector_pixel(h);
  if (same(h.scan_step_A.x, h.scan_step_A.y) && same(q.x, q.y)) return std::nullopt;
  return fmt::format(
      "py4DSTEM has one pixel size for y and x and takes those along y: steps {} A, detector pixels "
      "{:.6g} A^-1; along x they are {} A and {:.6g} A^-1",
      h.scan_step_A.y, q.y, h.scan_step_A.x, q.x);
}

bool has_readers_metadata(const std::filesystem::path& dataset) {
  return InputFile(dataset, "dataset").is_there(dataset_format::calibration);
}

std::vector<std::string> wrong_readers_metadata(const std::filesystem::path& dataset,
                                                const DatasetHeader& h) {
  Findings findings(dataset);
  const auto q = detector_pixel(h);
  const std::string calibration = std::string(dataset_format::calibration) + "/";
  findings.expect_number(calibration + "Q_pixel_size", q.y);
  findings.expect_text(calibration + "Q_pixel_units", "A^-1");
  findings.expect_number(calibration + "R_pixel_size", h.scan_step_A.y);
  findings.expect_text(calibration + "R_pixel_units", "A");
  const std::array steps{h.scan_step_A.y, h.scan_step_A.x, q.y, q.x};
  for (std::size_t axis = 0; axis < steps.size(); ++axis)
    findings.expect_step(fmt::format("{}{}", dataset_format::axis, axis), steps[axis]);
  return std::move(findings).all();
}

} // namespace ptychoscale
