#include "skeleton.hpp"

#include "counts.hpp"
#include "dataset_format.hpp"
#include "emd.hpp"
#include "hash.hpp"
#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/readers_metadata.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

void write_metadata(hid_t root, const DatasetHeader& h) {
  const Handle bundle = emd::create_metadata_bundle(root);
  emd::Metadata calibration(bundle, "calibration", "Calibration");
  calibration.number("Q_pixel_size", 1 / (h.detector.y * h.pixel.y));
  calibration.text("Q_pixel_units", "A^-1");
  calibration.number("R_pixel_size", h.scan_step_A.y);
  calibration.text("R_pixel_units", "A");
  calibration.number("QR_rotation_degrees", 0);
  calibration.boolean("QR_flip", false);
  if (const auto note = py4dstem_note(h)) calibration.text("note", *note);
  emd::Metadata microscope(bundle, "microscope", "Metadata");
  microscope.number("energy_eV", h.energy_eV);
  microscope.number("semiangle_cutoff_mrad", h.semiangle_mrad);
  microscope.number("C10_A", h.C10_A);
  microscope.number("C30_A", h.C30_A);
  for_each_aberration(h.aberrations, [&](const AberrationTerm& term, const Aberration& a) {
    microscope.number(fmt::format("{}_A", term.name), a.magnitude_A);
    microscope.number(fmt::format("{}_angle_deg", term.name), a.angle_deg);
  });
  microscope.boolean("soft_aperture", h.soft_aperture);
  microscope.number("dose_e_per_A2", h.dose_e_per_A2);
}

void create_datacube(hid_t root, const DatasetHeader& h, CountType type) {
  const Handle cube = emd::create_array(root, "datacube", "DataCube");
  const Shape shape = pattern_shape(h);
  const Handle data = hdf5::create_chunked(cube, "data", dataset_format::type_of_counts(type), shape,
                                           {1, 1, shape[2], shape[3]});
  hdf5::write_attribute(data, "units",
                        h.dose_e_per_A2 > 0 ? "electrons" : "fraction of the incident intensity");
  emd::write_axis(cube, 0, h.scan_step_A.y, "Ry", "A");
  emd::write_axis(cube, 1, h.scan_step_A.x, "Rx", "A");
  emd::write_axis(cube, 2, 1 / (h.detector.y * h.pixel.y), "Qy", "A^-1");
  emd::write_axis(cube, 3, 1 / (h.detector.x * h.pixel.x), "Qx", "A^-1");
}

void write_masks(hid_t own, const DatasetHeader& h) {
  const auto write = [&](const std::string& name, const std::vector<std::uint8_t>& mask, const Shape& shape) {
    hdf5::write_array(own, name, std::vector<std::int32_t>(mask.begin(), mask.end()), shape);
  };
  if (!h.pixels_used.empty()) {
    std::vector<std::uint8_t> centred(h.pixels_used.size());
    move_zero_to_centre(h.pixels_used, centred, h.detector);
    write("pixels_used", centred, {static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)});
  }
  if (!h.patterns_used.empty()) write("patterns_used", h.patterns_used, {h.patterns_used.size()});
}

void create_own_group(hid_t file, const DatasetHeader& h, bool with_truth) {
  const Handle own = hdf5::create_group(file, dataset_format::group);
  hdf5::write_attribute(own, "schema_version", dataset_format::schema_version);
  hdf5::write_attribute(own, "case_name", h.case_name);
  hdf5::write_attribute(own, "seed", h.seed);
  hdf5::write_attribute(own, "electrons_per_pattern", h.electrons_per_pattern);
  hdf5::write_attribute(own, "pixel_A", std::array{h.pixel.y, h.pixel.x});
  if (h.scattered) hdf5::write_attribute(own, "scan", "scattered");
  hdf5::write_attribute(own, "scan_step_A", std::array{h.scan_step_A.y, h.scan_step_A.x});
  hdf5::write_attribute(own, "slices", std::int64_t{h.slices});
  hdf5::write_attribute(own, "slice_thickness_A", h.slice_thickness_A);
  hdf5::write_attribute(own, "volume", std::array{std::int64_t{h.volume.y}, std::int64_t{h.volume.x}});
  std::vector<double> positions;
  for (const Position& p : h.positions_A) positions.insert(positions.end(), {p.y, p.x});
  hdf5::write_array(own, "positions_A", positions, {h.positions_A.size(), 2});
  if (h.probe_stored) {
    Shape shape{static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)};
    if (probe_modes(h) > 1) shape.insert(shape.begin(), static_cast<hsize_t>(probe_modes(h)));
    hdf5::write_array(own, "probe", h.probe, shape);
  }
  write_masks(own, h);
  if (!h.specimen_json.empty()) hdf5::write_text(own, "specimen", h.specimen_json);
  if (!with_truth) return;
  const Handle truth = hdf5::create_group(own, "truth");
  const Shape shape = truth_shape(h);
  const Handle potential =
      hdf5::create_chunked(truth, "potential", H5T_IEEE_F32LE, shape, {1, shape[1], shape[2]});
  hdf5::write_attribute(potential, "units", "V*A");
}

/// Bytes of a file, [first, last).
struct Extent64 {
  haddr_t first = 0;
  haddr_t last = 0;
};

