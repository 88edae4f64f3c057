/// What FFTW learned decides the bits of every transform: the process that measured and a later one that only
/// learned must compute the same. (FFTW's own wisdom does not promise that: a second look at the same
/// wisdom may combine its parts differently.)
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

namespace ptychoscale {
namespace {

std::unique_ptr<Backend> fresh_backend() {
  return make_backend({.kind = "cpu", .threads = 1, .planning = Planning::measure, .kernels = Kernels::fftw});
}

std::vector<Complex> transformed(Backend& backend, Extent extent) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<Complex> wave(extent.area());
  for (auto& w : wave) w = {uniform(random), uniform(random)};
  Buffer<Complex> buffer(backend, wave.size(), MemoryLabel::waves);
  buffer.upload(wave);
  backend.transform_rows({buffer.data(), 1, extent}, Direction::forward);
  backend.transform_columns({buffer.data(), 1, extent}, Direction::inverse);
  backend.synchronize();
  buffer.download(wave);
  return wave;
}

TEST(Planning, LearnedKnowledgeGivesTheBitsOfTheMeasuringProcess) {
  for (const Extent extent : {Extent{48, 40}, Extent{64, 30}}) {
    const auto measuring = fresh_backend();
    measuring->prepare(std::array{extent});
    const auto knowledge = measuring->planning_knowledge();
    const auto learning = fresh_backend();
    learning->learn_planning(knowledge);
    learning->prepare(std::array{extent});
    EXPECT_EQ(learning->planning_knowledge(), knowledge);
    const auto a = transformed(*measuring, extent);
    const auto b = transformed(*learning, extent);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Complex)), 0)
        << extent.y << " x " << extent.x;
  }
}

TEST(Planning, OtherTextIsRefused) {
  for (const char* text : {"", "nonsense", "{}", R"({"version": "fftw-1.0"})"})
    EXPECT_THROW(fresh_backend()->learn_planning(text), InputError) << text;
}

} // namespace
} // namespace ptychoscale
