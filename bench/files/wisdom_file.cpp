#include "ptychoscale/files/wisdom_file.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/files/json_file.hpp"
#include "ptychoscale/files/output_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace ptychoscale {
namespace {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? fs::path(value) : fs::path();
}

/// FNV-1a. FFTW takes wisdom in which a digit has changed, and then computes other bits.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return fmt::format("{:016x}", hash);
}

std::string file_text(const std::string& knowledge) {
  const auto fftw = Json::parse(knowledge);
  return Json{{"checksum", checksum(fftw.dump())}, {"fftw", fftw}}.dump(2) + "\n";
}

/// The backend's knowledge in a file. Throws InputError.
std::string knowledge_in(const fs::path& file) {
  const auto json = Json::parse(read_json(file, "FFTW wisdom"));
  if (!json.is_object() || !json.contains("fftw") ||
      json.value("checksum", Json()) != checksum(json["fftw"].dump()))
    throw InputError("it is damaged, or was written by something else");
  return json["fftw"].dump(2) + "\n";
}

bool has_text(const fs::path& file, const std::string& text) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return false;
  std::ifstream in(file, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(in), {}} == text;
}

} // namespace

fs::path default_wisdom_file() {
  auto cache = folder_from("XDG_CACHE_HOME");
  if (cache.empty() && !folder_from("HOME").empty()) cache = folder_from("HOME") / ".cache";
  return cache.empty() ? fs::path()
                       : cache / "ptychoscale" / fmt::format("wisdom-{}.json", planning_library());
}

void load_wisdom(Backend& backend, const fs::path& file) {
  std::error_code error;
  if (file.empty() || !fs::exists(file, error)) return;
  try {
    backend.learn_planning(knowledge_in(file));
  } catch (const InputError& why) {
    const auto reason = shortened(why.what(), 2 * longest_value);
    if (file != default_wisdom_file())
      throw InputError(
          fmt::format("{}: is not single-precision wisdom of this FFTW ({}); delete it, or name another "
                      "file with --fftw-wisdom",
                      file.string(), reason));
    fmt::print(stderr,
               "ptychoscale: warning: {}: is not single-precision wisdom of this FFTW ({}) and is learned "
               "anew; this "
               "run may differ from earlier ones in the last bits\n",
               file.string(), in_one_line(reason));
  }
}

void save_wisdom(const Backend& backend, const fs::path& file) {
  try {
    const auto knowledge = backend.planning_knowledge();
    if (knowledge.empty()) return; // of a backend that searches nothing; what another one knows stays
    if (file.empty()) throw InputError("FFTW wisdom: neither XDG_CACHE_HOME nor HOME is set");
    std::error_code error;
    if (file.has_parent_path()) fs::create_directories(file.parent_path(), error);
    const auto text = file_text(knowledge);
    if (!has_text(file, text)) write_text(file, text);
  } catch (const InputError& e) {
    fmt::print(stderr, "ptychoscale: warning: {}; without it the next run may differ in the last bits\n",
               e.what());
  }
}

} // namespace ptychoscale
