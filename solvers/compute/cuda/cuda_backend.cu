#include "check.hpp"
#include "cuda_backend.hpp"
#include "detector_kernels.cuh"
#include "device.hpp"
#include "device_origins.hpp"
#include "limited_kernels.cuh"
#include "message_memory.hpp"
#include "out_of_memory.hpp"
#include "ptychoscale/base/error.hpp"
#include "replay.hpp"
#include "slice_step.hpp"
#include "stream.hpp"
#include "volume_kernels.cuh"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

using namespace cuda;

class CudaBackend final : public Backend {
public:
  explicit CudaBackend(const BackendOptions& options)
      : messages_(choose_message_memory(options)), savings_(options.savings),
        device_(choose_device(options.local_rank, reinterpret_cast<const void*>(cuda::intensity))),
        launch_(options.launch.value_or(Launch::graph)), origins_(*this, stream_.get()),
        slice_step_(options.kernels == Kernels::fused ? make_fused_slice_step(*this, stream_.get())
                                                      : make_cufft_slice_step(*this, stream_.get())) {}

  [[nodiscard]] std::string_view name() const override { return "cuda"; }
  [[nodiscard]] std::string description() const override {
    return "cuda, " + describe_device(device_) + ", " + slice_step_->description() +
           (launch_ == Launch::graph ? ", launch graph" : ", launch direct") + ", " + describe(messages_);
  }
  [[nodiscard]] std::string device() const override { return place_of_device(device_); }

