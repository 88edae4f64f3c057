#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <ucontext.h>
#include <vector>

namespace ptychoscale {

/// A block of GPU threads on the host: each is a fiber that gives way at a barrier. Between two barriers the
/// threads run one after the other, ascending or descending: what needs a barrier that is not there comes out
/// wrong in one of the two orders.
class BlockOnHost {
public:
  enum class Order { ascending, descending };

  BlockOnHost(int threads, Order order) : fibers_(static_cast<std::size_t>(threads)), turns_(fibers_.size()) {
    std::iota(turns_.begin(), turns_.end(), 0);
    if (order == Order::descending) std::reverse(turns_.begin(), turns_.end());
    for (auto& f : fibers_) f.stack = std::make_unique_for_overwrite<char[]>(stack_bytes);
  }

  /// body(thread, barrier) for every thread of the block. Throws when only some of them reach a barrier,
  /// where a GPU would hang.
  template <class Body> void run(const Body& body) {
    const auto barrier = [this] { give_way(); };
    body_ = [&](int thread) { body(thread, barrier); };
    for (int thread : turns_) start(thread);
    for (std::size_t running = fibers_.size(); running > 0;) {
      for (int thread : turns_) resume(thread);
      running = static_cast<std::size_t>(
          std::count_if(fibers_.begin(), fibers_.end(), [](const Fiber& f) { return !f.ended; }));
      if (running != 0 && running != fibers_.size())
        throw std::logic_error("some threads of the block wait at a barrier that others never reach");
    }
  }

private:
  static constexpr std::size_t stack_bytes = 256 << 10;
  struct Fiber {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
    bool ended = false;
  };

  void start(int thread) {
    Fiber& f = fibers_[static_cast<std::size_t>(thread)];
    f.ended = false;
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = stack_bytes;
    f.context.uc_link = &scheduler_;
    makecontext(&f.context, &BlockOnHost::enter, 0);
  }
  void resume(int thread) {
    current_ = thread;
    active_ = this;
    swapcontext(&scheduler_, &fibers_[static_cast<std::size_t>(thread)].context);
  }
  void give_way() { swapcontext(&fibers_[static_cast<std::size_t>(current_)].context, &scheduler_); }
  static void enter() {
    BlockOnHost& block = *active_;
    const int thread = block.current_;
    block.body_(thread);
    block.fibers_[static_cast<std::size_t>(thread)].ended = true;
  }

  static inline BlockOnHost* active_ = nullptr;
  std::vector<Fiber> fibers_;
  std::vector<int> turns_;
  std::function<void(int)> body_;
  ucontext_t scheduler_{};
  int current_ = 0;
};

} // namespace ptychoscale
