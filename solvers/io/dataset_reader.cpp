#include "content_hash.hpp"
#include "counts.hpp"
#include "dataset_format.hpp"
#include "first_read.hpp"
#include "hash.hpp"
#include "hdf5.hpp"
#include "input_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

constexpr int largest_extent = std::numeric_limits<int>::max();

int extent_of(const InputFile& file, const std::string& name, const Shape& shape, std::size_t axis) {
  if (shape[axis] < 1 || shape[axis] > static_cast<hsize_t>(largest_extent)) {
    file.reject(fmt::format("dataset '{}' has shape {}, expected every extent from 1 to {}", name,
                            to_text(shape), largest_extent));
  }
  return static_cast<int>(shape[axis]);
}

void read_patterns_shape(const InputFile& file, DatasetHeader& h) {
  const char* name = dataset_format::patterns;
  file.require_rank(name, 4, "scan_y, scan_x, ky, kx");
  file.require_type(name, {"float32", "float16", "uint16"});
  const Shape shape = file.shape(name);
  h.scan = {extent_of(file, name, shape, 0), extent_of(file, name, shape, 1)};
  h.detector = {extent_of(file, name, shape, 2), extent_of(file, name, shape, 3)};
}

void read_optics(const InputFile& file, DatasetHeader& h) {
  const std::string microscope = std::string(dataset_format::microscope) + "/";
  h.energy_eV = file.number(microscope + "energy_eV");
  h.semiangle_mrad = file.number(microscope + "semiangle_cutoff_mrad");
  h.C10_A = file.number(microscope + "C10_A");
  h.C30_A = file.number(microscope + "C30_A");
  for (const auto& term : aberration_terms) {
    const auto magnitude = fmt::format("{}{}_A", microscope, term.name);
    const auto angle = fmt::format("{}{}_angle_deg", microscope, term.name);
    if (file.is_there(magnitude) || file.is_there(angle))
      h.aberrations.*term.member = {file.number(magnitude), file.number(angle)};
  }
  if (file.is_there(microscope + "soft_aperture"))
    h.soft_aperture = file.boolean(microscope + "soft_aperture");
  h.dose_e_per_A2 = file.number(microscope + "dose_e_per_A2");
}

PixelSize pixel_size(const std::vector<double>& yx) { return {yx[0], yx[1]}; }

void read_own_attributes(const InputFile& file, DatasetHeader& h) {
  const char* own = dataset_format::group;
  h.case_name = file.attribute_text(own, "case_name");
  if (file.has_attribute(own, "seed")) h.seed = file.attribute_unsigned(own, "seed");
  h.electrons_per_pattern = file.attribute_number(own, "electrons_per_pattern");
  h.pixel = pixel_size(file.attribute_numbers(own, "pixel_A", 2));
  h.scan_step_A = pixel_size(file.attribute_numbers(own, "scan_step_A", 2));
  h.slices = file.attribute_integer(own, "slices", 1, largest_extent);
  h.slice_thickness_A = file.attribute_number(own, "slice_thickness_A");
  const std::vector<double> volume = file.attribute_numbers(own, "volume", 2);
  for (const double pixels : volume) {
    if (!(pixels >= 1 && pixels <= largest_extent && pixels == std::floor(pixels))) {
      file.reject(
          fmt::format("attribute 'volume' of '{}' = [{}, {}], expected whole numbers of pixels from 1 to {}",
                      own, volume[0], volume[1], largest_extent));
    }
  }
  h.volume = {static_cast<int>(volume[0]), static_cast<int>(volume[1])};
}

void read_positions(const InputFile& file, DatasetHeader& h) {
  const auto rows = static_cast<hsize_t>(h.scan.rows);
  const auto columns = static_cast<hsize_t>(h.scan.columns);
  file.require_shape(dataset_format::positions, {rows * columns, 2},
                     fmt::format("(y, x) of each position of the {} x {} scan", rows, columns));
  const std::vector<double> values = file.numbers(dataset_format::positions);
  for (std::size_t i = 0; i < values.size(); i += 2) h.positions_A.push_back({values[i], values[i + 1]});
}

/// Whether positions form a raster, which is what most do.
bool is_scattered(const InputFile& file) {
  if (!file.has_attribute(dataset_format::group, "scan")) return false;
  const std::string scan = file.attribute_text(dataset_format::group, "scan");
  if (scan != "raster" && scan != "scattered")
    file.reject(fmt::format("attribute 'scan' of '{}' = '{}', expected 'raster' or 'scattered'",
                            dataset_format::group, scan));
  return scan == "scattered";
}

void read_masks(const InputFile& file, DatasetHeader& h) {
  if (file.is_there(dataset_format::pixels_used)) {
    file.require_shape(dataset_format::pixels_used,
                       {static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)},
                       "the detector's");
    h.pixels_used.resize(h.detector.area());
    move_zero_to_front(file.flags(dataset_format::pixels_used), h.pixels_used, h.detector);
  }
  if (file.is_there(dataset_format::patterns_used)) {
    file.require_shape(dataset_format::patterns_used, {h.positions_A.size()}, "one for each position");
    h.patterns_used = file.flags(dataset_format::patterns_used);
  }
}

