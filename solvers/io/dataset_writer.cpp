#include "content_hash.hpp"
#include "counts.hpp"
#include "dataset_format.hpp"
#include "hash.hpp"
#include "hdf5.hpp"
#include "output_file.hpp"
#include "progress_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/sync.hpp"
#include "skeleton.hpp"

#include <fmt/format.h>

namespace ptychoscale {
namespace {

using hdf5::Handle;
using hdf5::Shape;
using MeteredBytes = MeteredVector<std::byte, MemoryLabel::other>;

std::uintmax_t bytes_needed(const DatasetHeader& h, CountType type, bool with_truth) {
  constexpr std::uintmax_t fixed = 1 << 16; // groups, attributes, heaps
  constexpr std::uintmax_t per_chunk = 128; // B-tree key and its share of half-full nodes
  const std::uintmax_t positions = h.positions_A.size();
  std::uintmax_t bytes = fixed + positions * (h.detector.area() * bytes_per_count(type) + per_chunk + 16) +
                         h.probe.size() * sizeof(Complex) + h.specimen_json.size();
  if (with_truth)
    bytes += static_cast<std::uintmax_t>(h.slices) * (h.volume.area() * sizeof(float) + per_chunk);
  return bytes;
}

} // namespace

struct DatasetWriter::Impl {
  Impl(const std::filesystem::path& target, const DatasetHeader& h, CountType t, bool truth_wanted,
       std::string_view origin)
      : file(output_target(target)), header(h), type(t), with_truth(truth_wanted),
        identity(identity_of(h, t, truth_wanted)),
        partial(file.string() + ".partial", bytes_needed(h, t, truth_wanted)),
        progress(file.string() + ".partial.progress", fmt::format("{} {}", identity, origin)),
        centred(h.detector.area()), stored(h.detector.area() * bytes_per_count(t)) {}

  void open();
  void start_afresh();
  bool open_partial();
  [[nodiscard]] bool is_skeleton_as_made() const;
  [[nodiscard]] ContentHashes hashes() const { return hashes_of_parts(header, identity, written); }
  void close_datasets();
  void close();
  void keep_what_is_as_recorded();
  [[nodiscard]] bool holds(hid_t dataset, const Shape& offset, std::size_t bytes, std::uint64_t hash) const;
  [[nodiscard]] Shape place_of_pattern(int position) const;
  void write_chunk(hid_t dataset, const Shape& offset, std::span<const std::byte> chunk);
  void check_position(int position) const;
  void check_slice(int slice) const;

