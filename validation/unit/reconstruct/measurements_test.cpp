// Streamed patterns: what is computed on stays as it is while the next batch is loaded.
#include "measurements.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>

namespace ptychoscale {
namespace {

constexpr Extent detector{4, 6};
constexpr int position_count = 7;
const std::vector<Range> batches{{0, 3}, {3, 6}, {6, 7}};

/// Another for every pixel of every position; float16 has it exactly.
float amplitude(int position, std::size_t pixel) {
  return half_amplitude_unit * static_cast<float>(position * 24 + static_cast<int>(pixel) + 1);
}

class StreamedMeasurements : public testing::TestWithParam<MeasurementType> {
protected:
  StreamedMeasurements() {
    header.detector = detector;
    std::iota(positions.begin(), positions.end(), 0);
  }
  [[nodiscard]] Measurements measurements(const std::vector<Range>& in) {
    return {*backend, acquisition, positions, in, GetParam(), true};
  }
  void read(int position, std::span<float> amplitudes) {
    if (position == fails_once) {
      fails_once = -1;
      throw InputError("a bad count");
    }
    for (std::size_t i = 0; i < amplitudes.size(); ++i) amplitudes[i] = amplitude(position, i);
    const std::lock_guard lock(mutex);
    read_so_far.push_back(position);
    one_more.notify_one();
  }
  void wait_until_read(std::size_t patterns) {
    std::unique_lock lock(mutex);
    one_more.wait(lock, [&] { return read_so_far.size() >= patterns; });
  }
  void expect_batch(const Amplitudes& found, Range batch) {
    for (int k = batch.first; k < batch.last; ++k)
      for (std::size_t i = 0; i < detector.area(); ++i) {
        const auto at = static_cast<std::size_t>(k - batch.first) * detector.area() + i;
        const auto* full = std::get_if<const float*>(&found);
        const float is = full != nullptr ? (*full)[at]
                                         : float_from_half(std::get<const std::uint16_t*>(found)[at]) *
                                               half_amplitude_unit;
        ASSERT_EQ(is, amplitude(k, i)) << "position " << k << ", pixel " << i;
      }
  }

  DatasetHeader header;
  std::vector<int> positions = std::vector<int>(position_count);
  Acquisition acquisition{header, [this](int k, std::span<float> a) { read(k, a); }};
  std::unique_ptr<Backend> backend = make_backend({.kind = "cpu", .threads = 1});
  PhaseTimer timer;
  int fails_once = -1;
  std::mutex mutex;
  std::condition_variable one_more;
  std::vector<int> read_so_far;
};

TEST_P(StreamedMeasurements, KeepABatchWhileTheNextIsLoaded) {
  auto streamed = measurements(batches);
  std::size_t patterns = 3;
  for (int sweep = 0; sweep < 3; ++sweep)
    for (std::size_t b = 0; b < batches.size(); ++b) {
      const auto present = streamed.at(batches[b].first, timer);
      const Range next = batches[(b + 1) % batches.size()];
      patterns += static_cast<std::size_t>(next.last - next.first);
      wait_until_read(patterns);
      expect_batch(present, batches[b]);
      EXPECT_EQ(streamed.at(batches[b].last - 1, timer).index(), present.index());
    }
  for (std::size_t i = 0; i < patterns; ++i)
    EXPECT_EQ(read_so_far[i], static_cast<int>(i % position_count)) << i;
}

TEST_P(StreamedMeasurements, AreThereInAnyOrder) {
  auto streamed = measurements(batches);
  for (const std::size_t b : {2U, 1U, 1U, 0U, 2U, 0U, 1U})
    expect_batch(streamed.at(batches[b].first, timer), batches[b]);
}

TEST_P(StreamedMeasurements, TellOfABadPatternAndGoOn) {
  fails_once = 4;
  auto streamed = measurements(batches);
  expect_batch(streamed.at(0, timer), batches[0]);
  EXPECT_THROW((void)streamed.at(3, timer), InputError);
  expect_batch(streamed.at(3, timer), batches[1]);
  expect_batch(streamed.at(6, timer), batches[2]);
}

TEST_P(StreamedMeasurements, OfOneBatchAreReadOnceAndStay) {
  const std::vector<Range> one{{0, position_count}};
  auto streamed = measurements(one);
  for (int sweep = 0; sweep < 2; ++sweep) expect_batch(streamed.at(0, timer), one[0]);
  EXPECT_EQ(read_so_far.size(), positions.size());
}

TEST_P(StreamedMeasurements, TakeTwoOfTheLargestBatch) {
  const auto bytes = [] {
    return memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::measurements)];
  };
  const auto before = bytes();
  const auto streamed = measurements(batches);
  const auto amplitude_bytes = GetParam() == MeasurementType::float16 ? 2 : 4;
  EXPECT_EQ(bytes() - before, 2 * 3 * static_cast<int>(detector.area()) * amplitude_bytes);
}

INSTANTIATE_TEST_SUITE_P(Both, StreamedMeasurements,
                         testing::Values(MeasurementType::float32, MeasurementType::float16),
                         [](const auto& type) {
                           return type.param == MeasurementType::float16 ? "float16" : "float32";
                         });

} // namespace
} // namespace ptychoscale
