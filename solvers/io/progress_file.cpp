#include "progress_file.hpp"

#include "hash.hpp"
#include "output_file.hpp"
#include "ptychoscale/io/sync.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ios>
#include <span>
#include <utility>

namespace ptychoscale {
namespace {

enum class Kind : std::uint32_t { pattern, slice };

struct PartRecord {
  Kind kind = Kind::pattern;
  std::uint32_t index = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(PartRecord) == 16);

void write_records(std::ostream& out, Kind kind, const std::map<int, std::uint64_t>& hashes) {
  for (const auto& [index, hash] : hashes) {
    const PartRecord record{kind, static_cast<std::uint32_t>(index), hash};
    out.write(reinterpret_cast<const char*>(&record), sizeof record);
  }
}

std::string with_hash(std::string_view identity) {
  return fmt::format("{} {:016x}", identity, murmur64(std::as_bytes(std::span(identity)), 0));
}

} // namespace

ProgressFile::ProgressFile(std::filesystem::path file, std::string_view identity)
    : file_(std::move(file)), head_(with_hash(identity)) {}

bool ProgressFile::is_damaged() const {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return false;
  std::string head;
  std::getline(in, head);
  return head != with_hash(std::string_view(head).substr(0, head.find_last_of(' ')));
}

bool ProgressFile::load(PartHashes& parts) const {
  std::ifstream in(file_, std::ios::binary);
  std::string head;
  if (!std::getline(in, head) || head != head_) return false;
  for (PartRecord record; in.read(reinterpret_cast<char*>(&record), sizeof record);) {
    auto& hashes = record.kind == Kind::pattern ? parts.patterns : parts.slices;
    hashes[static_cast<int>(record.index)] = record.hash;
  }
  return true;
}

void ProgressFile::start() const {
  std::ofstream out(file_, std::ios::binary | std::ios::trunc);
  out << head_ << '\n' << std::flush;
  if (!out) OutputFile(file_, head_.size() + 1).fail(std::strerror(errno));
}

void ProgressFile::append(const PartHashes& parts) const {
  // Drop a record that a kill cut short, or every later one would be read out of step.
  const std::uintmax_t head = head_.size() + 1;
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file_, failed);
  if (!failed) std::filesystem::resize_file(file_, size - (size - head) % sizeof(PartRecord), failed);
  std::ofstream out(file_, std::ios::binary | std::ios::app);
  write_records(out, Kind::pattern, parts.patterns);
  write_records(out, Kind::slice, parts.slices);
  out.close();
  if (!failed && out) sync_file(file_);
  if (failed || !out) {
    const std::uintmax_t added = (parts.patterns.size() + parts.slices.size()) * sizeof(PartRecord);
    OutputFile(file_, size + added).fail(std::strerror(errno));
  }
}

void ProgressFile::remove() const {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

} // namespace ptychoscale
