#include "content_hash.hpp"

#include "counts.hpp"
#include "dataset_format.hpp"
#include "hash.hpp"
#include "hdf5.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/sync.hpp"
#include "skeleton.hpp"

#include <fmt/format.h>

#include <utility>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;

CountType type_in(const Handle& patterns) {
  const Handle type(hdf5::check(H5Dget_type(patterns), "cannot get a type"), H5Tclose);
  return count_type(hdf5::type_name(type));
}

void hash_patterns(const Handle& patterns, const DatasetHeader& h, CountType type, const std::string& file,
                   PartHashes& parts) {
  const Handle as_stored = dataset_format::type_of_counts(type); // the library converts nothing
  MeteredVector<std::byte, MemoryLabel::other> counts(h.detector.area() * bytes_per_count(type));
  const Shape one{1, 1, static_cast<hsize_t>(h.detector.y), static_cast<hsize_t>(h.detector.x)};
  for (int i = 0; i < static_cast<int>(h.positions_A.size()); ++i) {
    const Shape offset{static_cast<hsize_t>(i / h.scan.columns), static_cast<hsize_t>(i % h.scan.columns), 0,
                       0};
    hdf5::read_box(patterns, offset, one, as_stored, counts.data(),
                   fmt::format("'{}': position {} cannot be read", file, i));
    parts.patterns[i] = murmur64(counts, 0);
  }
}

void hash_truth(const DatasetReader& reader, PartHashes& parts) {
  const DatasetHeader& h = reader.header();
  MeteredVector<float, MemoryLabel::other> slice(h.volume.area());
  for (int s = 0; s < h.slices; ++s) {
    reader.read_truth(s, slice);
    parts.slices[s] = murmur64(std::as_bytes(std::span(slice)), 0);
  }
}

} // namespace

std::string identity_of(const DatasetHeader& h, CountType type, bool with_truth) {
  Record r;
  r.add(dataset_format::schema_version);
  r.add_text(h.case_name);
  r.add(h.detector);
  r.add(h.pixel);
  r.add(h.slices);
  r.add(h.slice_thickness_A);
  r.add(h.volume);
  r.add(h.scan);
  r.add(h.scan_step_A);
  r.add_array(std::span(h.positions_A));
  r.add(h.energy_eV);
  r.add(h.semiangle_mrad);
  r.add(h.C10_A);
  r.add(h.C30_A);
  r.add(h.soft_aperture);
  r.add(h.dose_e_per_A2);
  r.add(h.electrons_per_pattern);
  r.add(h.seed);
  r.add_text(h.specimen_json);
  r.add_array(h.probe_stored ? std::span(h.probe) : std::span<const Complex>());
  r.add(type);
  r.add(with_truth);
  // What came later adds nothing to those that have none of it.
  if (h.scattered) r.add_text("scattered");
  for_each_aberration(h.aberrations, [&](const AberrationTerm& term, const Aberration& a) {
    r.add_text(term.name);
    r.add(a.magnitude_A);
    r.add(a.angle_deg);
  });
  const auto add_mask = [&](std::string_view name, const std::vector<std::uint8_t>& mask) {
    if (mask.empty()) return;
    r.add_text(name);
    r.add_array(std::span(mask));
  };
  add_mask("pixels_used", h.pixels_used);
  add_mask("patterns_used", h.patterns_used);
  return digest(r.bytes());
}

std::string content_hash(std::string_view identity, const PartHashes& parts) {
  Record record;
  record.add_text(identity);
  for (const auto& [position, hash] : parts.patterns) record.add(hash);
  for (const auto& [slice, hash] : parts.slices) record.add(hash);
  return digest(record.bytes());
}

ContentHashes hashes_of_parts(const DatasetHeader& h, std::string_view identity, PartHashes parts) {
  auto content = content_hash(identity, parts);
  std::erase_if(parts.patterns,
                [&](const auto& part) { return !is_used(h, static_cast<std::size_t>(part.first)); });
  return {std::move(content), patterns_hash(identity, parts.patterns)};
}

std::string patterns_hash(std::string_view identity, const std::map<int, std::uint64_t>& patterns) {
  return content_hash(identity, {patterns, {}});
}

namespace {

ContentHashes hashes_of(const DatasetReader& reader, const std::filesystem::path& dataset) {
  const Handle file = hdf5::open_file(dataset, hdf5::Access::read_only);
  const Handle patterns = hdf5::open_dataset(file, dataset_format::patterns);
  const CountType type = type_in(patterns);
  PartHashes parts;
  hash_patterns(patterns, reader.header(), type, dataset.string(), parts);
  if (reader.has_truth()) hash_truth(reader, parts);
  const auto identity = identity_of(reader.header(), type, reader.has_truth());
  return hashes_of_parts(reader.header(), identity, std::move(parts));
}

} // namespace

std::string content_hash_of(const std::filesystem::path& dataset) {
  return hashes_of(DatasetReader(dataset), dataset).content;
}

std::string seal(const std::filesystem::path& dataset) {
  ContentHashes hashes;
  {
    const DatasetReader reader(dataset);
    if (reader.is_sealed()) return reader.content_hash();
    hashes = hashes_of(reader, dataset);
  }
  try {
    Handle file = hdf5::open_file(dataset, hdf5::Access::read_write);
    add_hashes(file, hashes);
    file.close("not closed");
  } catch (const RunError& e) {
    throw InputError(fmt::format("'{}': its content hash cannot be added: {}", dataset.string(), e.what()));
  }
  sync_file(dataset);
  return hashes.content;
}

} // namespace ptychoscale