  std::filesystem::path file;
  DatasetHeader header;
  CountType type;
  bool with_truth;
  std::string identity;
  OutputFile partial;
  ProgressFile progress;
  PartHashes written; ///< all parts in the file
  PartHashes pending; ///< those not yet safe from a kill
  bool resumed = false;
  bool damaged = false; ///< what an earlier run left
  int distrusted = 0;   ///< parts that were recorded and are not what was written
  MeteredVector<float, MemoryLabel::other> centred;
  MeteredBytes stored;
  Handle handle;
  Handle patterns;
  Handle truth;
};

void DatasetWriter::Impl::open() {
  dataset_format::check_header(header, file.string());
  const bool same = progress.load(written);
  resumed = same && open_partial() && is_skeleton_as_made();
  damaged = !resumed && std::filesystem::exists(partial.path()) && (same || progress.is_damaged());
  if (resumed) return keep_what_is_as_recorded();
  close();
  written = {};
  partial.reserve(); // before anything is removed: another run may be at work here
  try {
    start_afresh();
  } catch (...) {
    partial.remove();
    progress.remove();
    throw;
  }
}

void DatasetWriter::Impl::start_afresh() {
  progress.remove();
  partial.writing([&] { create_skeleton(partial.path(), header, type, with_truth, identity); });
  partial.reserve(); // creating has given back what was reserved, and the file is still full of holes
  progress.start();
  partial.writing([&] {
    if (!open_partial()) throw RunError("it cannot be read back");
  });
}

/// Opens the unfinished file; false when it cannot be used.
bool DatasetWriter::Impl::open_partial() {
  if (!std::filesystem::exists(partial.path())) return false;
  try {
    handle = hdf5::open_file(partial.path(), hdf5::Access::read_write);
    patterns = hdf5::open_dataset(handle, dataset_format::patterns);
    if (with_truth) truth = hdf5::open_dataset(handle, dataset_format::truth);
    return true;
  } catch (const hdf5::LockError& e) { // it is not known to be of no use
    throw InputError(e.what());
  } catch (const RunError&) {
    close();
    return false;
  }
}

/// Header, positions, probe and all that readers look for were written before any part was recorded.
bool DatasetWriter::Impl::is_skeleton_as_made() const {
  bool as_made = false;
  partial.writing(
      [&] { as_made = is_skeleton_of(partial.path(), header, type, with_truth, identity, hashes()); });
  return as_made;
}

/// Reads all parts that are recorded; those that are not there as they were written will be written again.
void DatasetWriter::Impl::keep_what_is_as_recorded() {
  const auto drop = [&](std::map<int, std::uint64_t>& parts, int count, const auto& is_there) {
    distrusted += static_cast<int>(std::erase_if(parts, [&](const auto& part) {
      return part.first < 0 || part.first >= count || !is_there(part.first, part.second);
    }));
  };
  drop(written.patterns, static_cast<int>(header.positions_A.size()), [&](int position, std::uint64_t hash) {
    return holds(patterns, place_of_pattern(position), stored.size(), hash);
  });
  drop(written.slices, with_truth ? header.slices : 0, [&](int slice, std::uint64_t hash) {
    return holds(truth, {static_cast<hsize_t>(slice), 0, 0}, header.volume.area() * sizeof(float), hash);
  });
}

bool DatasetWriter::Impl::holds(hid_t dataset, const Shape& offset, std::size_t bytes,
                                std::uint64_t hash) const {
  hsize_t size = 0;
  if (H5Dget_chunk_storage_size(dataset, offset.data(), &size) < 0 || size != bytes) return false;
  MeteredBytes chunk(bytes);
  std::uint32_t filters = 0;
  return H5Dread_chunk(dataset, H5P_DEFAULT, offset.data(), &filters, chunk.data()) >= 0 &&
         murmur64(chunk, 0) == hash;
}

Shape DatasetWriter::Impl::place_of_pattern(int position) const {
  const auto columns = static_cast<hsize_t>(header.scan.columns);
  const auto n = static_cast<hsize_t>(position);
  return {n / columns, n % columns, 0, 0};
}

void DatasetWriter::Impl::close_datasets() {
  patterns = Handle();
  truth = Handle();
}

void DatasetWriter::Impl::close() {
  close_datasets();
  handle = Handle();
}

/// Chunks go to their place in the file at once, past HDF5's cache, which could not be emptied on a full
/// disk.
void DatasetWriter::Impl::write_chunk(hid_t dataset, const Shape& offset, std::span<const std::byte> chunk) {
  partial.writing([&] {
    hdf5::check(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset.data(), chunk.size(), chunk.data()),
                "a chunk was not written");
  });
}

void DatasetWriter::Impl::check_position(int position) const {
  if (position < 0 || static_cast<std::size_t>(position) >= header.positions_A.size()) {
    throw RunError(fmt::format("'{}': position {}, expected 0 to {}", file.string(), position,
                               header.positions_A.size() - 1));
  }
}

void DatasetWriter::Impl::check_slice(int slice) const {
  if (!with_truth || slice < 0 || slice >= header.slices) {
    throw RunError(fmt::format("'{}': slice {} of the truth, expected 0 to {} in a file with truth",
                               file.string(), slice, header.slices - 1));
  }
}

DatasetWriter::DatasetWriter(const std::filesystem::path& file, const DatasetHeader& header, CountType type,
                             bool with_truth, std::string_view origin)
    : impl_(std::make_unique<Impl>(file, header, type, with_truth, origin)) {
  impl_->open();
}

