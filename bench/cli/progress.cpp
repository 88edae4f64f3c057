#include "progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace ptychoscale {
namespace {

std::string clock_time(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

} // namespace

Progress::Progress(std::string title, std::string unit, int total, int done, bool shown)
    : title_(std::move(title)), unit_(std::move(unit)), total_(total), before_(done),
      shown_(shown && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_) std::fputc('\n', stderr);
}

void Progress::advance_to(int done, const std::string& note) {
  using namespace std::chrono_literals;
  const auto now = Clock::now();
  if (!shown_ || (done < total_ && now - drawn_ < 100ms)) return;
  drawn_ = now;
  constexpr int width = 30;
  const int filled = total_ > 0 ? static_cast<int>(static_cast<long>(width) * done / total_) : width;
  const double seconds = std::max(1e-9, std::chrono::duration<double>(now - start_).count());
  const double rate = (done - before_) / seconds;
  const auto left = rate > 0 ? clock_time((total_ - done) / rate) : std::string("?");
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {}/{} {}, {:.3g}/s, {} left{}", title_, "", filled, "",
             width - filled, done, total_, unit_, rate, left, note);
  std::fflush(stderr);
}

} // namespace ptychoscale
