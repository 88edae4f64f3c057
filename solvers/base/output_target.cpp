#include "ptychoscale/base/output_target.hpp"

#include "ptychoscale/base/error.hpp"

#include <string>
#include <system_error>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

std::string kind_of(fs::file_type type) {
  switch (type) {
  case fs::file_type::directory:
    return "a directory";
  case fs::file_type::block:
  case fs::file_type::character:
    return "a device";
  case fs::file_type::fifo:
    return "a pipe";
  case fs::file_type::socket:
    return "a socket";
  default:
    return "not a regular file";
  }
}

[[noreturn]] void reject(const fs::path& file, const std::string& what) {
  throw InputError(file.string() + ": " + what + "; give the name of a file");
}

/// Follows links one by one: what they lead to need not be there.
fs::path end_of_links(const fs::path& file) {
  constexpr int most_links = 40; // as many as Linux follows
  fs::path end = file;
  std::error_code none;
  for (int i = 0; fs::is_symlink(fs::symlink_status(end, none)); ++i) {
    if (i == most_links) reject(file, "is a link that leads in a circle");
    const fs::path to = fs::read_symlink(end, none);
    end = to.is_absolute() ? to : end.parent_path() / to;
  }
  return end;
}

} // namespace

fs::path output_target(const fs::path& file) {
  const fs::path target = end_of_links(file);
  std::error_code none;
  const auto type = fs::status(target, none).type();
  if (type != fs::file_type::none && type != fs::file_type::not_found && type != fs::file_type::regular &&
      type != fs::file_type::unknown)
    reject(file, (target == file ? "is " : "leads to " + target.string() + ", which is ") + kind_of(type));
  return target;
}

} // namespace ptychoscale