/// Where the chunk at `offset` lies.
Extent64 place_of_chunk(hid_t dataset, const Shape& offset) {
  unsigned filters = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t bytes = 0;
  hdf5::check(H5Dget_chunk_info_by_coord(dataset, offset.data(), &filters, &address, &bytes),
              "no such chunk");
  if (address == HADDR_UNDEF) throw RunError("a chunk has no place");
  return {address, address + bytes};
}

/// Where patterns and truth lie, ascending.
std::vector<Extent64> places_of_data(hid_t file, const DatasetHeader& h, bool with_truth) {
  std::vector<Extent64> places;
  const Handle patterns = hdf5::open_dataset(file, dataset_format::patterns);
  for (int y = 0; y < h.scan.rows; ++y)
    for (int x = 0; x < h.scan.columns; ++x)
      places.push_back(place_of_chunk(patterns, {static_cast<hsize_t>(y), static_cast<hsize_t>(x), 0, 0}));
  if (with_truth) {
    const Handle truth = hdf5::open_dataset(file, dataset_format::truth);
    for (int s = 0; s < h.slices; ++s)
      places.push_back(place_of_chunk(truth, {static_cast<hsize_t>(s), 0, 0}));
  }
  std::ranges::sort(places, {}, &Extent64::first);
  return places;
}

/// Whether two files agree in [first, last).
bool agree(std::ifstream& a, std::ifstream& b, haddr_t first, haddr_t last) {
  std::array<char, 1 << 16> ours{}, theirs{};
  a.seekg(static_cast<std::streamoff>(first));
  b.seekg(static_cast<std::streamoff>(first));
  for (haddr_t at = first; at < last; at += ours.size()) {
    const auto n = static_cast<std::streamsize>(std::min<haddr_t>(ours.size(), last - at));
    if (!a.read(ours.data(), n) || !b.read(theirs.data(), n) ||
        !std::equal(ours.begin(), ours.begin() + n, theirs.begin()))
      return false;
  }
  return true;
}

/// Whether two files agree in all that lies between `places`, as far as the second reaches.
bool agree_beside(const std::filesystem::path& file, const std::filesystem::path& model,
                  const std::vector<Extent64>& places) {
  std::ifstream a(file, std::ios::binary), b(model, std::ios::binary);
  haddr_t at = 0;
  for (const auto& place : places) {
    if (!agree(a, b, at, place.first)) return false;
    at = place.last;
  }
  return agree(a, b, at, std::filesystem::file_size(model));
}

/// Whatever happens meanwhile.
struct RemovedAtEnd {
  explicit RemovedAtEnd(std::filesystem::path name) : file(std::move(name)) {}
  RemovedAtEnd(const RemovedAtEnd&) = delete;
  RemovedAtEnd& operator=(const RemovedAtEnd&) = delete;
  ~RemovedAtEnd() {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  std::filesystem::path file;
};

} // namespace

Shape pattern_shape(const DatasetHeader& h) {
  return {static_cast<hsize_t>(h.scan.rows), static_cast<hsize_t>(h.scan.columns),
          static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)};
}

Shape truth_shape(const DatasetHeader& h) {
  return {static_cast<hsize_t>(h.slices), static_cast<hsize_t>(h.volume.y), static_cast<hsize_t>(h.volume.x)};
}

void create_skeleton(const std::filesystem::path& file, const DatasetHeader& h, CountType type,
                     bool with_truth, const std::string& identity) {
  Handle handle = hdf5::create_file(file);
  emd::write_file_header(handle, uuid_of(identity));
  const Handle root = emd::create_root(handle, "dataset");
  write_metadata(root, h);
  create_datacube(root, h, type);
  hdf5::link_softly(handle, std::string("/") + dataset_format::patterns, "/dp");
  create_own_group(handle, h, with_truth);
  hdf5::check(H5Fflush(handle, H5F_SCOPE_GLOBAL), fmt::format("cannot write '{}'", file.string()));
}

bool is_skeleton_of(const std::filesystem::path& file, const DatasetHeader& h, CountType type,
                    bool with_truth, const std::string& identity, const ContentHashes& hashes) {
  const std::filesystem::path model = file.string() + ".skeleton";
  const RemovedAtEnd removed(model);
  create_skeleton(model, h, type, with_truth, identity);
  const Handle made = hdf5::open_file(model, hdf5::Access::read_write);
  const auto places = places_of_data(made, h, with_truth);
  if (agree_beside(file, model, places)) return true;
  add_hashes(made, hashes);
  hdf5::check(H5Fflush(made, H5F_SCOPE_GLOBAL), fmt::format("cannot write '{}'", model.string()));
  return agree_beside(file, model, places);
}

void add_hashes(hid_t file, const ContentHashes& hashes) {
  const Handle own(hdf5::check(H5Gopen2(file, dataset_format::group, H5P_DEFAULT), "cannot open a group"),
                   H5Gclose);
  // A run stopped between here and the renaming left them behind.
  if (H5Aexists(own, "content_hash") > 0) return;
  if (H5Aexists(own, "patterns_hash") > 0) H5Adelete(own, "patterns_hash"); // of what is no longer there
  hdf5::write_attribute(own, "patterns_hash", hashes.patterns);
  hdf5::write_attribute(own, "content_hash", hashes.content);
}

} // namespace ptychoscale
