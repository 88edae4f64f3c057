#include "ptychoscale/comm/chunking.hpp"

#include <climits>
#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

TEST(Chunking, CoversEverySliceOnce) {
  for (const int slices : {1, 2, 7, 100})
    for (const std::size_t bytes :
         {std::size_t{1}, std::size_t{4000}, std::size_t{1} << 20, std::size_t{1} << 30})
      for (const int depth : {1, 2, 12}) {
        const Chunking c = plan_chunks(slices, {10000, 2500}, depth, bytes);
        int next = 0;
        for (int chunk = 0; chunk < c.chunks(); ++chunk) {
          EXPECT_EQ(c.range(chunk).first, next);
          EXPECT_GT(c.range(chunk).last, next);
          next = c.range(chunk).last;
        }
        EXPECT_EQ(next, slices);
        EXPECT_GE(c.in_flight, 1);
        EXPECT_LE(c.in_flight, c.chunks());
      }
}

TEST(Chunking, StaysWithinTheBuffer) {
  constexpr std::size_t slice_bytes = 4 * 10000;
  for (std::size_t fitting = 2; fitting < 100; ++fitting) {
    const Chunking c = plan_chunks(100, {10000, 2500}, 6, fitting * slice_bytes);
    EXPECT_LE(static_cast<std::size_t>(c.in_flight * c.slices_per_chunk), fitting);
    EXPECT_GE(c.in_flight, 2);
  }
}

TEST(Chunking, TinyBufferStillPipelinesSingleSlices) {
  const Chunking c = plan_chunks(9, {10000, 2500}, 4, 1);
  EXPECT_EQ(c.slices_per_chunk, 1);
  EXPECT_EQ(c.in_flight, 2);
}

TEST(Chunking, SmallMessagesAreNotCut) {
  EXPECT_EQ(plan_chunks(10, {400, 100}, 8, std::size_t{1} << 30).chunks(), 1);
}

TEST(Chunking, MessagesFitAnMpiCount) {
  constexpr std::size_t pixels = std::size_t{1} << 30;
  const Chunking c = plan_chunks(8, {pixels, pixels}, 1, std::size_t{1} << 60);
  EXPECT_LE(static_cast<std::size_t>(c.slices_per_chunk) * pixels, std::size_t{INT_MAX});
}

} // namespace
} // namespace ptychoscale
