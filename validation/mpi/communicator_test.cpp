#include "mpi_test.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/ordered_sum.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace ptychoscale {
namespace {
using CommunicatorTest = test::MpiTest;

TEST_F(CommunicatorTest, ReducesOverAllRanks) {
  const int n = comm.size();
  std::array<double, 2> values{double(comm.rank()), 1.0};
  comm.sum(values);
  EXPECT_EQ(values[0], n * (n - 1) / 2);
  EXPECT_EQ(values[1], n);
  std::array<double, 1> largest{double(comm.rank())};
  comm.max(largest);
  EXPECT_EQ(largest[0], n - 1);
  std::array<float, 3> floats{1, 2, float(comm.rank())};
  comm.sum(floats);
  EXPECT_EQ(floats[1], 2 * n);
}

TEST_F(CommunicatorTest, BroadcastsTextOfAnyLength) {
  const int root = comm.size() - 1;
  std::string text =
      comm.rank() == root ? std::string("from the last rank") : std::string(comm.rank() * 50, 'x');
  comm.broadcast(text, root);
  EXPECT_EQ(text, "from the last rank");
  comm.broadcast(text = comm.rank() == root ? "" : "not empty", root);
  EXPECT_EQ(text, "");
}

TEST_F(CommunicatorTest, GathersRowsAndTextsByRank) {
  const std::array<double, 2> row{double(comm.rank()), 10.0 * comm.rank()};
  const auto rows = comm.gather(row, 0);
  const auto texts = comm.gather(std::string(static_cast<std::size_t>(comm.rank()), 'r'), 0);
  if (comm.rank() != 0) {
    EXPECT_TRUE(rows.empty() && texts.empty());
    return;
  }
  for (int r = 0; r < comm.size(); ++r) {
    EXPECT_EQ(rows[2 * r], r);
    EXPECT_EQ(rows[2 * r + 1], 10 * r);
    EXPECT_EQ(texts[r], std::string(static_cast<std::size_t>(r), 'r'));
  }
}

TEST_F(CommunicatorTest, SendsAndReceives) {
  std::vector<float> values(1000, float(comm.rank()));
  if (comm.rank() > 0) comm.receive(values, comm.rank() - 1);
  EXPECT_EQ(values[999], 0);
  if (comm.rank() + 1 < comm.size()) comm.send(values, comm.rank() + 1);
}

TEST_F(CommunicatorTest, AddsUpOnTheFirstRankInTheTreesOrderWhateverArrivesFirst) {
  // Values of which sums in another order have other bits.
  const auto value_of = [](int rank, int i) { return 1.0F / static_cast<float>(3 * rank + i + 1); };
  const std::function<float(int, int, int)> tree = [&](int first, int ranks, int i) {
    if (ranks == 1) return value_of(first, i);
    const int left = static_cast<int>(std::bit_floor(static_cast<unsigned>(ranks - 1)));
    return tree(first, left, i) + tree(first + left, ranks - left, i);
  };
  for (int late = 0; late < comm.size(); ++late) {
    std::array<float, 5> values{}, other{};
    for (int i = 0; i < 5; ++i) values[static_cast<std::size_t>(i)] = value_of(comm.rank(), i);
    if (comm.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    sum_on_first(comm, values, other);
    for (int i = 0; i < 5 && comm.rank() == 0; ++i)
      EXPECT_EQ(values[static_cast<std::size_t>(i)], tree(0, comm.size(), i)) << late;
    comm.barrier();
  }
}

TEST_F(CommunicatorTest, KnowsItsHost) {
  EXPECT_GE(comm.local_rank(), 0);
  EXPECT_LT(comm.local_rank(), comm.local_size());
  EXPECT_LE(comm.local_size(), comm.size());
}

TEST_F(CommunicatorTest, AgreesOnSuccess) {
  EXPECT_NO_THROW(comm.agree([] {}));
}

TEST_F(CommunicatorTest, OneFailingRankFailsAllWithItsMessageAndKind) {
  const int failing = comm.size() - 1;
  const auto outcome = [&](const std::function<void()>& step) -> std::string {
    try {
      comm.agree(step);
    } catch (const InputError& e) {
      return std::string("input: ") + e.what();
    } catch (const RunError& e) {
      return std::string("run: ") + e.what();
    }
    return "no error";
  };
  EXPECT_EQ(outcome([&] {
              if (comm.rank() == failing) throw InputError("bad file on " + std::to_string(failing));
            }),
            "input: bad file on " + std::to_string(failing));
  EXPECT_EQ(outcome([&] {
              if (comm.rank() == failing) throw std::runtime_error("disk full");
            }),
            "run: disk full");
  EXPECT_EQ(outcome([&] { throw InputError("rank " + std::to_string(comm.rank())); }), "input: rank 0")
      << "the lowest failing rank speaks";
}

TEST_F(CommunicatorTest, LibraryErrorsBecomeExceptions) {
  const std::vector<float> one(1);
  try {
    comm.send(one, comm.size() + 7);
    ADD_FAILURE() << "sending to a rank that does not exist must throw";
  } catch (const RunError& e) {
    EXPECT_NE(std::string(e.what()).find("MPI_Send failed: "), std::string::npos) << e.what();
  }
}

} // namespace
} // namespace ptychoscale
