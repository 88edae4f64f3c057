#include "ptychoscale/files/json_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

namespace ptychoscale {

std::string read_json(const std::filesystem::path& file, std::string_view kind) {
  const auto fail = [&](std::string_view reason) {
    throw InputError(fmt::format("{}: cannot be read ({}); valid: {}", file.string(), reason, kind));
  };
  std::error_code error;
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error))
    fail("not a regular file");
  if (const auto bytes = std::filesystem::file_size(file, error); !error && bytes > most_json_bytes)
    fail(fmt::format("it has {} bytes, {} are the most", bytes, most_json_bytes));
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) fail("a read failed");
  check_json(text, file.string());
  return text;
}

} // namespace ptychoscale
