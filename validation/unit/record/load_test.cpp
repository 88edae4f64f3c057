#include "ptychoscale/record/load.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace ptychoscale {
namespace {

/// A rank that ran for ten seconds on one thread of a host with four cores, all of which it may use.
RankPlace place(const std::string& host, double own_s, const std::map<int, double>& busy_s) {
  return {.host = host,
          .cores = "0-3",
          .gpu = {},
          .threads = 1,
          .host_cores = 4,
          .seconds = 10,
          .average_start = 0.5,
          .average_end = 1,
          .busy_s = busy_s,
          .own_s = own_s,
          .quota = std::nullopt,
          .MHz = 2000};
}

TEST(Load, OthersHaveWhatTheRanksOfAHostDidNotUse) {
  const std::map<int, double> busy{{0, 10}, {1, 10}, {2, 5}, {3, 0}};
  const auto load = busiest_host({place("a", 10, busy), place("a", 8, busy)});
  EXPECT_EQ(load.cores, 4);
  EXPECT_EQ(load.threads, 2);
  ASSERT_TRUE(load.used_by_others);
  EXPECT_NEAR(*load.used_by_others, 0.7, 1e-12); // (25 - 18) s of 10 s
}

TEST(Load, RanksBoundToCoresAreOfThoseTogether) {
  const auto load = busiest_host({place("a", 10, {{0, 10}}), place("a", 9, {{1, 10}})});
  EXPECT_EQ(load.cores, 2);
  EXPECT_NEAR(*load.used_by_others, 0.1, 1e-12);
  EXPECT_TRUE(remarks_on({place("a", 10, {{0, 10}}), place("a", 9, {{1, 10}})}).empty());
}

TEST(Load, TheBusiestHostSpeaksForAll) {
  const std::vector places{place("a", 10, {{0, 10}, {1, 0}}), place("b", 5, {{0, 10}, {1, 8}})};
  EXPECT_EQ(busiest_host(places).host, "b");
  const auto remarks = remarks_on(places);
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_EQ(remarks[0], "busy machine b: others used 1.3 of 2 cores meanwhile, load 0.5 when it began");
}

TEST(Load, AShortRunIsJudgedByTheLoadBeforeIt) {
  auto brief = place("a", 0.01, {{0, 0.4}, {1, 0}});
  brief.seconds = 0.4;
  EXPECT_FALSE(busiest_host({brief}).used_by_others);
  EXPECT_TRUE(remarks_on({brief}).empty());
  brief.average_start = 5.3;
  ASSERT_EQ(remarks_on({brief}).size(), 1U);
  EXPECT_EQ(remarks_on({brief})[0], "busy machine a: load 5.3 on 4 cores when it began");
}

TEST(Load, RanksThatShareGpusAreSaid) {
  const auto on = [](const std::string& host, int core, const std::string& gpu) {
    auto each = place(host, 10, {{core, 10}});
    each.gpu = gpu;
    return each;
  };
  const auto first = on("a", 0, "0000:01:00.0");
  EXPECT_TRUE(remarks_on({first, on("a", 1, "0000:02:00.0"), on("b", 0, "0000:01:00.0")}).empty());
  const auto remarks = remarks_on({first, on("a", 1, "0000:01:00.0"), on("b", 0, "0000:01:00.0")});
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_EQ(remarks[0], "functional, not scaling: 2 ranks shared 1 GPU of a: 0000:01:00.0");
}

TEST(Load, ThreadsThatShareCoresAreSaid) {
  auto crowded = place("a", 10, {{0, 10}});
  crowded.threads = 3;
  EXPECT_EQ(remarks_on({crowded}), std::vector<std::string>{"3 threads shared 1 core of a"});
  auto limited = place("a", 10, {{0, 10}, {1, 0}, {2, 0}, {3, 0}});
  limited.threads = 4;
  EXPECT_TRUE(remarks_on({limited}).empty());
  limited.quota = 1.5;
  EXPECT_EQ(remarks_on({limited}), std::vector<std::string>{"4 threads shared 1.5 cores of a"});
}

TEST(Load, RanksOfUnequalThreadsAreSaid) {
  auto other = place("b", 10, {{0, 10}, {1, 0}});
  other.threads = 2;
  EXPECT_EQ(remarks_on({place("a", 10, {{0, 10}}), other}),
            std::vector<std::string>{"ranks had from 1 to 2 threads"});
}

TEST(Load, APlaceSurvivesTheWayThroughText) {
  auto sent = place("a", 1.25, {{0, 10.5}, {7, 0}});
  sent.quota = 1.5;
  sent.MHz = std::nullopt;
  const auto back = place_from(to_text(sent));
  EXPECT_EQ(back.host, sent.host);
  EXPECT_EQ(back.cores, sent.cores);
  EXPECT_EQ(back.threads, sent.threads);
  EXPECT_EQ(back.host_cores, sent.host_cores);
  EXPECT_EQ(back.seconds, sent.seconds);
  EXPECT_EQ(back.average_start, sent.average_start);
  EXPECT_EQ(back.average_end, sent.average_end);
  EXPECT_EQ(back.busy_s, sent.busy_s);
  EXPECT_EQ(back.own_s, sent.own_s);
  EXPECT_EQ(back.quota, sent.quota);
  EXPECT_EQ(back.MHz, sent.MHz);
}

TEST(Load, WorkOfThisProcessIsItsOwn) {
  const auto start = sample_load();
  volatile double sum = 0;
  while (sample_load().own_s - start.own_s < 0.05)
    for (int i = 0; i < 10000; ++i) sum = sum + i;
  const auto place = place_between(start, sample_load(), 1);
  EXPECT_GE(place.own_s, 0.05);
  EXPECT_GE(place.seconds, 0.05);
  EXPECT_FALSE(place.busy_s.empty());
}

} // namespace
} // namespace ptychoscale
