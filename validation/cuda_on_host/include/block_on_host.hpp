#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <ucontext.h>
#include <utility>
#include <vector>

namespace ptychoscale {

/// A block of GPU threads on the host: fibers run them one after the other, ascending or descending, up to
/// the next barrier. What needs a barrier that is not there comes out wrong in one of the two orders.
class BlockOnHost {
public:
  enum class Order { ascending, descending };

  BlockOnHost(int threads, Order order) : fibers_(static_cast<std::size_t>(threads)), turns_(fibers_.size()) {
    std::iota(turns_.begin(), turns_.end(), 0);
    if (order == Order::descending) std::reverse(turns_.begin(), turns_.end());
  }

  /// body(thread, barrier) for every thread of the block. Throws when only some of them reach a barrier,
  /// where a GPU would hang.
  template <class Body> void run(const Body& body) {
    const auto barrier = [this] { wait(); };
    body_ = [&](int thread) { body(thread, barrier); };
    begun_ = ended_ = used_ = 0;
    active_ = this;
    if (!turns_.empty()) go_on_with(fibers_[used_++], beginner_);
    if (ended_ < turns_.size()) {
      for (auto& f : fibers_) f.begun = false; // what hangs is forgotten
      throw std::logic_error("some threads of the block wait at a barrier that others never reach");
    }
  }

  /// The barrier: the thread that runs gives way to the next, without a detour, since this is what most of
  /// the time goes into; after the last the first goes on, if none has ended.
  void wait() {
    Fiber& mine = *current_;
    const auto next = static_cast<std::size_t>(&mine - fibers_.data()) + 1;
    if (next < used_) return go_on_with(fibers_[next], mine.place);
    if (begun_ < turns_.size()) return go_on_with(fibers_[used_++], mine.place);
    if (ended_ != 0) return go(mine.place, beginner_); // all have, or the block hangs
    if (next != 1) go_on_with(fibers_.front(), mine.place);
  }

private:
  using Place = void* [5]; // where to go on, as __builtin_setjmp notes it
  static constexpr std::size_t stack_bytes = 256 << 10;
  struct Fiber {
    std::unique_ptr<char[]> stack;
    Place place{};
    bool begun = false;
  };

  /// As swapcontext, which would ask the operating system for the signal mask and take most of the time.
  /// Other threads run meanwhile, so the compiler must not assume that memory stays as it is.
  [[gnu::noinline]] static void go(Place& from, Place& to) {
    asm volatile("" ::: "memory");
    if (__builtin_setjmp(from) == 0) jump(to);
    asm volatile("" ::: "memory");
  }
  [[gnu::noinline]] static void jump(Place& to) { __builtin_longjmp(to, 1); } // not in a function with setjmp
  [[gnu::noinline]] static void go(Place& from, const ucontext_t& to) {
    asm volatile("" ::: "memory");
    if (__builtin_setjmp(from) == 0) setcontext(&to);
    asm volatile("" ::: "memory");
  }

  void go_on_with(Fiber& f, Place& from) {
    current_ = &f;
    if (std::exchange(f.begun, true)) return go(from, f.place);
    if (!f.stack) f.stack = std::make_unique_for_overwrite<char[]>(stack_bytes);
    ucontext_t beginning;
    getcontext(&beginning);
    beginning.uc_stack.ss_sp = f.stack.get();
    // A bit less for each, or all would lie in the same lines of the cache.
    beginning.uc_stack.ss_size = stack_bytes - static_cast<std::size_t>(&f - fibers_.data()) % 256 * 448;
    makecontext(&beginning, &BlockOnHost::work, 0);
    go(from, beginning);
  }

  /// What a fiber does, block after block: it goes on with the next thread unless one waits, so that what has
  /// no barrier needs only one.
  static void work() {
    for (;;) {
      BlockOnHost& block = *active_;
      while (block.begun_ < block.turns_.size()) {
        block.body_(block.turns_[block.begun_++]);
        ++block.ended_;
      }
      block.wait(); // for the next block
    }
  }

  static inline BlockOnHost* active_ = nullptr;
  std::vector<Fiber> fibers_;
  std::vector<int> turns_;
  std::function<void(int)> body_;
  std::size_t begun_ = 0; ///< threads
  std::size_t ended_ = 0;
  std::size_t used_ = 0; ///< fibers, each but perhaps the last with a thread that waits
  Place beginner_{};     ///< who runs the block
  Fiber* current_ = nullptr;
};

} // namespace ptychoscale
