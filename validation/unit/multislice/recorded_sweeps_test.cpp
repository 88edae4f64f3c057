// A position's sweeps as recordings: what the model asks for again and again is the same but for the origins,
// and what it gets from recordings is, bit for bit, what it gets without.
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "recording_backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace ptychoscale {
namespace {

constexpr double energy_eV = 80e3;
constexpr Extent detector{14, 18};
constexpr Extent specimen{24, 21};
constexpr Extent specimen_grid{24, 24};
constexpr PixelSize pixel{0.31, 0.26};
constexpr Offset origin{3, -2}; // some windows leave the tile
constexpr int slices = 5;
constexpr int most_at_once = 2;
const std::vector<Position> positions{{3.4, 1.9}, {3.9, 2.6}, {5.2, 1.1}, {4.4, 3.0}, {2.6, 2.2}, {5.0, 2.9}};

struct Variant {
  const char* name;
  GridKind grid;
  Bandwidth bandwidth;
  Adjoint adjoint;
  int modes = 1; ///< of the probe
};

ApertureProbe probe_of(const Variant& v) {
  return make_modes(crop_to_aperture(make_probe({energy_eV, 38, -20, 2e4, true}, detector, pixel), detector),
                    v.modes, 0.1);
}

MultisliceParameters parameters(const Variant& v) {
  MultisliceParameters p;
  p.detector = detector;
  p.grid = v.grid == GridKind::tile ? specimen_grid : detector;
  p.pixel = pixel;
  p.slices = slices;
  p.slice_thickness_A = 3;
  p.wavelength_A = electron_wavelength_A(energy_eV);
  p.sigma = interaction_parameter(energy_eV);
  p.grid_kind = v.grid;
  p.bandwidth = v.bandwidth;
  p.adjoint = v.adjoint;
  return p;
}

std::vector<float> uniform(std::size_t n, float low, float high, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> between(low, high);
  std::vector<float> v(n);
  for (auto& x : v) x = between(random);
  return v;
}

/// A model, its tile and two gradients on one backend, and all that was computed with them.
class Visits {
public:
  Visits(Backend& backend, const Variant& variant)
      : potential_(backend, voxels, MemoryLabel::volume), one_(backend, voxels, MemoryLabel::accumulation),
        other_(backend, voxels, MemoryLabel::accumulation),
        amplitudes_(backend, most_at_once * detector.area(), MemoryLabel::measurements),
        model_(backend, parameters(variant), probe_of(variant), most_at_once) {
    potential_.upload(uniform(voxels, -300, 900, 1));
    amplitudes_.upload(uniform(amplitudes_.size(), 0, 0.1F, 2));
  }

  void into_one(int first, int last) { visit(view(one_), first, last, 0); }
  void into_other(int first, int last) { visit(view(other_), first, last, 0); }
  void stepping(int k, float step) { visit({}, k, k + 1, step); }
  void intensities(int first, int last) {
    std::vector<float> patterns(static_cast<std::size_t>(last - first) * detector.area());
    model_.intensities(view(potential_), origin, some(first, last), patterns);
    numbers_.insert(numbers_.end(), patterns.begin(), patterns.end());
  }
  /// Losses and intensities in the order they were asked for, gradients and potential as they are now.
  [[nodiscard]] std::vector<double> everything() {
    auto all = numbers_;
    std::vector<float> host(voxels);
    for (const auto* buffer : {&potential_, &one_, &other_}) {
      buffer->download(host);
      all.insert(all.end(), host.begin(), host.end());
    }
    return all;
  }

private:
  static constexpr std::size_t voxels = static_cast<std::size_t>(slices) * specimen.y * specimen.x;
  static Volume view(const Buffer<float>& b) { return {b.data(), slices, specimen}; }
  static std::span<const Position> some(int first, int last) {
    return {positions.data() + first, static_cast<std::size_t>(last - first)};
  }
  void visit(Volume gradient, int first, int last, float step) {
    numbers_.push_back(model_.loss_and_gradient(view(potential_), gradient, origin, some(first, last),
                                                amplitudes_.data(), step));
  }

