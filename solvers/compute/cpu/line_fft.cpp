#include "line_fft.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <fftw3.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cctype>
#include <charconv>
#include <utility>

namespace ptychoscale {
namespace {

fftwf_complex* raw(Complex* p) { return reinterpret_cast<fftwf_complex*>(p); }

/// Longer lines than any grid has are none that was learned.
constexpr int longest = 1 << 20;

/// How `lines` lines lie in memory: element stride and distance between lines.
struct Layout {
  int lines;
  int stride;
  int distance;
};

fftwf_plan make_plan(Complex* scratch, int length, Layout l, Direction direction, unsigned flags) {
  // Rows of odd length start anywhere.
  if (l.stride == 1 && length % 2 != 0) flags |= FFTW_UNALIGNED;
  const int sign = direction == Direction::forward ? FFTW_FORWARD : FFTW_BACKWARD;
  return fftwf_plan_many_dft(1, &length, l.lines, raw(scratch), nullptr, l.stride, l.distance, raw(scratch),
                             nullptr, l.stride, l.distance, sign, flags);
}

// PATIENT, because MEASURE does not try the buffered plans that make column blocks up to 1.5 x faster; the
// lines are short and what was found is kept as wisdom.
unsigned flags_of(Planning planning) {
  return planning == Planning::measure ? FFTW_PATIENT | FFTW_WISDOM_ONLY : FFTW_ESTIMATE;
}

std::string exported_wisdom() {
  const std::unique_ptr<char, decltype(&fftwf_free)> text(fftwf_export_wisdom_to_string(), &fftwf_free);
  if (!text) throw RunError("FFTW could not write its wisdom");
  return text.get();
}

[[noreturn]] void refuse_wisdom() {
  throw InputError(
      "FFTW wisdom: the text is not wisdom of this FFTW in single precision; delete the cache file");
}

} // namespace

void LineFft::Destroy::operator()(fftwf_plan_s* plan) const noexcept { fftwf_destroy_plan(plan); }

LineFft::LineFft(Planning planning) : planning_(planning) {}

/// All plans of a length, or none of them where FFTW cannot make one, as from wisdom of another processor.
std::optional<LineFft::Plans> LineFft::make_plans(Complex* scratch, int length, unsigned flags) {
  Plans made;
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    const auto d = static_cast<std::size_t>(direction);
    made.row[d].reset(make_plan(scratch, length, {1, 1, length}, direction, flags));
    made.rows[d].reset(make_plan(scratch, length, {row_block, 1, length}, direction, flags));
    made.columns[d].reset(make_plan(scratch, length, {block, block, 1}, direction, flags));
    if (!made.row[d] || !made.rows[d] || !made.columns[d]) return std::nullopt;
  }
  return made;
}

LineFft::Plans LineFft::need_plans(int length, unsigned flags) {
  MeteredVector<Complex, MemoryLabel::fft> scratch(static_cast<std::size_t>(length) * block);
  auto made = make_plans(scratch.data(), length, flags);
  if (!made) throw RunError(fmt::format("FFTW could not plan length {}; delete its wisdom file", length));
  return std::move(*made);
}

void LineFft::prepare(int length) {
  if (plans_.contains(length)) return;
  // The planner looks at all it knows, the parts of other lengths too: it may know this length only.
  fftwf_forget_wisdom();
  if (planning_ == Planning::measure) {
    if (!wisdom_.contains(length)) {
      const Plans measured = need_plans(length, FFTW_PATIENT);
      wisdom_[length] = exported_wisdom();
      fftwf_forget_wisdom();
    }
    if (fftwf_import_wisdom_from_string(wisdom_[length].c_str()) == 0) refuse_wisdom();
  }
  plans_.emplace(length, need_plans(length, flags_of(planning_)));
}

const LineFft::Plans& LineFft::plans(int length) const {
  const auto found = plans_.find(length);
  if (found == plans_.end()) throw RunError(fmt::format("transform length {} was never prepared", length));
  return found->second;
}

void LineFft::rows(Complex* lines, int count, int length, Direction direction) const {
  const auto d = static_cast<std::size_t>(direction);
  if (count == row_block) {
    fftwf_execute_dft(plans(length).rows[d].get(), raw(lines), raw(lines));
    return;
  }
  for (int i = 0; i < count; ++i, lines += length)
    fftwf_execute_dft(plans(length).row[d].get(), raw(lines), raw(lines));
}

void LineFft::columns(Complex* lines, int length, Direction direction) const {
  fftwf_execute_dft(plans(length).columns[static_cast<std::size_t>(direction)].get(), raw(lines), raw(lines));
}

std::string LineFft::wisdom() const {
  nlohmann::ordered_json all{{"version", std::string(fftwf_version)}};
  for (const auto& [length, text] : wisdom_) all[std::to_string(length)] = text;
  return all.dump(2) + '\n';
}

/// Whether the wisdom is all that the plans of a length need. What it takes to find out is not the run's
/// memory and is not metered.
bool LineFft::suffices(const std::string& text, int length) {
  fftwf_forget_wisdom();
  if (fftwf_import_wisdom_from_string(text.c_str()) == 0) return false;
  const std::unique_ptr<void, decltype(&fftwf_free)> scratch(
      fftwf_malloc(static_cast<std::size_t>(length) * block * sizeof(Complex)), &fftwf_free);
  return scratch && make_plans(static_cast<Complex*>(scratch.get()), length, flags_of(Planning::measure));
}

void LineFft::learn(const std::string& wisdom) {
  check_json(wisdom, "FFTW wisdom");
  const auto all = nlohmann::json::parse(wisdom);
  if (!all.is_object() || all.value("version", nlohmann::json()) != std::string(fftwf_version))
    refuse_wisdom();
  std::map<int, std::string> learned;
  for (const auto& [key, text] : all.items()) {
    if (key == "version") continue;
    int length = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), length);
    if (error != std::errc() || *end != '\0' || length < 1 || length > longest || !text.is_string() ||
        !suffices(text.get_ref<const std::string&>(), length))
      refuse_wisdom();
    learned.emplace(length, text);
  }
  wisdom_.merge(learned);
}

std::string planning_library() {
  std::string name(fftwf_version);
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '-';
  return name;
}

} // namespace ptychoscale