  /// 256 MiB of them, in pairs, which is more than any GPU needs to be busy and little of its memory; no more
  /// than 64, since a graph has nodes for each.
  [[nodiscard]] int usual_waves(Extent extent) const override {
    return static_cast<int>(
        std::clamp<std::size_t>((std::size_t{128} << 20) / (sizeof(Complex) * extent.area()), 1, 64));
  }

  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    if (pinned(label)) return allocate_pinned(bytes, label);
    void* memory = allocate_on_device(bytes, label);
    memory_meter().add(label, bytes);
    return memory;
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    if (pinned(label)) return release_pinned(memory, bytes, label);
    before_release(bytes, label);
    report(cudaFree(memory), "cudaFree");
  }
  void to_device(void* device, const void* host, std::size_t bytes) override { copy(device, host, bytes); }
  void to_host(void* host, const void* device, std::size_t bytes) override { copy(host, device, bytes); }
  void zero(void* device, std::size_t bytes) override {
    check(cudaMemsetAsync(device, 0, bytes, stream_.get()), "cudaMemsetAsync");
  }
  void synchronize() override {
    if (host_works()) return beside_.synchronize();
    while (let_host_work() && !stream_.is_done()) {
    }
    stream_.synchronize();
  }

  [[nodiscard]] void* allocate_staging(std::size_t bytes, MemoryLabel label) override {
    return allocate_pinned(bytes, label);
  }
  void release_staging(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    release_pinned(memory, bytes, label);
  }
  void load(void* device, const void* staging, std::size_t bytes) override {
    check(cudaSetDevice(device_), "cudaSetDevice"); // every thread begins with the first
    check(cudaMemcpyAsync(device, staging, bytes, cudaMemcpyHostToDevice, loads_.get()), "cudaMemcpyAsync");
    loads_.synchronize();
  }

  void prepare(std::span<const Extent> extents) override {
    for (const auto e : extents) slice_step_->prepare(e);
  }
  void search(std::span<const Extent>) override {}
  [[nodiscard]] std::string planning_knowledge() const override { return {}; } // nothing here searches
  void learn_planning(const std::string&) override {}

  void transform_rows(Waves waves, Direction direction) override {
    slice_step_->transform_rows(waves, direction);
  }
  void transform_columns(Waves waves, Direction direction) override {
    slice_step_->transform_columns(waves, direction);
  }
  void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float sigma) override {
    slice_step_->transmit(waves, potential, origins_.of(origins), sigma);
  }
  void propagate(Waves waves, const Propagator& propagator, Sense sense) override {
    slice_step_->propagate(waves, propagator, sense);
  }
  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                        std::span<const Offset> origins, float sigma, bool rewind) override {
    slice_step_->transmit_adjoint(transmitted, adjoint, update, origins_.of(origins), sigma, rewind);
  }

  void deliver_sum(const SliceUpdate& update, float* sum, std::span<const Offset> origins,
                   Extent window) override {
    launch_kernel("deliver_sum", cuda::deliver_sum, over_pixels(window), stream_.get(), sum, window,
                  {update.potential.data, update.gradient, update.potential.extent, update.step},
                  origins_.of(origins));
  }

  void replay(Recording& recording, std::span<const Offset> origins,
              const std::function<void()>& verbs) override {
    if (launch_ == Launch::direct) return verbs();
    static_cast<void>(origins_.of(origins)); // before what is captured, so that that does not set them
    cuda::replay(recording, releases_, stream_.get(), verbs);
  }

  void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) override {
    for (int i = 0; i < waves.count; ++i)
      launch_kernel("shift_probe", cuda::shift_probe, over_pixels(waves.extent), stream_.get(),
                    raw(waves.one(i).data), waves.extent, raw(probe.data), probe.box, pixels[i].y,
                    pixels[i].x);
  }

  void gather_probe(Waves waves, Complex* gradient, Box box, std::span<const Shift> pixels) override {
    for (int i = 0; i < waves.count; ++i)
      launch_kernel("gather_probe", cuda::gather_probe, over_pixels(box.extent()), stream_.get(),
                    raw(waves.one(i).data), waves.extent, raw(gradient), box, pixels[i].y, pixels[i].x,
                    1 / static_cast<double>(waves.extent.area()));
  }

  void place(Waves target, Waves source, Offset origin) override {
    for (int i = 0; i < target.count; ++i)
      launch_kernel("place", cuda::place, over_pixels(target.extent), stream_.get(), raw(target.one(i).data),
                    target.extent, raw(source.one(i).data), source.extent, origin);
  }

  void amplitude_loss(Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses) override {
    const auto ny = static_cast<std::size_t>(waves.extent.y);
    const std::size_t all_rows = ny * losses.size();
    const std::size_t modes = static_cast<std::size_t>(waves.count) / losses.size();
    if (loss_of_row_.size() < all_rows) loss_of_row_ = Buffer<double>(*this, all_rows, MemoryLabel::waves);
    const auto shape = cuda::shape_of_losses(all_rows, waves.extent.x);
    const auto scale = static_cast<float>(waves.extent.area());
    const float least = undetermined_amplitude(waves.extent);
    const auto compare = [&]<class Stored>(const Stored* stored) {
      if (modes == 1)
        launch_kernel("amplitude_loss", cuda::amplitude_loss<Stored>, shape, stream_.get(), raw(waves.data),
                      stored, raw(adjoint.data), waves.extent.x, scale, least, loss_of_row_.data());
      else
        launch_kernel("amplitude_loss_of_modes", cuda::amplitude_loss_of_modes<Stored>, shape, stream_.get(),
                      raw(waves.data), waves.size() / modes, waves.size(), stored, raw(adjoint.data),
                      waves.extent.x, scale, least, loss_of_row_.data());
    };
    std::visit(compare, amplitudes);
    std::vector<double> host(all_rows);
    to_host(host.data(), loss_of_row_.data(), all_rows * sizeof(double));
    for (std::size_t i = 0; i < losses.size(); ++i)
      losses[i] = std::accumulate(host.data() + i * ny, host.data() + (i + 1) * ny, 0.0);
  }

  void intensity(Waves waves, float* intensities) override {
    launch_kernel("intensity", cuda::intensity, over_elements(waves.size()), stream_.get(), raw(waves.data),
                  intensities, waves.size());
  }

  void transmission(Waves t, Slice potential, std::span<const Offset> origins, float sigma) override {
    const Offset* on_device = origins_.of(origins);
    for (int i = 0; i < t.count; ++i)
      launch_kernel("transmission", set_transmission, over_pixels(t.extent), stream_.get(),
                    raw(t.one(i).data), t.extent, {potential.data, potential.extent, sigma}, on_device + i);
  }

  void multiply(Waves waves, Waves factor, Sense sense) override {
    launch_kernel("multiply", cuda::multiply, over_elements(waves.size()), stream_.get(), raw(waves.data),
                  raw(factor.data), waves.size(), sense == Sense::conjugate);
  }

  void phase_gradient(Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                      float sigma) override {
    const Extent e = update.potential.extent;
    const Offset* on_device = origins_.of(origins);
    for (int i = 0; i < dt.count; ++i)
      launch_kernel("phase_gradient", cuda::phase_gradient, over_pixels(dt.extent), stream_.get(),
                    raw(dt.one(i).data), dt.extent, {update.potential.data, e, sigma},
                    {update.potential.data, update.gradient, e, update.step}, on_device + i);
  }

  void axpy(float* y, float a, const float* x, std::size_t n) override {
    launch_kernel("axpy", cuda::axpy, over_elements(n), stream_.get(), y, a, x, n);
  }

  void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) override {
    move_box(volume, packed, box, first_slice, last_slice, Packing::pack);
  }
  void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
              Merging merging) override {
    move_box(volume, const_cast<float*>(packed), box, first_slice, last_slice,
             merging == Merging::add ? Packing::add : Packing::replace);
  }
  void scale(Volume volume, const float* weights) override {
    launch_kernel("scale", scale_volume, over_elements(volume.size()), stream_.get(), volume.data, weights,
                  volume.extent.area(), volume.size());
  }

