/// The CPU's fused slice steps, for every instruction set that this processor has: against transforms in
/// double precision by the definition, and against the verbs with FFTW.
#include "cpu/columns.hpp"
#include "cpu/fused/verbs.hpp"
#include "cpu/rows.hpp"
#include "kernels_on_host.hpp"

#include <array>
#include <numbers>
#include <numeric>
#include <ostream>

namespace ptychoscale::cpu::fused {
void PrintTo(const KernelSet& k, std::ostream* out) { *out << k.instruction_set; }
} // namespace ptychoscale::cpu::fused

namespace ptychoscale {
namespace {

using cpu::fused::KernelSet;
using cpu::fused::Lines;
using DoubleLine = std::vector<std::complex<double>>;

constexpr float sigma = 7.2884e-4F; // rad / (V angstrom) at 200 kV
/// Powers of two, other even lengths of rows, and for columns any 7-smooth ones, of one to six passes.
constexpr std::array row_lengths{24, 40, 64, 96, 128, 168, 192, 256, 512, 1024, 1152, 2048};
constexpr std::array column_lengths{18, 25, 64, 105, 128, 168, 256, 343, 512, 729, 1024, 1152, 1875, 2048};

DoubleLine transformed(const DoubleLine& line, Direction direction) {
  const auto n = line.size();
  const double sign = direction == Direction::forward ? -1 : 1;
  DoubleLine turn(n);
  for (std::size_t j = 0; j < n; ++j)
    turn[j] = std::polar(1.0, sign * 2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(n));
  DoubleLine result(n);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < n; ++j) result[k] += line[j] * turn[j * k % n];
  if (direction == Direction::inverse)
    for (auto& value : result) value /= static_cast<double>(n);
  return result;
}

std::vector<Complex> rounded(const DoubleLine& line) { return {line.begin(), line.end()}; }
std::vector<Complex> row(const std::vector<Complex>& wave, Extent e, int y) {
  const auto first = wave.begin() + static_cast<std::ptrdiff_t>(y) * e.x;
  return {first, first + e.x};
}
std::vector<Complex> column(const std::vector<Complex>& wave, Extent e, int x) {
  std::vector<Complex> line;
  for (int y = 0; y < e.y; ++y) line.push_back(wave[static_cast<std::size_t>(y) * e.x + x]);
  return line;
}
DoubleLine wide(const std::vector<Complex>& line) { return {line.begin(), line.end()}; }

/// Memory that the verbs may work on, a team and what was prepared for the extent.
struct Prepared {
  Prepared(const KernelSet& kernels, Extent e, int threads = 1)
      : lines(kernels), team(threads), fft(Planning::estimate) {
    lines.prepare(e);
    for (auto& s : team.scratch) s.fit(e);
    fft.prepare(e.x);
    fft.prepare(e.y);
  }
  Lines lines;
  cpu::Team team;
  LineFft fft;
};

class CpuKernels : public testing::TestWithParam<KernelSet> {};
INSTANTIATE_TEST_SUITE_P(All, CpuKernels, testing::ValuesIn(cpu::fused::all_kernels()),
                         [](const auto& kernels) { return std::string(kernels.param.instruction_set); });

TEST(BestCpuKernels, AreTheFirstOfAll) {
  EXPECT_STREQ(cpu::fused::best_kernels().instruction_set, cpu::fused::all_kernels().front().instruction_set);
}

TEST(CpuPasses, MultiplyToEverySmoothLengthAndPlaceEveryFrequencyOnce) {
  int lengths = 0;
  for (int n = 1; n <= 2100; ++n) {
    if (!cpu::fused::does_columns(n)) continue;
    ++lengths;
    const auto passes = cpu::fused::make_passes(n);
    EXPECT_EQ(lines::stride_of(passes.radices, lines::Order::ascending, passes.radices.count), n);
    EXPECT_GT(passes.radices.count, 1) << n;
    auto frequency = passes.frequency;
    std::ranges::sort(frequency);
    std::vector<int> each(static_cast<std::size_t>(n));
    std::iota(each.begin(), each.end(), 0);
    EXPECT_EQ(frequency, each) << n;
  }
  EXPECT_EQ(lengths, 176); // the 7-smooth numbers from 18 to 2048
}

TEST(CpuPasses, LeaveOtherLengthsToFftw) {
  for (const int n : {8, 16, 22, 2058, 4096}) EXPECT_FALSE(cpu::fused::does_columns(n)) << n;
  for (const int n : {16, 20, 36, 105, 2052}) EXPECT_FALSE(cpu::fused::does_rows(n)) << n;
}

TEST_P(CpuKernels, TransformRowsAsDefined) {
  for (const int n : row_lengths) {
    const Extent e{3, n};
    Prepared p(GetParam(), e);
    const auto input = random_waves(e.area(), 1);
    for (const auto direction : {Direction::forward, Direction::inverse}) {
      auto found = input;
      cpu::fused::transform_rows(p.team, p.lines, {found.data(), 1, e}, direction);
      for (const int y : {2})
        EXPECT_LT(relative_error(row(found, e, y), rounded(transformed(wide(row(input, e, y)), direction))),
                  rounding_bound(n, 1))
            << n;
    }
  }
}

TEST_P(CpuKernels, TransformColumnsAsDefined) {
  for (const int n : column_lengths) {
    const Extent e{n, 21}; // blocks of 16 and 5
    Prepared p(GetParam(), e);
    const auto input = random_waves(e.area(), 2);
    for (const auto direction : {Direction::forward, Direction::inverse}) {
      auto found = input;
      cpu::fused::transform_columns(p.team, p.lines, {found.data(), 1, e}, direction);
      for (const int x : {3, 20})
        EXPECT_LT(
            relative_error(column(found, e, x), rounded(transformed(wide(column(input, e, x)), direction))),
            rounding_bound(n, 1))
            << n;
    }
  }
}

TEST_P(CpuKernels, TransmitAsDefined) {
  for (const int n : row_lengths) {
    const Extent e{1, n};
    Prepared p(GetParam(), e);
    const auto input = random_waves(e.area(), 3);
    auto volts = random_volts(e.area(), 4);
    for (auto& v : volts) v *= 6000; // up to 9000 rad, nearly all that phases are made for
    auto found = input;
    const Offset origin{};
    cpu::fused::transmit(p.team, p.lines, {found.data(), 1, e}, {volts.data(), e}, {&origin, 1}, sigma);
    auto line = transformed(wide(input), Direction::inverse);
    for (std::size_t x = 0; x < line.size(); ++x)
      line[x] *= std::polar(1.0, static_cast<double>(sigma * volts[x]));
    EXPECT_LT(relative_error(found, rounded(transformed(line, Direction::forward))), rounding_bound(n, 2))
        << n;
  }
}

/// What the verbs change.
struct State {
  std::vector<Complex> waves;
  std::vector<Complex> adjoint;
  std::vector<float> potential;
  std::vector<float> gradient;
  bool operator==(const State&) const = default;
};

constexpr int waves_at_once = 2;
/// Offsets of the waves: off two edges of the slice, and off the others.
constexpr std::array<Offset, waves_at_once> origins{Offset{-2, -7}, Offset{4, 11}};

Extent slice_under(Extent e) { return {e.y + 1, e.x - 5}; }

State start(Extent e) {
  const Extent slice = slice_under(e);
  State s{random_waves(waves_at_once * e.area(), 5), random_waves(waves_at_once * e.area(), 6),
          random_volts(slice.area(), 7), random_volts(slice.area(), 8)};
  for (auto& g : s.gradient) g *= 1e-6F / static_cast<float>(e.x); // about as large as what is added to it
  return s;
}

/// Every verb once; `Verbs` are those of either way.
template <class Verbs> State after_all_verbs(const Verbs& verbs, Extent e, bool rewind) {
  State s = start(e);
  const Extent slice = slice_under(e);
  const Waves w{s.waves.data(), waves_at_once, e};
  const Waves a{s.adjoint.data(), waves_at_once, e};
  const auto py = random_waves(static_cast<std::size_t>(e.y), 9);
  const auto px = random_waves(static_cast<std::size_t>(e.x), 10);
  const auto mask = random_volts(e.area(), 11);
  verbs.transmit(w, {s.potential.data(), slice}, origins);
  verbs.propagate(w, {py.data(), px.data(), nullptr}, Sense::direct);
  verbs.propagate(a, {py.data(), px.data(), nullptr}, Sense::conjugate);
  verbs.adjoint(w, a, {{s.potential.data(), slice}, s.gradient.data(), 0}, origins, rewind);
  verbs.adjoint(w.one(0), a.one(0), {{s.potential.data(), slice}, nullptr, 1e3F}, {&origins[0], 1}, rewind);
  verbs.propagate(w.one(1), {py.data(), px.data(), mask.data()}, Sense::direct);
  verbs.propagate(a.one(1), {py.data(), px.data(), mask.data()}, Sense::conjugate);
  for (const auto direction : {Direction::forward, Direction::inverse}) {
    verbs.rows(w, direction);
    verbs.columns(w, direction);
  }
  return s;
}

struct FusedVerbs {
  Prepared& p;
  void transmit(Waves w, Slice v, std::span<const Offset> o) const {
    cpu::fused::transmit(p.team, p.lines, w, v, o, sigma);
  }
  void propagate(Waves w, const Propagator& f, Sense sense) const {
    cpu::fused::propagate(p.team, p.lines, w, f, sense);
  }
  void adjoint(Waves w, Waves a, const SliceUpdate& u, std::span<const Offset> o, bool rewind) const {
    cpu::fused::transmit_adjoint(p.team, p.lines, w, a, u, o, sigma, rewind);
  }
  void rows(Waves w, Direction d) const { cpu::fused::transform_rows(p.team, p.lines, w, d); }
  void columns(Waves w, Direction d) const { cpu::fused::transform_columns(p.team, p.lines, w, d); }
};
struct FftwVerbs {
  Prepared& p;
  void transmit(Waves w, Slice v, std::span<const Offset> o) const {
    cpu::transmit(p.team, p.fft, w, v, o, sigma);
  }
  void propagate(Waves w, const Propagator& f, Sense sense) const {
    cpu::propagate(p.team, p.fft, w, f, sense);
  }
  void adjoint(Waves w, Waves a, const SliceUpdate& u, std::span<const Offset> o, bool rewind) const {
    cpu::transmit_adjoint(p.team, p.fft, w, a, u, o, sigma, rewind);
  }
  void rows(Waves w, Direction d) const { cpu::transform_rows(p.team, p.fft, w, d); }
  void columns(Waves w, Direction d) const { cpu::transform_columns(p.team, p.fft, w, d); }
};

/// Rows in pairs and one left over, blocks of columns that are not full, windows that end in vacuum.
constexpr std::array<Extent, 7> extents{Extent{64, 64},  Extent{105, 40},  Extent{49, 168}, Extent{128, 128},
                                        Extent{25, 256}, Extent{168, 200}, Extent{1152, 24}};

TEST_P(CpuKernels, VerbsAgreeWithFftws) {
  for (const auto e : extents)
    for (const bool rewind : {false, true}) {
      Prepared p(GetParam(), e);
      const auto found = after_all_verbs(FusedVerbs{p}, e, rewind);
      const auto expected = after_all_verbs(FftwVerbs{p}, e, rewind);
      const double bound = rounding_bound(std::max(e.y, e.x), 12);
      EXPECT_LT(relative_error(found.waves, expected.waves), bound) << e.y << " x " << e.x;
      EXPECT_LT(relative_error(found.adjoint, expected.adjoint), bound) << e.y << " x " << e.x;
      EXPECT_LT(relative_error(found.gradient, expected.gradient), bound) << e.y << " x " << e.x;
      EXPECT_LT(relative_error(found.potential, expected.potential), bound) << e.y << " x " << e.x;
    }
}

TEST_P(CpuKernels, SameBitsForAnyNumberOfThreadsAndAgain) {
  for (const auto e : extents) {
    Prepared one(GetParam(), e);
    Prepared three(GetParam(), e, 3);
    const auto expected = after_all_verbs(FusedVerbs{one}, e, true);
    EXPECT_TRUE(after_all_verbs(FusedVerbs{three}, e, true) == expected) << e.y << " x " << e.x;
    EXPECT_TRUE(after_all_verbs(FusedVerbs{one}, e, true) == expected) << e.y << " x " << e.x;
  }
}

/// A wave that is not rewound is only read.
TEST_P(CpuKernels, AdjointLeavesAWaveThatItDoesNotRewind) {
  const Extent e{25, 40};
  Prepared p(GetParam(), e);
  State s = start(e);
  const auto before = s.waves;
  cpu::fused::transmit_adjoint(
      p.team, p.lines, {s.waves.data(), waves_at_once, e}, {s.adjoint.data(), waves_at_once, e},
      {{s.potential.data(), slice_under(e)}, s.gradient.data(), 0}, origins, sigma, false);
  EXPECT_EQ(s.waves, before);
}

} // namespace
} // namespace ptychoscale
