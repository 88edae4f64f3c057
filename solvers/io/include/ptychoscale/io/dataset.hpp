#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/multislice/optics.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// Everything about a dataset but its patterns and its truth.
struct DatasetHeader {
  std::string case_name;
  Extent detector; ///< pixels of a pattern (ky, kx)
  PixelSize pixel; ///< real-space pixel in angstrom, of patterns' reciprocal grid and of the volume
  int slices = 0;
  double slice_thickness_A = 0;
  Extent volume; ///< pixels of a slice of the volume
  ScanShape scan;
  PixelSize scan_step_A; ///< step along y and x
  std::vector<Position> positions_A;
  double energy_eV = 0;
  double semiangle_mrad = 0;
  double C10_A = 0;
  double C30_A = 0;
  Aberrations aberrations; ///< that are not round
  bool soft_aperture = true;
  double dose_e_per_A2 = 0; ///< 0: no noise, patterns sum to the transmitted fraction of 1
  double electrons_per_pattern =
      1; ///< what a pattern's counts are divided by before their square root is an amplitude
  std::uint64_t seed = 0;
  std::string specimen_json; ///< parameters of the simulated specimen, JSON text; empty where it is not known
  std::vector<Complex> probe; ///< reciprocal space, [mode][ky][kx], zero frequency first, sum |probe|^2 = 1;
                              ///< modes add up incoherently, the strongest first
  bool probe_stored = true;   ///< in the dataset; else it was made from the optics
  bool scattered = false; ///< positions lie anywhere, whatever their place in `scan`; else they are a raster
  std::vector<std::uint8_t> pixels_used; ///< [ky][kx], zero frequency first: 0 has no weight; empty: all have
  std::vector<std::uint8_t> patterns_used; ///< by position: 0 is left out; empty: none is
};

/// Modes of the dataset's probe.
[[nodiscard]] inline int probe_modes(const DatasetHeader& h) {
  return static_cast<int>(h.probe.size() / h.detector.area());
}

/// The lens of the dataset.
[[nodiscard]] inline Optics optics_of(const DatasetHeader& h) {
  return {h.energy_eV, h.semiangle_mrad, h.C10_A, h.C30_A, h.soft_aperture, h.aberrations};
}

/// Reads a dataset in the layout of solvers/io/README.md (EMD datacube + /ptychoscale). Opening checks every
/// field and shape and throws InputError naming file, field, value and what would be valid. Not thread-safe.
class DatasetReader {
public:
  [[nodiscard]] explicit DatasetReader(const std::filesystem::path& file);
  ~DatasetReader();
  DatasetReader(DatasetReader&&) noexcept;
  /// The file's, as it was given.
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const DatasetHeader& header() const;
  /// 32 hexadecimal digits over the header, the stored patterns and the truth; where the file does not say,
  /// the first call reads all of it.
  [[nodiscard]] const std::string& content_hash() const;
  /// Whether the file says so itself.
  [[nodiscard]] bool is_sealed() const;
  /// Amplitudes sqrt(counts / electrons) of one position, [ky][kx], zero frequency FIRST; `no_weight` where a
  /// pixel has none. Throws InputError naming position and pixel for a NaN, infinite or negative count of
  /// another.
  void read_amplitudes(int position, std::span<float> amplitudes) const;
  /// Hash of a position's counts as they were when they were first read; nothing before.
  [[nodiscard]] std::optional<std::uint64_t> hash_as_read(int position) const;
  /// What is wrong when hashes of all positions that are not left out, as they were read, are not of what was
  /// written under this header; nothing where they are, or the file does not say.
  [[nodiscard]] std::optional<std::string>
  complaint_of_content(const std::map<int, std::uint64_t>& hashes) const;
  [[nodiscard]] bool has_truth() const;
  /// One slice of the true potential, [y][x], V * angstrom.
  void read_truth(int slice, std::span<float> potential) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What DatasetReader::content_hash() of a file should be: made anew from all that it holds now, in one read
/// of it. They differ when header, patterns or truth are not as they were written. Throws InputError as the
/// reader does, and RunError for a pattern that cannot be read.
[[nodiscard]] std::string content_hash_of(const std::filesystem::path& dataset);

/// Adds to a dataset what it should say of its content, and gives its content hash; one that says so already
/// stays as it is. Throws as content_hash_of() does, and InputError when the file cannot be written.
std::string seal(const std::filesystem::path& dataset);

enum class CountType { float32, float16, uint16 };

/// Writes a dataset pattern by pattern into `<file>.partial` and renames it when whole; resumes a partial
/// file of the same header and `origin`, which says what computes the patterns and is not stored in the
/// dataset. Same header and patterns give the same bytes, whatever the order and the interruptions. Every
/// call throws InputError, naming what is needed and what is there, when the file cannot be written or the
/// disk is full, and RunError for an index or size that is wrong.
class DatasetWriter {
public:
  [[nodiscard]] DatasetWriter(const std::filesystem::path& file, const DatasetHeader& header, CountType type,
                              bool with_truth, std::string_view origin = {});
  ~DatasetWriter();
  DatasetWriter(DatasetWriter&&) noexcept;
  /// Whether this goes on with what an interrupted run of the same header and origin has left; anything else
  /// left there is replaced.
  [[nodiscard]] bool resumed() const;
  /// Whether what such a run has left could not be read back, and was replaced for that.
  [[nodiscard]] bool replaced_damaged() const;
  /// How many parts such a run had recorded that are not there as it wrote them; they count as not written.
  [[nodiscard]] int distrusted() const;
  /// Whether an interrupted run has already written this pattern / slice.
  [[nodiscard]] bool has_pattern(int position) const;
  [[nodiscard]] bool has_truth(int slice) const;
  /// Counts [ky][kx], zero frequency FIRST (stored at the centre). Throws InputError naming position and
  /// pixel for a count that is NaN, negative, infinite or above what the stored type holds (65535 for uint16,
  /// 65504 for float16).
  void write_pattern(int position, std::span<const float> counts);
  void write_truth(int slice, std::span<const float> potential);
  /// Reads back a slice of the truth written before (resume).
  void read_truth(int slice, std::span<float> potential) const;
  /// Makes what was written survive a kill.
  void flush();
  /// Adds the content hash, closes and renames; throws RunError if a pattern or slice is missing.
  void finish();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