  Buffer<float> potential_, one_, other_, amplitudes_;
  Multislice model_;
  std::vector<double> numbers_;
};

/// As solvers visit: other positions, another gradient, no gradient and a step, another step, batches of
/// which the last is smaller, and patterns in between.
void visit_all(Visits& run) {
  for (int k = 0; k < 4; ++k) run.into_one(k, k + 1);
  for (int k = 0; k < 4; ++k) run.into_other(k, k + 1);
  for (int k = 0; k < 4; ++k) run.stepping(k, 3e4F);
  for (int k = 0; k < 4; ++k) run.stepping(k, 1e4F);
  for (int round = 0; round < 3; ++round) {
    run.into_one(0, 2);
    run.into_one(2, 4);
    run.into_one(4, 5);
    run.intensities(3, 5);
  }
}

class RecordedSweeps : public testing::TestWithParam<Variant> {};

TEST_P(RecordedSweeps, GiveTheSameBits) {
  const auto cpu = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  RecordingBackend recording;
  Visits expected(*cpu, GetParam());
  Visits ours(recording, GetParam());
  visit_all(expected);
  visit_all(ours);
  EXPECT_EQ(ours.everything(), expected.everything());
}

// Forward there are recordings of one and of two waves. Backward, of one wave, what is given changes with the
// other gradient, the step, the next step, and back to the first gradient; of two waves it stays.
TEST_P(RecordedSweeps, AreRecordedAgainOnlyWhenSomethingChanged) {
  RecordingBackend recording;
  Visits run(recording, GetParam());
  visit_all(run);
  constexpr int sweeps = 2 * (16 + 3 * 3) + 3;
  constexpr int recordings = 2 + 6;
  EXPECT_EQ(recording.runs().direct, recordings);
  EXPECT_EQ(recording.runs().noted, recordings);
  EXPECT_EQ(recording.runs().replayed, sweeps - 2 * recordings);
}

using enum GridKind;
using enum Adjoint;
INSTANTIATE_TEST_SUITE_P(Variants, RecordedSweeps,
                         testing::Values(Variant{"window_reverse", window, Bandwidth::none, reverse},
                                         Variant{"window_store", window, Bandwidth::none, store},
                                         Variant{"window_checkpoint", window, Bandwidth::none, checkpoint},
                                         Variant{"tile_reverse", tile, Bandwidth::none, reverse},
                                         Variant{"limited_store", window, Bandwidth::two_thirds, store},
                                         Variant{"limited_tile", tile, Bandwidth::two_thirds, checkpoint},
                                         Variant{"modes", window, Bandwidth::none, reverse, 2}),
                         [](const auto& variant) { return std::string(variant.param.name); });

/// What the tests above rest on: the recorder finds out what would go wrong on a GPU.
class Recorder : public testing::Test {
protected:
  RecordingBackend backend;
  Recording recording;
  Buffer<float> potential{backend, detector.area(), MemoryLabel::volume};
  Buffer<Complex> wave{backend, detector.area(), MemoryLabel::waves};
  const Waves waves{wave.data(), 1, detector};
  const Slice slice{potential.data(), detector};

  void SetUp() override { backend.prepare(std::array{detector}); }
  [[nodiscard]] std::string complaint(std::span<const Offset> origins, const std::function<void()>& verbs) {
    try {
      backend.replay(recording, origins, verbs);
    } catch (const RunError& error) {
      return error.what();
    }
    return "none";
  }
};

TEST_F(Recorder, FindsChangedArguments) {
  constexpr std::array<Offset, 1> origins{};
  const auto transmit = [&](float sigma) {
    return complaint(origins, [&, sigma] { backend.transmit(waves, slice, origins, sigma); });
  };
  EXPECT_EQ(transmit(0.5F), "none");
  EXPECT_EQ(transmit(0.5F), "none");
  EXPECT_NE(transmit(0.25F).find("recorded is 'transmit"), std::string::npos);
  recording = {};
  EXPECT_EQ(transmit(0.25F), "none");
  EXPECT_EQ(transmit(0.25F), "none");
}

TEST_F(Recorder, FindsAnotherNumberOfVerbs) {
  const auto transforms = [&](int n) {
    return complaint({}, [&, n] {
      for (int i = 0; i < n; ++i) backend.transform_rows(waves, Direction::forward);
    });
  };
  EXPECT_EQ(transforms(2), "none");
  EXPECT_EQ(transforms(2), "none");
  EXPECT_EQ(transforms(3), "3 verbs, recorded are 2");
}

TEST_F(Recorder, FindsOriginsThatWereNotAnnounced) {
  constexpr std::array announced{Offset{1, 2}};
  constexpr std::array given{Offset{1, 3}};
  EXPECT_EQ(complaint(announced, [&] { backend.transmit(waves, slice, given, 1); }),
            "origins that the recording was not announced with");
}

TEST_F(Recorder, StartsOverWhenMemoryWasGivenBack) {
  using Runs = RecordingBackend::Runs;
  const auto transform = [&](Direction direction) {
    return complaint({}, [&, direction] { backend.transform_rows(waves, direction); });
  };
  for (int call = 0; call < 3; ++call) EXPECT_EQ(transform(Direction::forward), "none");
  EXPECT_EQ(backend.runs(), (Runs{1, 1, 1}));
  { const Buffer<float> brief(backend, 1, MemoryLabel::other); }
  for (int call = 0; call < 3; ++call) EXPECT_EQ(transform(Direction::inverse), "none");
  EXPECT_EQ(backend.runs(), (Runs{2, 2, 2}));
}

TEST_F(Recorder, FindsWhatCannotBeRecorded) {
  EXPECT_EQ(complaint({}, [&] { backend.synchronize(); }), "synchronize in a recording");
  EXPECT_EQ(complaint({}, [&] { const Buffer<float> b(backend, 1, MemoryLabel::waves); }),
            "allocate in a recording");
}

} // namespace
} // namespace ptychoscale
