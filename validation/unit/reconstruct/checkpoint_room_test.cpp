/// What is said before a run whose checkpoints a disk cannot take.
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

TEST(RoomForCheckpoints, IsForTwoBesideTheResult) {
  EXPECT_FALSE(complaint_of_room({.free = 500, .result = 100, .one = 200, .already = 0}));
  const auto said = complaint_of_room({.free = 499'000'000, .result = 100'000'000, .one = 200'000'000});
  ASSERT_TRUE(said);
  EXPECT_EQ(*said,
            "two checkpoints of 200 MB beside a result of 100 MB need 1 MB more than the 499 MB that are "
            "free");
}

TEST(RoomForCheckpoints, CountsThoseThatAreReplaced) {
  EXPECT_FALSE(complaint_of_room({.free = 100, .result = 100, .one = 200, .already = 400}));
  EXPECT_TRUE(complaint_of_room({.free = 99, .result = 100, .one = 200, .already = 400}));
}

TEST(RoomForCheckpoints, NobodySharesTheDiskOfAResultElsewhere) {
  EXPECT_FALSE(complaint_of_room({.free = 400, .result = 0, .one = 200, .already = 0}));
}

} // namespace
} // namespace ptychoscale
