#include "ptychoscale/files/wisdom_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/files/output_file.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

namespace ptychoscale {
namespace {
namespace fs = std::filesystem;

fs::path folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? fs::path(value) : fs::path();
}

std::string whole_text(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

} // namespace

fs::path default_wisdom_file() {
  auto cache = folder_from("XDG_CACHE_HOME");
  if (cache.empty() && !folder_from("HOME").empty()) cache = folder_from("HOME") / ".cache";
  return cache.empty() ? fs::path() : cache / "ptychoscale" / "fftw-wisdom.json";
}

void load_wisdom(Backend& backend, const fs::path& file) {
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return;
  std::ifstream in(file, std::ios::binary);
  const std::string text = whole_text(in);
  if (!fs::is_regular_file(file, error) || !in)
    throw InputError(
        fmt::format("{}: FFTW wisdom cannot be read; name another file with --fftw-wisdom", file.string()));
  try {
    backend.learn_planning(text);
  } catch (const InputError&) {
    throw InputError(
        fmt::format("{}: is not single-precision wisdom of this FFTW; delete it, or name another file with "
                    "--fftw-wisdom",
                    file.string()));
  }
}

void save_wisdom(const Backend& backend, const fs::path& file) {
  try {
    const auto knowledge = backend.planning_knowledge();
    if (knowledge.empty()) return; // of a backend that searches nothing; what another one knows stays
    if (file.empty()) throw InputError("FFTW wisdom: neither XDG_CACHE_HOME nor HOME is set");
    std::error_code error;
    if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
    std::ifstream in(file, std::ios::binary);
    if (whole_text(in) != knowledge) write_text(file, knowledge);
  } catch (const InputError& e) {
    fmt::print(stderr, "ptychoscale: warning: {}; without it the next run may differ in the last bits\n",
               e.what());
  }
}

} // namespace ptychoscale