DatasetWriter::~DatasetWriter() = default;
DatasetWriter::DatasetWriter(DatasetWriter&&) noexcept = default;

bool DatasetWriter::resumed() const { return impl_->resumed; }
bool DatasetWriter::replaced_damaged() const { return impl_->damaged; }
int DatasetWriter::distrusted() const { return impl_->distrusted; }
bool DatasetWriter::has_pattern(int position) const { return impl_->written.patterns.contains(position); }
bool DatasetWriter::has_truth(int slice) const { return impl_->written.slices.contains(slice); }

void DatasetWriter::write_pattern(int position, std::span<const float> counts) {
  Impl& w = *impl_;
  w.check_position(position);
  if (counts.size() != w.header.detector.area()) {
    throw RunError(fmt::format("'{}': pattern of {} pixels, expected {}", w.file.string(), counts.size(),
                               w.header.detector.area()));
  }
  if (const auto bad = first_invalid(counts, largest_count(w.type))) {
    const auto nx = static_cast<std::size_t>(w.header.detector.x);
    throw InputError(fmt::format(
        "'{}': position {}, pixel (ky, kx) = ({}, {}) counts {}, expected 0 to {} for {}", w.file.string(),
        position, *bad / nx, *bad % nx, counts[*bad], largest_count(w.type), name(w.type)));
  }
  move_zero_to_centre(counts, w.centred, w.header.detector);
  encode(w.type, w.centred, w.stored);
  w.write_chunk(w.patterns, w.place_of_pattern(position), w.stored);
  w.written.patterns[position] = w.pending.patterns[position] = murmur64(w.stored, 0);
}

void DatasetWriter::write_truth(int slice, std::span<const float> potential) {
  Impl& w = *impl_;
  w.check_slice(slice);
  if (potential.size() != w.header.volume.area()) {
    throw RunError(fmt::format("'{}': slice of {} pixels, expected {}", w.file.string(), potential.size(),
                               w.header.volume.area()));
  }
  w.write_chunk(w.truth, {static_cast<hsize_t>(slice), 0, 0}, std::as_bytes(potential));
  w.written.slices[slice] = w.pending.slices[slice] = murmur64(std::as_bytes(potential), 0);
}

void DatasetWriter::read_truth(int slice, std::span<float> potential) const {
  impl_->check_slice(slice);
  if (!has_truth(slice))
    throw RunError(fmt::format("'{}': slice {} is not written yet", impl_->file.string(), slice));
  const Shape shape = truth_shape(impl_->header);
  hdf5::read_box(
      impl_->truth, {static_cast<hsize_t>(slice), 0, 0}, {1, shape[1], shape[2]}, H5T_NATIVE_FLOAT,
      potential.data(),
      fmt::format("'{}': slice {} of the truth cannot be read", impl_->partial.path().string(), slice));
}

void DatasetWriter::flush() {
  impl_->partial.writing([&] { hdf5::check(H5Fflush(impl_->handle, H5F_SCOPE_GLOBAL), "not flushed"); });
  sync_file(impl_->partial.path());
  impl_->progress.append(impl_->pending);
  impl_->pending = {};
}

void DatasetWriter::finish() {
  Impl& w = *impl_;
  const auto slices = static_cast<std::size_t>(w.with_truth ? w.header.slices : 0);
  if (w.written.patterns.size() != w.header.positions_A.size() || w.written.slices.size() != slices) {
    throw RunError(fmt::format("'{}': {} of {} patterns and {} of {} slices of the truth are written",
                               w.file.string(), w.written.patterns.size(), w.header.positions_A.size(),
                               w.written.slices.size(), slices));
  }
  flush();
  w.partial.writing([&] { add_hashes(w.handle, w.hashes()); });
  w.close_datasets();
  w.partial.writing([&] { w.handle.close("not closed"); });
  w.partial.rename_to(w.file);
  w.progress.remove();
}

} // namespace ptychoscale
