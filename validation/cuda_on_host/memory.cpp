#include "memory.hpp"

#include "queue.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cuda_runtime.h>
#include <map>
#include <string>
#include <sys/mman.h>

namespace cuda_on_host {
namespace {

constexpr std::size_t alignment = 256; // CUDA's promise
constexpr std::size_t address_space = std::size_t{1} << 40;
constexpr unsigned char never_written = 0xff; // NaN in every format, -1 in every integer

/// Memory ends where its last page does, to within the alignment, and the page behind it stays closed.
struct Allocation {
  char* pages;
  std::size_t page_bytes;
  char* memory;
  std::size_t bytes;
  [[nodiscard]] bool holds(const char* address) const {
    return address >= memory && address < memory + bytes;
  }
  [[nodiscard]] bool margins_are_untouched() const {
    const auto untouched = [](char byte) { return static_cast<unsigned char>(byte) == never_written; };
    return std::all_of(pages, memory, untouched) &&
           std::all_of(memory + bytes, pages + page_bytes, untouched);
  }
};

/// Addresses are not used twice, so that those of memory that was given back stay closed.
struct Arena {
  char* begin = nullptr;
  char* free = nullptr;
  std::map<const char*, Allocation> there; ///< by their first page
  bool running = false;                    ///< while there is a DeviceRuns
};
Arena arena;
std::map<const char*, std::size_t> pinned;

void open(const Allocation& a) {
  if (mprotect(a.pages, a.page_bytes, PROT_READ | PROT_WRITE) != 0) give_up("mprotect failed");
}

/// Unless MPI is to be a library that takes device memory.
void close(const Allocation& a) {
  static const bool stays_open = std::getenv("CUDA_ON_HOST_OPEN") != nullptr;
  if (!stays_open && mprotect(a.pages, a.page_bytes, PROT_NONE) != 0) give_up("mprotect failed");
}

/// The memory that the address lies in, or else the last that begins before it.
const Allocation* nearest(const char* address) {
  const auto after = arena.there.upper_bound(address);
  return after == arena.there.begin() ? nullptr : &std::prev(after)->second;
}

std::string place_of(const char* address) {
  const Allocation* a = nearest(address);
  if (a == nullptr || address > a->pages + a->page_bytes + page) return "memory that is not there (any more)";
  return "byte " + std::to_string(address - a->memory) + " of device memory of " + std::to_string(a->bytes);
}

std::string name(const uint3& i) {
  return std::to_string(i.x) + "," + std::to_string(i.y) + "," + std::to_string(i.z);
}

void say_what_was_touched(int, siginfo_t* fault, void*) {
  const auto* address = static_cast<const char*>(fault->si_addr);
  if (is_address_of_device(address)) {
    const std::string who = a_kernel_runs
                                ? "block " + name(blockIdx) + ", thread " + name(threadIdx) + " of a kernel"
                            : arena.running ? "a copy or a transform"
                                            : "the host";
    std::fprintf(stderr, "CUDA on the host: %s used %s\n", who.c_str(), place_of(address).c_str());
  }
  std::signal(SIGSEGV, SIG_DFL); // and the fault comes again
}

void make_arena() {
  void* space = mmap(nullptr, address_space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) give_up("no address space");
  arena.begin = arena.free = static_cast<char*>(space) + page;
  struct sigaction action {};
  action.sa_sigaction = say_what_was_touched;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

std::size_t device_bytes() {
  const char* megabytes = std::getenv("CUDA_ON_HOST_MIB");
  return (megabytes == nullptr ? std::size_t{4096} : std::strtoull(megabytes, nullptr, 10)) << 20;
}

/// With `more` bytes, as the driver counts: pieces of 2 MiB, which small ones share.
std::size_t bytes_taken(std::size_t more = 0) {
  constexpr std::size_t piece = 2 << 20;
  std::size_t small = 0;
  std::size_t large = 0;
  const auto add = [&](std::size_t bytes) {
    if (bytes < piece / 2)
      small += rounded_up(bytes, alignment);
    else
      large += rounded_up(bytes, piece);
  };
  for (const auto& [key, a] : arena.there) add(a.bytes);
  add(more);
  return large + rounded_up(small, piece);
}

} // namespace

DeviceRuns::DeviceRuns() {
  arena.running = true;
  for (const auto& [key, a] : arena.there) open(a);
}
DeviceRuns::~DeviceRuns() {
  arena.running = false;
  for (const auto& [key, a] : arena.there) {
    if (!a.margins_are_untouched())
      give_up("something was written beside device memory of " + std::to_string(a.bytes) + " bytes");
    close(a);
  }
}

bool in_device_memory(const void* address) {
  const Allocation* a = nearest(static_cast<const char*>(address));
  return a != nullptr && a->holds(static_cast<const char*>(address));
}
bool in_pinned_memory(const void* address) {
  const auto* at = static_cast<const char*>(address);
  const auto after = pinned.upper_bound(at);
  return after != pinned.begin() && at < std::prev(after)->first + std::prev(after)->second;
}

bool is_address_of_device(const void* address) {
  const auto* at = static_cast<const char*>(address);
  return arena.begin != nullptr && at >= arena.begin && at < arena.begin + address_space;
}

void give_up(const std::string& what) {
  std::fprintf(stderr, "CUDA on the host: %s\n", what.c_str());
  std::abort();
}

} // namespace cuda_on_host

using namespace cuda_on_host;

extern "C" {

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  const Turn turn;
  if (invalidate_captures()) return failed(cudaErrorStreamCaptureUnsupported);
  if (bytes == 0) return *memory = nullptr, cudaSuccess;
  if (bytes_taken(bytes) > device_bytes()) return failed(cudaErrorMemoryAllocation);
  if (arena.begin == nullptr) make_arena();
  Allocation a{arena.free, rounded_up(rounded_up(bytes, alignment), page), nullptr, bytes};
  a.memory = a.pages + a.page_bytes - rounded_up(bytes, alignment);
  arena.free += a.page_bytes + page;
  if (arena.free > arena.begin + address_space - 2 * page) give_up("all addresses were used");
  open(a);
  std::memset(a.pages, never_written, a.page_bytes);
  close(a);
  arena.there.emplace(a.pages, a);
  *memory = a.memory;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const Turn turn;
  if (invalidate_captures()) return failed(cudaErrorStreamCaptureUnsupported);
  if (memory == nullptr) return cudaSuccess;
  run_all(); // as the real one does
  const Allocation* a = nearest(static_cast<const char*>(memory));
  if (a == nullptr || a->memory != memory) return failed(cudaErrorInvalidValue);
  mmap(a->pages, a->page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  arena.there.erase(a->pages);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** memory, std::size_t bytes, unsigned) {
  const Turn turn;
  if (invalidate_captures()) return failed(cudaErrorStreamCaptureUnsupported);
  const std::size_t all = rounded_up(std::max<std::size_t>(bytes, 1), page);
  void* pages = mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return failed(cudaErrorMemoryAllocation);
  std::memset(pages, never_written, all);
  pinned.emplace(static_cast<char*>(pages), all);
  *memory = pages;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) { // does not wait: what still uses it meets a closed page
  const Turn turn;
  if (invalidate_captures()) return failed(cudaErrorStreamCaptureUnsupported);
  if (memory == nullptr) return cudaSuccess;
  const auto found = pinned.find(static_cast<const char*>(memory));
  if (found == pinned.end()) return failed(cudaErrorInvalidValue);
  munmap(memory, found->second);
  pinned.erase(found);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Turn turn;
  *total = device_bytes();
  *free = *total - std::min(*total, bytes_taken());
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  const Turn turn;
  const auto type = in_device_memory(memory)   ? cudaMemoryTypeDevice
                    : in_pinned_memory(memory) ? cudaMemoryTypeHost
                                               : cudaMemoryTypeUnregistered;
  auto* address = const_cast<void*>(memory);
  *attributes = {type, 0, type == cudaMemoryTypeUnregistered ? nullptr : address,
                 type == cudaMemoryTypeDevice ? nullptr : address};
  return cudaSuccess;
}
}
