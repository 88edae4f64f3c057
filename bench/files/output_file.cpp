#include "ptychoscale/files/output_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "ptychoscale/io/sync.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <system_error>
#include <unistd.h>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// A file's bytes as people say them.
std::string readable(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.4g} GB", bytes / 1e9);
  return bytes >= 1e6 ? fmt::format("{:.4g} MB", bytes / 1e6) : fmt::format("{:.4g} kB", bytes / 1e3);
}

/// Permission bits say little (root, read-only mounts), so a file of our own is made and removed.
void try_to_create_in(const fs::path& folder, const fs::path& file) {
  auto probe = (folder / ".ptychoscale-XXXXXX").string();
  const int handle = mkstemp(probe.data());
  if (handle < 0)
    throw InputError(fmt::format("{}: cannot be written ({}); choose a folder you may write to",
                                 file.string(), std::strerror(errno)));
  close(handle);
  unlink(probe.c_str());
}

bool is_file(const NamedFile& named) { return !named.file.empty() && named.file != "-"; }

/// Whether both are one file, also where there is none yet.
bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  return fs::weakly_canonical(fs::absolute(a, error), error) ==
             fs::weakly_canonical(fs::absolute(b, error), error) &&
         !error;
}

/// Renames a file once its bytes are on the disk, and has the disk keep the name; false when the disk does
/// not take them or the name.
bool takes_its_name(const fs::path& partial, const fs::path& target) {
  try {
    sync_file(partial);
    fs::rename(partial, target);
    sync_folder(fs::absolute(target).parent_path());
    return true;
  } catch (const InputError&) {
    return false;
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

} // namespace

void check_output(const fs::path& file, std::int64_t bytes) {
  if (file.filename().empty())
    throw InputError(fmt::format("{}: is a folder; give the name of a file", file.string()));
  const auto folder = folder_of(output_target(file));
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw InputError(fmt::format("{}: cannot be written, {} is not a folder; create it first", file.string(),
                                 folder.string()));
  try_to_create_in(folder, file);
  const auto space = fs::space(folder, error);
  if (!error && static_cast<double>(space.available) < static_cast<double>(bytes))
    throw InputError(fmt::format("{}: needs {}, but {} has {} free; choose a disk with more room",
                                 file.string(), readable(static_cast<double>(bytes)), folder.string(),
                                 readable(static_cast<double>(space.available))));
}

void check_apart(const NamedFile& output, std::initializer_list<NamedFile> others) {
  for (const auto& other : others)
    if (is_file(output) && is_file(other) && same_file(output.file, other.file))
      throw InputError(fmt::format("{}: {} is also {}; choose another name", output.option,
                                   output.file.string(), other.option));
}

void write_text(const fs::path& file, std::string_view text) {
  const auto target = output_target(file);
  const fs::path partial = // of its own, since others may write the same file
      fmt::format("{}.{}-{:08x}.partial", target.string(), getpid(), std::random_device{}());
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out && takes_its_name(partial, target)) return;
  std::error_code ignored;
  fs::remove(partial, ignored);
  throw InputError(
      fmt::format("{}: cannot be written; choose a place with room that you may write to", file.string()));
}

void check_json(const std::string& target) {
  constexpr std::int64_t room = 1 << 20;
  if (!target.empty() && target != "-") check_output(target, room);
}

bool deliver_json(const std::string& target, std::string_view json) {
  if (target == "-") {
    fmt::print("{}", json);
    return true;
  }
  if (!target.empty()) write_text(target, json);
  return false;
}

} // namespace ptychoscale
