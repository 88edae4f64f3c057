#pragma once

#include "../../scratch_folder.hpp"
#include "ptychoscale/io/dataset.hpp"

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

/// A 2 x 3 scan of 6 x 8 patterns in a volume of 3 slices of 20 x 24 pixels: every extent differs, so that
/// swapped axes show.
namespace ptychoscale::test {

inline DatasetHeader small_header() {
  DatasetHeader h;
  h.case_name = "small";
  h.detector = {6, 8};
  h.pixel = {0.5, 0.4};
  h.slices = 3;
  h.slice_thickness_A = 1.25;
  h.volume = {20, 24};
  h.scan = {2, 3};
  h.scan_step_A = {1.1, 0.9};
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) h.positions_A.push_back({4.0 + 1.1 * y, 3.6 + 0.9 * x});
  }
  h.energy_eV = 200e3;
  h.semiangle_mrad = 25;
  h.C10_A = -20; // a circle that fits the window
  h.C30_A = 1.5e4;
  h.dose_e_per_A2 = 1e4;
  h.electrons_per_pattern = 9900;
  h.seed = 0x9e3779b97f4a7c15ULL; // above 2^53: must not pass through a double
  h.specimen_json = R"({"thermal": "debye_waller"})";
  const auto n = static_cast<float>(h.detector.area());
  for (std::size_t i = 0; i < h.detector.area(); ++i) {
    h.probe.push_back(std::polar(1 / std::sqrt(n), 0.3F * static_cast<float>(i)));
  }
  return h;
}

/// Whole counts that differ in every pixel of every position.
inline std::vector<float> small_pattern(int position) {
  std::vector<float> counts(small_header().detector.area());
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = static_cast<float>(position * 100 + static_cast<int>(i));
  return counts;
}

/// Exact in float32, so that no compiler rounds it.
inline std::vector<float> small_truth(int slice) {
  std::vector<float> potential(small_header().volume.area());
  for (std::size_t i = 0; i < potential.size(); ++i) {
    potential[i] = static_cast<float>(slice) + 0.375F * static_cast<float>(i);
  }
  return potential;
}

inline void write_small_dataset(const std::filesystem::path& file, CountType type = CountType::float32,
                                bool with_truth = true, const DatasetHeader& h = small_header()) {
  DatasetWriter writer(file, h, type, with_truth);
  for (int p = 0; p < static_cast<int>(h.positions_A.size()); ++p) writer.write_pattern(p, small_pattern(p));
  for (int s = 0; with_truth && s < h.slices; ++s) writer.write_truth(s, small_truth(s));
  writer.finish();
}

inline std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A file-size limit stands for a full disk: past it every write of this process fails, with EFBIG instead of
/// ENOSPC.
inline void limit_file_size(std::uintmax_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, RLIM_INFINITY};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) std::_Exit(3);
}

/// The message of the exception of type E that `step` must throw, or what went wrong instead.
template <class E, class Step> std::string message_of(const Step& step) {
  try {
    step();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another exception: ") + e.what();
  }
  return "no exception";
}

} // namespace ptychoscale::test
