/// Bank conflicts of the GPU kernels' exchanges, counted from the addresses that their threads really use.
#include "kernels_on_host.hpp"

#include <array>
#include <set>

namespace ptychoscale {
namespace {

/// Stands for a line in shared memory: notes which words are asked for, in order.
struct NotingLine {
  int first = 0;
  int stride = 1;
  std::vector<int>* words = nullptr;
  cuda::Complex64* value = nullptr;
  cuda::Complex64& operator[](int i) const {
    words->push_back(first + cuda::padded(i) * stride);
    return *value;
  }
};

/// The largest number of different words that 16 threads ask one bank for at once. Complex64 is two of the 32
/// banks wide, hence half a warp is served at a time. `words` [thread][access].
int worst_conflict(const std::vector<std::vector<int>>& words) {
  std::size_t worst = 0;
  for (std::size_t begin = 0; begin < words.size(); begin += 16) {
    const auto end = std::min(begin + 16, words.size());
    for (std::size_t access = 0; access < words[begin].size(); ++access) {
      std::array<std::set<int>, 16> banks;
      for (std::size_t t = begin; t < end; ++t)
        if (access < words[t].size())
          banks[static_cast<std::size_t>(words[t][access] % 16)].insert(words[t][access]);
      for (const auto& bank : banks) worst = std::max(worst, bank.size());
    }
  }
  return static_cast<int>(worst);
}

/// Conflicts of every exchange of a transform, by the threads of a block whose lines lie as `line_of(thread)`
/// says and whose numbers in their line are `number_of(thread)`.
template <int N, cuda::Order O, int Pass = 0, class LineOf, class NumberOf>
int conflicts(int threads, const LineOf& line_of, const NumberOf& number_of) {
  if constexpr (Pass + 1 == cuda::LinePlan<N>::passes) {
    return 0;
  } else {
    constexpr int next_radix = cuda::radix_of(cuda::LinePlan<N>::radices, O, Pass + 1);
    std::vector<std::vector<int>> written(static_cast<std::size_t>(threads));
    std::vector<std::vector<int>> read(static_cast<std::size_t>(threads));
    cuda::LineValues<N> values{};
    cuda::Complex64 any{};
    for (int thread = 0; thread < threads; ++thread) {
      NotingLine line = line_of(thread);
      line.value = &any;
      line.words = &written[static_cast<std::size_t>(thread)];
      cuda::scatter<N, O, Pass>(values, number_of(thread), line);
      line.words = &read[static_cast<std::size_t>(thread)];
      cuda::for_values<N, next_radix>(number_of(thread), [&](int slot, int i) { values[slot] = line[i]; });
    }
    return std::max({worst_conflict(written), worst_conflict(read),
                     conflicts<N, O, Pass + 1>(threads, line_of, number_of)});
  }
}

template <int N, cuda::Order O> int row_conflicts() {
  static constexpr int in_line = cuda::RowBlock<N>::line_threads;
  return conflicts<N, O>(
      cuda::RowBlock<N>::threads,
      [](int thread) { return NotingLine{.first = thread / in_line * cuda::padded(N), .stride = 1}; },
      [](int thread) { return thread % in_line; });
}

template <int N, cuda::Order O> int column_conflicts() {
  static constexpr int lines = cuda::ColumnBlock<N>::lines;
  return conflicts<N, O>(
      cuda::ColumnBlock<N>::threads,
      [](int thread) { return NotingLine{.first = thread % lines, .stride = lines}; },
      [](int thread) { return thread / lines; });
}

template <class Length> class BankConflicts : public ::testing::Test {};
TYPED_TEST_SUITE(BankConflicts, TypedLengths<cuda::FusedLengths>::Types, LengthNames);

/// Without padding the rows of powers of two would come to 8 and 16. Other factors are left at 4.
TYPED_TEST(BankConflicts, AreFew) {
  constexpr int n = TypeParam::value;
  constexpr bool power_of_two = (n & (n - 1)) == 0;
  const int most = std::max(
      {row_conflicts<n, cuda::Order::ascending>(), row_conflicts<n, cuda::Order::descending>(),
       column_conflicts<n, cuda::Order::ascending>(), column_conflicts<n, cuda::Order::descending>()});
  EXPECT_LE(most, power_of_two ? 2 : 4);
}

} // namespace
} // namespace ptychoscale
