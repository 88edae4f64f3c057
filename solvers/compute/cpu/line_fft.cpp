#include "line_fft.hpp"

#include "ptychoscale/base/error.hpp"

#include <fftw3.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <charconv>

namespace ptychoscale {
namespace {

fftwf_complex* raw(Complex* p) { return reinterpret_cast<fftwf_complex*>(p); }

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

LineFft::Plans LineFft::make_plans(int length, unsigned flags) {
  MeteredVector<Complex, MemoryLabel::fft> scratch(static_cast<std::size_t>(length) * block);
  Plans made;
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    const auto d = static_cast<std::size_t>(direction);
    made.row[d].reset(make_plan(scratch.data(), length, {1, 1, length}, direction, flags));
    made.rows[d].reset(make_plan(scratch.data(), length, {row_block, 1, length}, direction, flags));
    made.columns[d].reset(make_plan(scratch.data(), length, {block, block, 1}, direction, flags));
    if (!made.row[d] || !made.rows[d] || !made.columns[d])
      throw RunError(fmt::format("FFTW could not plan length {}; delete its wisdom file", length));
  }
  return made;
}

void LineFft::prepare(int length) {
  if (plans_.contains(length)) return;
  // The planner looks at all it knows, the parts of other lengths too: it may know this length only.
  fftwf_forget_wisdom();
  if (planning_ == Planning::measure) {
    if (!wisdom_.contains(length)) {
      const Plans measured = make_plans(length, FFTW_PATIENT);
      wisdom_[length] = exported_wisdom();
      fftwf_forget_wisdom();
    }
    if (fftwf_import_wisdom_from_string(wisdom_[length].c_str()) == 0) refuse_wisdom();
  }
  plans_.emplace(length, make_plans(length, flags_of(planning_)));
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

void LineFft::learn(const std::string& wisdom) {
  const auto all = nlohmann::json::parse(wisdom, nullptr, false);
  if (!all.is_object() || all.value("version", nlohmann::json()) != std::string(fftwf_version))
    refuse_wisdom();
  for (const auto& [key, text] : all.items()) {
    if (key == "version") continue;
    int length = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), length);
    if (error != std::errc() || *end != '\0' || !text.is_string()) refuse_wisdom();
    fftwf_forget_wisdom();
    if (fftwf_import_wisdom_from_string(text.get_ref<const std::string&>().c_str()) == 0) refuse_wisdom();
    wisdom_.emplace(length, text);
  }
}

} // namespace ptychoscale
