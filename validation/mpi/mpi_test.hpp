#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <array>

namespace ptychoscale::test {

/// A test that every rank runs; it fails on all ranks when it fails on one. Use EXPECT, never ASSERT: a rank
/// that leaves early would leave the others waiting.
class MpiTest : public testing::Test {
protected:
  Communicator comm = Communicator::world();

  void TearDown() override {
    std::array<double, 1> failed{HasFailure() ? 1.0 : 0.0};
    comm.sum(failed);
    EXPECT_EQ(failed[0], 0) << "number of ranks on which the test failed";
  }
};

} // namespace ptychoscale::test
