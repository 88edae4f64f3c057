#include "memory.hpp"
#include "queue.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <cuda_runtime.h>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <utility>

#ifndef __PIC__
#error                                                                                                       \
    "position-independent programs only (-fPIE, -pie): where they lie tells addresses of the host from numbers"
#endif

namespace cuda_on_host {

bool a_kernel_runs = false;

namespace {

using ptychoscale::BlockOnHost;

constexpr std::size_t usual_shared_bytes = 48 << 10;
constexpr std::size_t most_shared_bytes = 96 << 10; // of a V100; later GPUs have more
constexpr unsigned most_threads = 1024;

std::map<const void*, std::size_t> allowed_shared_bytes; // by kernel
void* shared = nullptr;                                  // of the block that runs
BlockOnHost* running = nullptr;

/// Shared memory that ends at a closed page.
void* make_shared_memory(std::size_t bytes) {
  static char* const pages = [] {
    void* all =
        mmap(nullptr, most_shared_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) give_up("no memory");
    if (mprotect(static_cast<char*>(all) + most_shared_bytes, page, PROT_NONE) != 0)
      give_up("mprotect failed");
    return static_cast<char*>(all);
  }();
  return pages + most_shared_bytes - rounded_up(bytes, 16);
}

uint3 index_in(dim3 extent, std::size_t i) {
  return {static_cast<unsigned>(i % extent.x), static_cast<unsigned>(i / extent.x % extent.y),
          static_cast<unsigned>(i / extent.x / extent.y)};
}
std::size_t count(dim3 extent) { return std::size_t{extent.x} * extent.y * extent.z; }

/// Fibers keep their stacks from one block to the next.
BlockOnHost& block_of(std::size_t threads) {
  static std::map<std::pair<std::size_t, BlockOnHost::Order>, std::unique_ptr<BlockOnHost>> blocks;
  auto& block = blocks[{threads, schedule().order}];
  if (!block) block = std::make_unique<BlockOnHost>(static_cast<int>(threads), schedule().order);
  return *block;
}

void run_block(const Kernel& kernel) {
  std::memset(shared, 0xff, kernel.shared_bytes);
  running = &block_of(count(kernel.block));
  running->run([&](int thread, const auto&) {
    threadIdx = index_in(kernel.block, static_cast<std::size_t>(thread));
    kernel.thread();
  });
}

void run(const Kernel& kernel) {
  blockDim = kernel.block;
  gridDim = kernel.grid;
  shared = make_shared_memory(kernel.shared_bytes);
  const std::size_t blocks = count(kernel.grid);
  a_kernel_runs = true;
  for (std::size_t i = 0; i < blocks; ++i) {
    blockIdx = index_in(kernel.grid, schedule().order == BlockOnHost::Order::ascending ? i : blocks - 1 - i);
    try {
      run_block(kernel);
    } catch (const std::logic_error& error) {
      give_up(error.what());
    }
  }
  a_kernel_runs = false;
}

bool is_mapped(std::uintptr_t address) {
  unsigned char there = 0;
  return mincore(reinterpret_cast<void*>(address / page * page), page, &there) == 0;
}

/// No number that a kernel gets looks like an address of this process, which is position-independent:
/// program, heap, stacks and libraries lie above 0x5000 << 32, where two whole numbers would have to be 20480
/// or more.
bool is_address_of_host(std::uintptr_t word) {
  const auto* address = reinterpret_cast<const void*>(word);
  return word >> 32 >= 0x5000 && word >> 47 == 0 && is_mapped(word) && !is_address_of_device(address) &&
         !in_pinned_memory(address);
}

void refuse_addresses_of_host(void* const* arguments, std::span<const std::size_t> sizes) {
  for (std::size_t a = 0; a < sizes.size(); ++a)
    for (std::size_t at = 0; at + sizeof(std::uintptr_t) <= sizes[a]; at += sizeof(std::uintptr_t)) {
      std::uintptr_t word = 0;
      std::memcpy(&word, static_cast<const char*>(arguments[a]) + at, sizeof word);
      if (is_address_of_host(word))
        give_up("byte " + std::to_string(at) + " of argument " + std::to_string(a) +
                " of a kernel begins an address of the host's memory");
    }
}

} // namespace

void wait_at_barrier() {
  const uint3 mine = threadIdx; // other threads have theirs meanwhile
  running->wait();
  threadIdx = mine;
}
void* shared_memory() { return shared; }

cudaError_t launch(Kernel kernel, void* const* arguments, std::span<const std::size_t> sizes,
                   cudaStream_t stream) {
  const Turn turn;
  const auto [grid, block] = std::pair(kernel.grid, kernel.block);
  const bool too_large =
      grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535 || block.z > 64 || count(block) > most_threads;
  if (count(grid) == 0 || count(block) == 0 || too_large) return failed(cudaErrorInvalidConfiguration);
  const auto allowed = allowed_shared_bytes.find(kernel.function);
  if (kernel.shared_bytes > (allowed == allowed_shared_bytes.end() ? usual_shared_bytes : allowed->second))
    return failed(cudaErrorInvalidValue);
  refuse_addresses_of_host(arguments, sizes);
  return queue([kernel = std::move(kernel)] { run(kernel); }, stream);
}

} // namespace cuda_on_host

extern "C" cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute, int value) {
  using namespace cuda_on_host;
  const Turn turn;
  if (value < 0 || static_cast<std::size_t>(value) > most_shared_bytes) return failed(cudaErrorInvalidValue);
  allowed_shared_bytes[kernel] = std::max(static_cast<std::size_t>(value), usual_shared_bytes);
  return cudaSuccess;
}