void read_probe(const InputFile& file, DatasetHeader& h) {
  h.probe_stored = file.is_there(dataset_format::probe);
  if (!h.probe_stored) return;
  Shape expected{static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)};
  if (const Shape found = file.shape(dataset_format::probe); found.size() == 3) {
    if (found[0] < 1 || found[0] > most_probe_modes)
      file.reject(fmt::format("dataset '{}' has shape {}, expected 1 to {} modes", dataset_format::probe,
                              to_text(found), most_probe_modes));
    expected.insert(expected.begin(), found[0]);
  }
  file.require_shape(dataset_format::probe, expected, "the detector's, or several modes of it");
  h.probe = file.complex_numbers(dataset_format::probe);
}

/// Our own writer adds the hash last, so that without it patterns are missing.
void refuse_unfinished(const InputFile& file) {
  constexpr const char* author = "authoring_program";
  if (file.has_attribute(dataset_format::group, "content_hash") || !file.has_attribute("/", author) ||
      file.attribute_text("/", author) != "ptychoscale")
    return;
  file.reject(fmt::format("'{}' has no attribute 'content_hash', which ptychoscale writes last: the file is "
                          "unfinished, expected a dataset that `ptychoscale simulate` has finished",
                          dataset_format::group));
}

DatasetHeader read_header(const InputFile& file) {
  DatasetHeader h;
  file.require(dataset_format::group, "group");
  file.require(dataset_format::patterns, "dataset"); // which another kind of ours lacks
  file.require_schema(dataset_format::group, dataset_format::schema_version);
  read_patterns_shape(file, h);
  refuse_unfinished(file);
  read_optics(file, h);
  read_own_attributes(file, h);
  h.scattered = is_scattered(file);
  read_positions(file, h);
  read_masks(file, h);
  read_probe(file, h);
  if (file.is_there(dataset_format::specimen)) h.specimen_json = file.text(dataset_format::specimen);
  dataset_format::check_ranges(h, file.name());
  if (!h.probe_stored) h.probe = make_probe(optics_of(h), h.detector, h.pixel);
  dataset_format::check_header(h, file.name());
  return h;
}

} // namespace

struct DatasetReader::Impl {
  explicit Impl(const std::filesystem::path& path)
      : file(path, "dataset"), header(read_header(file)), patterns(file.dataset(dataset_format::patterns)),
        sealed(file.has_attribute(dataset_format::group, "content_hash")),
        content_hash(sealed ? file.attribute_text(dataset_format::group, "content_hash") : ""),
        type(count_type(file.type_name(dataset_format::patterns))), hashes(header.positions_A.size()),
        centred(header.detector.area()) {
    if (file.type_name(dataset_format::patterns) == "float16") halves.resize(centred.size());
    if (file.has_attribute(dataset_format::group, "patterns_hash"))
      stored_patterns_hash = file.attribute_text(dataset_format::group, "patterns_hash");
    if (!header.pixels_used.empty()) {
      used_as_stored.resize(centred.size());
      move_zero_to_centre(header.pixels_used, used_as_stored, header.detector);
    }
    if (!file.is_there(dataset_format::truth)) return;
    file.require_shape(dataset_format::truth,
                       {static_cast<hsize_t>(header.slices), static_cast<hsize_t>(header.volume.y),
                        static_cast<hsize_t>(header.volume.x)},
                       "slices and the volume's pixels");
    file.require_type(dataset_format::truth, {"float32", "float64"});
    truth = file.dataset(dataset_format::truth);
  }
  /// Read at once: by the time it is asked for, another thread may be loading patterns, and HDF5 is for one.
  std::optional<std::string> stored_patterns_hash;
  void read_counts(int position);
  void set_unused_pixels(float value);
  [[nodiscard]] std::uint64_t hash_of_counts() const;
  [[noreturn]] void reject_count(int position, std::size_t pixel) const;

  InputFile file;
  DatasetHeader header;
  Handle patterns;
  Handle truth;
  bool sealed;
  std::string content_hash; ///< empty where it is not known yet
  CountType type;
  std::vector<std::optional<std::uint64_t>> hashes; ///< of counts as stored, by position, once read
  std::vector<std::uint8_t> used_as_stored;         ///< pixels with weight; empty: all of them
  MeteredVector<float, MemoryLabel::other> centred;
  MeteredVector<std::uint16_t, MemoryLabel::other> halves; ///< counts as stored, when that is float16
};

/// Fills `centred`. The library converts float16 twenty times slower than the disk delivers it, so that is
/// done here.
void DatasetReader::Impl::read_counts(int position) {
  const auto row = static_cast<hsize_t>(position / header.scan.columns);
  const auto column = static_cast<hsize_t>(position % header.scan.columns);
  const Shape offset{row, column, 0, 0};
  const Shape count{1, 1, static_cast<hsize_t>(header.detector.y), static_cast<hsize_t>(header.detector.x)};
  const std::string what = fmt::format("'{}': position {} cannot be read", file.name(), position);
  if (halves.empty()) return hdf5::read_box(patterns, offset, count, H5T_NATIVE_FLOAT, centred.data(), what);
  hdf5::read_box(patterns, offset, count, hdf5::half_type(), halves.data(), what);
  std::ranges::transform(halves, centred.begin(), float_from_half);
}

