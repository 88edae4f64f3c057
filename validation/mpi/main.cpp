#include "ptychoscale/comm/communicator.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace {
// One rank prints the usual log; the others only what failed.
class FailurePrinter final : public testing::EmptyTestEventListener {
public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed()) return;
    std::cerr << "rank " << rank_ << ": " << (part.file_name() ? part.file_name() : "") << ":"
              << part.line_number() << ": " << part.message() << std::endl;
  }

private:
  int rank_;
};
} // namespace

int main(int argc, char** argv) {
  const ptychoscale::MpiSession session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  // An exception that escapes a test ends this rank, and the launcher then ends the others, which may wait
  // for it.
  GTEST_FLAG_SET(catch_exceptions, false);
  const int rank = ptychoscale::Communicator::world().rank();
  if (rank != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(rank));
  }
  return RUN_ALL_TESTS();
}
