/// What make_backend refuses, and what a GPU without memory says.
#include "cuda/message_memory.hpp"
#include "cuda/out_of_memory.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

std::string refusal(const BackendOptions& options) {
  try {
    static_cast<void>(make_backend(options));
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(MakeBackend, SaysWhatComputes) {
  const auto description = [](std::optional<Kernels> kernels, Extent e) {
    const auto backend = make_backend({.kind = "cpu", .planning = Planning::estimate, .kernels = kernels});
    backend->prepare({&e, 1});
    return backend->description();
  };
  EXPECT_TRUE(description(Kernels::fftw, {64, 64}).starts_with("cpu, 1 thread, kernels fftw, fftw-"));
  const auto fused = description(Kernels::fused, {64, 64});
  EXPECT_TRUE(fused.starts_with("cpu, 1 thread, kernels fused (")) << fused;
  EXPECT_NE(fused.find("), fftw-"), std::string::npos) << fused;
  EXPECT_NE(description(Kernels::fused, {22, 36}).find(" but fftw for columns of 22 and rows of 36, fftw-"),
            std::string::npos);
}

TEST(MakeBackend, GivesACpuThatLetsTheHostWorkBetweenSlices) {
  constexpr Extent e{32, 32}; // a length of either
  for (const auto kernels : {Kernels::fftw, Kernels::fused}) {
    const auto backend = make_backend({.kind = "cpu", .planning = Planning::estimate, .kernels = kernels});
    backend->prepare({&e, 1});
    const Buffer<Complex> wave(*backend, e.area(), MemoryLabel::waves),
        factor(*backend, 32, MemoryLabel::waves);
    const auto a_slice = [&] {
      backend->propagate({wave.data(), 1, e}, {factor.data(), factor.data(), nullptr}, Sense::direct);
    };
    int times = 0;
    {
      const Meanwhile work(*backend, [&] { return ++times < 2; });
      a_slice();
      a_slice();
    }
    a_slice();
    EXPECT_EQ(times, 2) << name(kernels);
  }
}

TEST(MakeBackend, RefusesChoicesOfTheGpuOnTheCpu) {
  EXPECT_EQ(refusal({.kind = "cpu", .kernels = Kernels::cufft}),
            "kernels: 'cufft' is a choice of the cuda backend; valid with cpu: fftw, fused");
  EXPECT_EQ(refusal({.kind = "cuda", .kernels = Kernels::fftw}),
            "kernels: 'fftw' is a choice of the cpu backend; valid with cuda: cufft, fused");
  EXPECT_EQ(refusal({.kind = "cpu", .kernels = Kernels::fftw}), "accepted");
  EXPECT_EQ(refusal({.kind = "cpu", .kernels = Kernels::fused}), "accepted");
  for (const auto launch : {Launch::graph, Launch::direct})
    EXPECT_NE(refusal({.kind = "cpu", .launch = launch})
                  .find("is a choice of the cuda backend; leave it out with cpu"),
              std::string::npos);
  for (const auto messages : {MessageMemory::host, MessageMemory::device})
    EXPECT_NE(refusal({.kind = "cpu", .messages = messages})
                  .find("is a choice of the cuda backend; leave it out with cpu"),
              std::string::npos);
  EXPECT_EQ(refusal({.kind = "cpu"}), "accepted");
}

TEST(MessageMemory, IsTheGpusOwnOnlyIfMpiTakesThat) {
  const auto chosen = [](std::optional<MessageMemory> wanted, bool mpi_takes) {
    return cuda::choose_message_memory({.messages = wanted, .mpi_takes_device_memory = mpi_takes});
  };
  EXPECT_EQ(chosen(std::nullopt, false), MessageMemory::host);
  EXPECT_EQ(chosen(std::nullopt, true), MessageMemory::device);
  EXPECT_EQ(chosen(MessageMemory::host, true), MessageMemory::host);
  EXPECT_EQ(chosen(MessageMemory::device, true), MessageMemory::device);
  EXPECT_THROW(static_cast<void>(chosen(MessageMemory::device, false)), InputError);
}

TEST(MakeBackend, RefusesUnknownBackends) {
  EXPECT_NE(refusal({.kind = "abacus"}).find("'abacus' is unknown; this build has cpu"), std::string::npos);
}

MemoryMeter::Reading holding(std::int64_t waves, std::int64_t measurements) {
  MemoryMeter::Reading meter;
  meter.now[static_cast<std::size_t>(MemoryLabel::waves)] = waves;
  meter.now[static_cast<std::size_t>(MemoryLabel::measurements)] = measurements;
  return meter;
}

const std::vector<MemorySaving> savings{{MemoryLabel::measurements, 1, "stream"},
                                        {MemoryLabel::measurements, 0.5, "float16"},
                                        {MemoryLabel::waves, 1, "reverse"},
                                        {MemoryLabel::exchange, 1, "messages from the host"},
                                        {std::nullopt, 1, "more ranks"}};

TEST(OutOfMemory, TellsTheLedgerAndOnlyWhatWouldFit) {
  const auto meter = holding(1'500'000, 70'000'000);
  const cuda::RefusedMemory refused{
      .label = MemoryLabel::volume, .asked = 3'000'000, .free = 1'000'000, .total = 80'000'000};
  EXPECT_EQ(cuda::out_of_memory_text(refused, meter, savings),
            "GPU memory: 3.0 MB for volume are not to be had, 1.0 MB of 80.0 MB are free; this process holds "
            "waves 1.5 MB, measurements 70.0 MB; what may fit: stream, float16, more ranks");
  EXPECT_NE(cuda::out_of_memory_text(refused, meter, {}).find("what may fit: a GPU with more memory"),
            std::string::npos);
}

TEST(OutOfMemory, CountsThePartOfASaving) {
  const cuda::RefusedMemory refused{
      .label = MemoryLabel::volume, .asked = 3'000'000, .free = 1'000'000, .total = 80'000'000};
  const auto text = [&](std::int64_t measurements) {
    return cuda::out_of_memory_text(refused, holding(0, measurements), savings);
  };
  EXPECT_EQ(text(4'000'000).find("float16"), std::string::npos);
  EXPECT_NE(text(4'000'001).find("stream, float16"), std::string::npos);
}

TEST(OutOfMemory, CountsWhatASavingWouldNotAskFor) {
  const auto text = cuda::out_of_memory_text(
      {.label = MemoryLabel::waves, .asked = 3'000'000, .free = 1'000'000, .total = 80'000'000},
      holding(0, 0), savings);
  EXPECT_NE(text.find("holds nothing; what may fit: reverse, more ranks"), std::string::npos) << text;
}

TEST(OutOfMemory, TellsLittleMemoryInSmallUnits) {
  const auto text =
      cuda::out_of_memory_text({.label = MemoryLabel::waves, .asked = 512, .free = 0, .total = 80'000'000},
                               holding(99'900, 0), savings);
  EXPECT_NE(text.find("512 B for waves are not to be had, 0 B of 80.0 MB are free; this process holds "
                      "waves 99.9 kB"),
            std::string::npos)
      << text;
}

TEST(OutOfMemory, CountsMessagesOnlyWhereTheyLieOnTheGpu) {
  auto meter = holding(0, 0);
  meter.now[static_cast<std::size_t>(MemoryLabel::exchange)] = 5'000'000;
  cuda::RefusedMemory refused{
      .label = MemoryLabel::volume, .asked = 3'000'000, .free = 1'000'000, .total = 80'000'000};
  EXPECT_EQ(cuda::out_of_memory_text(refused, meter, savings).find("messages"), std::string::npos);
  refused.messages = MessageMemory::device;
  EXPECT_NE(cuda::out_of_memory_text(refused, meter, savings).find("may fit: messages from the host, more"),
            std::string::npos);
}

TEST(OutOfMemory, PinnedMemoryIsForMessagesAndPatterns) {
  EXPECT_EQ(cuda::out_of_pinned_memory_text(MemoryLabel::exchange, 64'000'000, holding(0, 0)),
            "pinned host memory: 64.0 MB for exchange are not to be had; this process holds nothing; what "
            "may fit: a smaller --exchange-MB");
  EXPECT_NE(cuda::out_of_pinned_memory_text(MemoryLabel::other, 4'000'000, holding(0, 0))
                .find("may fit: less that other processes pin"),
            std::string::npos);
}

} // namespace
} // namespace ptychoscale