void DatasetReader::Impl::set_unused_pixels(float value) {
  for (std::size_t i = 0; i < used_as_stored.size(); ++i)
    if (used_as_stored[i] == 0) centred[i] = value;
}

/// Of what read_counts() has read, as the writer made it of what it wrote.
std::uint64_t DatasetReader::Impl::hash_of_counts() const {
  if (!halves.empty()) return murmur64(std::as_bytes(std::span(halves)), 0);
  if (type == CountType::float32) return murmur64(std::as_bytes(std::span(centred)), 0);
  MeteredVector<std::byte, MemoryLabel::other> stored(centred.size() * bytes_per_count(type));
  encode(type, centred, stored);
  return murmur64(stored, 0);
}

/// Names the pixel as the file stores it, where the user will look for it.
void DatasetReader::Impl::reject_count(int position, std::size_t pixel) const {
  const auto nx = static_cast<std::size_t>(header.detector.x);
  file.reject(fmt::format(
      "dataset '{}', {}, pixel (ky, kx) = ({}, {}) counts {}, expected a finite number that is not "
      "negative, or a mask `pixels_used` that hides the pixel",
      dataset_format::patterns, place_of(header, position), pixel / nx, pixel % nx, centred[pixel]));
}

DatasetReader::DatasetReader(const std::filesystem::path& file) {
  read_first_in_a_child(file.string(), [&] { const Impl tried(file); });
  impl_ = std::make_unique<Impl>(file);
}
DatasetReader::~DatasetReader() = default;
DatasetReader::DatasetReader(DatasetReader&&) noexcept = default;

const std::string& DatasetReader::name() const { return impl_->file.name(); }
const DatasetHeader& DatasetReader::header() const { return impl_->header; }
bool DatasetReader::is_sealed() const { return impl_->sealed; }
const std::string& DatasetReader::content_hash() const {
  if (impl_->content_hash.empty()) impl_->content_hash = content_hash_of(name());
  return impl_->content_hash;
}
std::optional<std::uint64_t> DatasetReader::hash_as_read(int position) const {
  return impl_->hashes.at(static_cast<std::size_t>(position));
}

std::optional<std::string>
DatasetReader::complaint_of_content(const std::map<int, std::uint64_t>& hashes) const {
  const Impl& r = *impl_;
  if (!r.stored_patterns_hash) return std::nullopt;
  const auto& stored = *r.stored_patterns_hash;
  const auto found = patterns_hash(identity_of(r.header, r.type, has_truth()), hashes);
  if (found == stored) return std::nullopt;
  return fmt::format("is not what was written: its patterns and header give the hash {:.8}, it says {:.8}; "
                     "make it again or get another copy",
                     found, stored);
}

bool DatasetReader::has_truth() const { return impl_->truth >= 0; }

void DatasetReader::read_amplitudes(int position, std::span<float> amplitudes) const {
  Impl& r = *impl_;
  const DatasetHeader& h = r.header;
  if (position < 0 || static_cast<std::size_t>(position) >= h.positions_A.size() ||
      amplitudes.size() != h.detector.area()) {
    throw RunError(fmt::format("'{}': {} amplitudes of position {}, expected {} of one from 0 to {}",
                               r.file.name(), amplitudes.size(), position, h.detector.area(),
                               h.positions_A.size() - 1));
  }
  r.read_counts(position);
  if (auto& hash = r.hashes[static_cast<std::size_t>(position)]; !hash) hash = r.hash_of_counts();
  r.set_unused_pixels(0); // they may hold anything
  if (const auto bad = first_invalid(r.centred, std::numeric_limits<float>::max()))
    r.reject_count(position, *bad);
  const auto per_electron = static_cast<float>(1 / h.electrons_per_pattern);
  for (float& value : r.centred) value = std::sqrt(value * per_electron);
  r.set_unused_pixels(no_weight);
  move_zero_to_front(r.centred, amplitudes, h.detector);
}

void DatasetReader::read_truth(int slice, std::span<float> potential) const {
  const DatasetHeader& h = impl_->header;
  if (!has_truth()) impl_->file.reject(fmt::format("has no dataset '{}'", dataset_format::truth));
  if (slice < 0 || slice >= h.slices || potential.size() != h.volume.area()) {
    throw RunError(fmt::format("'{}': slice {} of the truth into {} pixels, expected 0 to {} into {}",
                               impl_->file.name(), slice, potential.size(), h.slices - 1, h.volume.area()));
  }
  hdf5::read_box(impl_->truth, {static_cast<hsize_t>(slice), 0, 0},
                 {1, static_cast<hsize_t>(h.volume.y), static_cast<hsize_t>(h.volume.x)}, H5T_NATIVE_FLOAT,
                 potential.data(),
                 fmt::format("'{}': slice {} of the truth cannot be read", impl_->file.name(), slice));
}

} // namespace ptychoscale