private:
  [[nodiscard]] bool pinned(MemoryLabel label) const {
    return label == MemoryLabel::exchange && messages_ == MessageMemory::host;
  }
  void* allocate_pinned(std::size_t bytes, MemoryLabel label) {
    void* memory = nullptr;
    const auto status = cudaHostAlloc(&memory, bytes, cudaHostAllocDefault);
    if (status == cudaErrorMemoryAllocation)
      throw RunError(out_of_pinned_memory_text(label, bytes, memory_meter().read()));
    check(status, "cudaHostAlloc");
    std::memset(memory, 0, bytes);
    memory_meter().add(label, bytes);
    return memory;
  }
  void release_pinned(void* memory, std::size_t bytes, MemoryLabel label) noexcept {
    before_release(bytes, label);
    report(cudaFreeHost(memory), "cudaFreeHost");
  }
  /// What is queued may still use the memory, and recordings may hold it.
  void before_release(std::size_t bytes, MemoryLabel label) noexcept {
    ++releases_;
    report(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
    memory_meter().remove(label, bytes);
  }
  [[noreturn]] void refuse_device_memory(std::size_t bytes, MemoryLabel label) const {
    RefusedMemory refused{label, bytes, 0, 0, messages_};
    check(cudaMemGetInfo(&refused.free, &refused.total), "cudaMemGetInfo");
    throw RunError(out_of_memory_text(refused, memory_meter().read(), savings_));
  }
  void* allocate_on_device(std::size_t bytes, MemoryLabel label) {
    void* memory = nullptr;
    const auto status = cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation) refuse_device_memory(bytes, label);
    check(status, "cudaMalloc");
    zero(memory, bytes);
    synchronize();
    return memory;
  }

  void copy(void* to, const void* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_.get()), "cudaMemcpyAsync");
    synchronize();
  }

  void move_box(Volume volume, float* packed, Box box, int first_slice, int last_slice, Packing packing) {
    if (box.empty() || last_slice <= first_slice) return;
    launch_kernel("move_box", cuda::move_box, over_pixels(box.extent(), last_slice - first_slice),
                  host_works() ? beside_.get() : stream_.get(), volume.data, volume.extent, packed, box,
                  first_slice, packing);
  }

  MessageMemory messages_;
  std::vector<MemorySaving> savings_;
  int device_;
  Launch launch_;
  std::uint64_t releases_ = 0;
  Stream loads_;  ///< what load() does
  Stream beside_; ///< what the host does meanwhile
  Stream stream_; // below it what is released on it
  DeviceOrigins origins_;
  std::unique_ptr<SliceStep> slice_step_;
  Buffer<double> loss_of_row_;
};

} // namespace

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  return std::make_unique<CudaBackend>(options);
}

} // namespace ptychoscale
