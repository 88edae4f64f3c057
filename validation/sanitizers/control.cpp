// One defect of each kind that the sanitizers are there for, chosen by name, and loops and threads without
// any: shows that a clean run means something, and that what is synchronised by OpenMP or by a future is not
// taken for a race.

#include <cstdio>
#include <future>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace {
constexpr int threads = 3;
constexpr int n = 10000;

double read_beyond_the_end(std::vector<double>& a) { return a.data()[a.size()]; }

double read_after_free(std::vector<double>& a) {
  const double* gone = a.data();
  a = std::vector<double>(2 * a.size());
  return gone[1];
}

double signed_overflow(std::vector<double>& a) {
  return std::numeric_limits<int>::max() - 10000 + static_cast<int>(a.size()) + static_cast<int>(a[0]);
}

double shared_sum(std::vector<double>& a) {
  double sum = 0;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int i = 0; i < n; ++i) sum += a[i];
  return sum;
}

double shared_neighbour(std::vector<double>& a) {
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int i = 0; i < n - 1; ++i) a[i] += a[i + 1];
  return a[0];
}

// In vectors, where the compiler makes them: accesses that a sanitizer may be blind to.
double shared_vectors(std::vector<double>& a) {
  std::vector<double> b(n, 1.0);
#pragma omp parallel num_threads(threads)
  {
    double* to = a.data();
    const double* from = b.data();
#pragma omp simd
    for (int i = 0; i < n; ++i) to[i] += from[i];
  }
  return a[0];
}

double missing_barrier(std::vector<double>& a) {
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static) nowait
    for (int i = 0; i < n; ++i) a[i] += 1;
#pragma omp for schedule(static)
    for (int i = 0; i < n; ++i) a[n - 1 - i] += 1;
  }
  return a[0];
}

double unawaited_future(std::vector<double>& a) {
  auto adding = std::async(std::launch::async, [&a] {
    for (double& x : a) x += 1;
  });
  a[1] += 1;
  adding.get();
  return a[1];
}

double no_defect(std::vector<double>& a) {
  double sum = 0;
  for (int round = 0; round < 10; ++round) {
    auto adding = std::async(std::launch::async, [&a] {
      for (double& x : a) x += 1;
    });
    adding.get();
#pragma omp parallel num_threads(threads)
    {
      std::vector<double> own(n, 1.0); // as the backend's scratch memory
#pragma omp for schedule(static)
      for (int i = 0; i < n; ++i) a[i] += own[i];
#pragma omp for schedule(static)
      for (int i = 0; i < n; ++i) a[n - 1 - i] += own[i];
    }
    a[0] += 1;
#pragma omp parallel for num_threads(threads) schedule(dynamic) reduction(+ : sum)
    for (int i = 0; i < n; ++i) sum += a[i];
  }
  return sum;
}
} // namespace

int main(int argc, char** argv) {
  const std::map<std::string, double (*)(std::vector<double>&)> cases{
      {"read_beyond_the_end", read_beyond_the_end},
      {"read_after_free", read_after_free},
      {"signed_overflow", signed_overflow},
      {"shared_sum", shared_sum},
      {"shared_neighbour", shared_neighbour},
      {"shared_vectors", shared_vectors},
      {"missing_barrier", missing_barrier},
      {"unawaited_future", unawaited_future},
      {"no_defect", no_defect}};
  const auto chosen = cases.find(argc == 2 ? argv[1] : "");
  if (chosen == cases.end()) {
    std::fputs("give one of: ", stderr);
    for (const auto& [name, run] : cases) std::fprintf(stderr, "%s ", name.c_str());
    std::fputs("\n", stderr);
    return 2;
  }
  std::vector<double> a(n, 1.0);
  std::printf("%g\n", chosen->second(a));
}
