#include "line_fft.hpp"

#include "ptychoscale/base/error.hpp"

#include <fftw3.h>
#include <fmt/format.h>

namespace ptychoscale {
namespace {

fftwf_complex* raw(Complex* p) { return reinterpret_cast<fftwf_complex*>(p); }

fftwf_plan make_plan(Complex* scratch, int length, int lines, Direction direction, unsigned flags) {
  // Odd lengths leave every other row unaligned.
  if (lines == 1 && length % 2 != 0) flags |= FFTW_UNALIGNED;
  const int sign = direction == Direction::forward ? FFTW_FORWARD : FFTW_BACKWARD;
  return fftwf_plan_many_dft(1, &length, lines, raw(scratch), nullptr, lines, 1, raw(scratch), nullptr, lines, 1, sign,
                             flags);
}

}  // namespace

void LineFft::Destroy::operator()(fftwf_plan_s* plan) const noexcept { fftwf_destroy_plan(plan); }

LineFft::LineFft(Planning planning) : planning_(planning) {}

void LineFft::prepare(int length) {
  if (plans_.contains(length)) return;
  const unsigned flags = planning_ == Planning::measure ? FFTW_MEASURE : FFTW_ESTIMATE;
  MeteredVector<Complex, MemoryLabel::fft> scratch(static_cast<std::size_t>(length) * block);
  Plans made;
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    const auto d = static_cast<std::size_t>(direction);
    made.row[d].reset(make_plan(scratch.data(), length, 1, direction, flags));
    made.columns[d].reset(make_plan(scratch.data(), length, block, direction, flags));
    if (!made.row[d] || !made.columns[d]) throw RunError(fmt::format("FFTW could not plan length {}", length));
  }
  plans_.emplace(length, std::move(made));
}

const LineFft::Plans& LineFft::plans(int length) const {
  const auto found = plans_.find(length);
  if (found == plans_.end()) throw RunError(fmt::format("transform length {} was never prepared", length));
  return found->second;
}

void LineFft::row(Complex* line, int length, Direction direction) const {
  fftwf_execute_dft(plans(length).row[static_cast<std::size_t>(direction)].get(), raw(line), raw(line));
}

void LineFft::columns(Complex* lines, int length, Direction direction) const {
  fftwf_execute_dft(plans(length).columns[static_cast<std::size_t>(direction)].get(), raw(lines), raw(lines));
}

std::string LineFft::wisdom() {
  const std::unique_ptr<char, decltype(&fftwf_free)> text(fftwf_export_wisdom_to_string(), &fftwf_free);
  return text ? std::string(text.get()) : std::string();
}

void LineFft::learn(const std::string& wisdom) {
  if (!wisdom.empty() && fftwf_import_wisdom_from_string(wisdom.c_str()) == 0)
    throw InputError("FFTW wisdom: the text is not wisdom of this FFTW in single precision; delete the cache file");
}

}  // namespace ptychoscale
