#include "check.cuh"
#include "cuda_backend.hpp"
#include "kernels.cuh"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

using cuda::check;

float2* raw(Complex* p) { return reinterpret_cast<float2*>(p); }
const float2* raw(const Complex* p) { return reinterpret_cast<const float2*>(p); }

constexpr unsigned line_threads = 256;
unsigned blocks_for(std::size_t n) { return static_cast<unsigned>((n + line_threads - 1) / line_threads); }

dim3 tile_threads() { return {32, 8}; }
dim3 tiles_for(Extent e, int slices = 1) {
  return {static_cast<unsigned>((e.x + 31) / 32), static_cast<unsigned>((e.y + 7) / 8),
          static_cast<unsigned>(slices)};
}

/// A cuFFT plan without work memory of its own: one area, as large as the hungriest plan's, serves all.
class Plan {
public:
  Plan(int length, int stride, int distance, int batch, cudaStream_t stream) {
    check(cufftCreate(&plan_), "cufftCreate");
    check(cufftSetAutoAllocation(plan_, 0), "cufftSetAutoAllocation");
    check(cufftMakePlanMany(plan_, 1, &length, &length, stride, distance, &length, stride, distance,
                            CUFFT_C2C, batch, &work_bytes_),
          "cufftMakePlanMany");
    check(cufftSetStream(plan_, stream), "cufftSetStream");
  }
  ~Plan() { cufftDestroy(plan_); }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  [[nodiscard]] std::size_t work_bytes() const { return work_bytes_; }
  void use(void* work) const { check(cufftSetWorkArea(plan_, work), "cufftSetWorkArea"); }
  void run(Complex* wave, Direction direction) const {
    auto* data = reinterpret_cast<cufftComplex*>(wave);
    check(cufftExecC2C(plan_, data, data, direction == Direction::forward ? CUFFT_FORWARD : CUFFT_INVERSE),
          "cufftExecC2C");
  }

private:
  cufftHandle plan_ = 0;
  std::size_t work_bytes_ = 0;
};

/// Transforms of one wave of an extent.
struct Plans {
  Plan rows;
  Plan columns;
  Plans(Extent e, cudaStream_t stream) : rows(e.x, 1, e.x, e.y, stream), columns(e.y, e.x, 1, e.x, stream) {}
};

std::string driver_and_toolkit() {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const auto text = [](int v) {
    return v == 0 ? "none" : std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
  };
  return "driver supports CUDA " + text(driver) + ", built with CUDA " + text(runtime);
}

/// Binds this process to a GPU. Throws InputError when there is none.
int choose_device(int local_rank) {
  int devices = 0;
  const auto status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0)
    throw InputError("backend: 'cuda' finds no usable GPU (" +
                     std::string(status == cudaSuccess ? "no device" : cudaGetErrorString(status)) + "; " +
                     driver_and_toolkit() + "); use cpu");
  const int device = local_rank % devices;
  check(cudaSetDevice(device), "cudaSetDevice");
  return device;
}

class CudaBackend final : public Backend {
public:
  explicit CudaBackend(const BackendOptions& options) : device_(choose_device(options.local_rank)) {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  ~CudaBackend() override {
    plans_.clear();
    free_scratch();
    cudaStreamDestroy(stream_);
  }
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;

  [[nodiscard]] std::string_view name() const override { return "cuda"; }
  [[nodiscard]] std::string description() const override {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, device_), "cudaGetDeviceProperties");
    return "cuda, device " + std::to_string(device_) + " (" + properties.name + "), " + driver_and_toolkit();
  }

  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    void* memory = nullptr;
    const bool on_host = label == MemoryLabel::exchange;
    const auto status =
        on_host ? cudaHostAlloc(&memory, bytes, cudaHostAllocDefault) : cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation) throw RunError(out_of_memory(bytes, label));
    check(status, "allocation");
    memory_meter().add(label, bytes);
    if (on_host) {
      std::memset(memory, 0, bytes);
    } else {
      zero(memory, bytes);
      synchronize();
    }
    return memory;
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    cudaStreamSynchronize(stream_);
    memory_meter().remove(label, bytes);
    label == MemoryLabel::exchange ? cudaFreeHost(memory) : cudaFree(memory);
  }
  void to_device(void* device, const void* host, std::size_t bytes) override { copy(device, host, bytes); }
  void to_host(void* host, const void* device, std::size_t bytes) override { copy(host, device, bytes); }
  void zero(void* device, std::size_t bytes) override {
    check(cudaMemsetAsync(device, 0, bytes, stream_), "cudaMemsetAsync");
  }
  void synchronize() override { check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

  void prepare(std::span<const Extent> extents) override {
    for (const auto e : extents) plans_.try_emplace({e.y, e.x}, e, stream_);
    std::size_t most = 1;
    for (const auto& [extent, p] : plans_)
      most = std::max({most, p.rows.work_bytes(), p.columns.work_bytes()});
    if (work_.size() < most) work_ = Buffer<std::byte>(*this, most, MemoryLabel::fft);
    for (const auto& [extent, p] : plans_) {
      p.rows.use(work_.data());
      p.columns.use(work_.data());
    }
  }
  void search(std::span<const Extent>) override {}
  [[nodiscard]] std::string planning_knowledge() const override { return {}; } // cuFFT does not search
  void learn_planning(const std::string&) override {}

  void transform_rows(Waves waves, Direction direction) override {
    rows(waves, direction);
    if (direction == Direction::inverse) scale_waves(waves, 1.0F / static_cast<float>(waves.extent.x));
  }
  void transform_columns(Waves waves, Direction direction) override {
    columns(waves, direction);
    if (direction == Direction::inverse) scale_waves(waves, 1.0F / static_cast<float>(waves.extent.y));
  }

  void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float sigma) override {
    rows(waves, Direction::inverse);
    const float scale = 1.0F / static_cast<float>(waves.extent.x);
    for (int i = 0; i < waves.count; ++i)
      cuda::transmit<<<tiles_for(waves.extent), tile_threads(), 0, stream_>>>(
          raw(waves.one(i).data), waves.extent, potential.data, potential.extent, origins[i], sigma, scale);
    launched("transmit");
    rows(waves, Direction::forward);
  }

  void propagate(Waves waves, const Propagator& p, Sense sense) override {
    columns(waves, Direction::forward);
    const float scale = 1.0F / static_cast<float>(waves.extent.y);
    for (int i = 0; i < waves.count; ++i)
      cuda::propagate<<<tiles_for(waves.extent), tile_threads(), 0, stream_>>>(
          raw(waves.one(i).data), waves.extent, raw(p.y), raw(p.x), p.mask, scale,
          sense == Sense::direct ? 1.0F : -1.0F);
    launched("propagate");
    columns(waves, Direction::inverse);
  }

  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                        std::span<const Offset> origins, float sigma, bool rewind) override {
    if (!rewind) transmitted = scratch_copy(transmitted);
    rows(transmitted, Direction::inverse);
    rows(adjoint, Direction::inverse);
    const float scale = 1.0F / static_cast<float>(adjoint.extent.x);
    // One launch per wave: overlapping windows add to the gradient in a fixed order.
    for (int i = 0; i < adjoint.count; ++i)
      cuda::transmit_adjoint<<<tiles_for(adjoint.extent), tile_threads(), 0, stream_>>>(
          raw(transmitted.one(i).data), raw(adjoint.one(i).data), adjoint.extent, update.potential.data,
          update.gradient, update.step, update.potential.extent, origins[i], sigma, scale, rewind);
    launched("transmit_adjoint");
    rows(adjoint, Direction::forward);
    if (rewind) rows(transmitted, Direction::forward);
  }

  void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) override {
    for (int i = 0; i < waves.count; ++i)
      cuda::shift_probe<<<tiles_for(waves.extent), tile_threads(), 0, stream_>>>(
          raw(waves.one(i).data), waves.extent, raw(probe.data), probe.box, pixels[i].y, pixels[i].x);
    launched("shift_probe");
  }

  void place(Waves target, Waves source, Offset origin) override {
    for (int i = 0; i < target.count; ++i)
      cuda::place<<<tiles_for(target.extent), tile_threads(), 0, stream_>>>(
          raw(target.one(i).data), target.extent, raw(source.one(i).data), source.extent, origin);
    launched("place");
  }

  void amplitude_loss(Waves waves, const float* amplitudes, Waves adjoint,
                      std::span<double> losses) override {
    const auto ny = static_cast<std::size_t>(waves.extent.y);
    const std::size_t all_rows = ny * static_cast<std::size_t>(waves.count);
    if (loss_of_row_.size() < all_rows) loss_of_row_ = Buffer<double>(*this, all_rows, MemoryLabel::waves);
    cuda::amplitude_loss<<<static_cast<unsigned>(all_rows), cuda::loss_threads, 0, stream_>>>(
        raw(waves.data), amplitudes, raw(adjoint.data), waves.extent.x,
        static_cast<float>(waves.extent.area()), undetermined_amplitude(waves.extent), loss_of_row_.data());
    launched("amplitude_loss");
    std::vector<double> host(all_rows);
    to_host(host.data(), loss_of_row_.data(), all_rows * sizeof(double));
    for (std::size_t i = 0; i < losses.size(); ++i) {
      losses[i] = 0;
      for (std::size_t y = 0; y < ny; ++y) losses[i] += host[i * ny + y];
    }
  }

  void intensity(Waves waves, float* intensities) override {
    cuda::intensity<<<blocks_for(waves.size()), line_threads, 0, stream_>>>(raw(waves.data), intensities,
                                                                            waves.size());
    launched("intensity");
  }

  void transmission(Waves t, Slice potential, std::span<const Offset> origins, float sigma) override {
    for (int i = 0; i < t.count; ++i)
      cuda::set_transmission<<<tiles_for(t.extent), tile_threads(), 0, stream_>>>(
          raw(t.one(i).data), t.extent, potential.data, potential.extent, origins[i], sigma);
    launched("transmission");
  }

  void multiply(Waves waves, Waves factor, Sense sense) override {
    cuda::multiply<<<blocks_for(waves.size()), line_threads, 0, stream_>>>(
        raw(waves.data), raw(factor.data), waves.size(), sense == Sense::conjugate);
    launched("multiply");
  }

  void phase_gradient(Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                      float sigma) override {
    for (int i = 0; i < dt.count; ++i)
      cuda::phase_gradient<<<tiles_for(dt.extent), tile_threads(), 0, stream_>>>(
          raw(dt.one(i).data), dt.extent, update.potential.data, update.gradient, update.step,
          update.potential.extent, origins[i], sigma);
    launched("phase_gradient");
  }

  void axpy(float* y, float a, const float* x, std::size_t n) override {
    cuda::axpy<<<blocks_for(n), line_threads, 0, stream_>>>(y, a, x, n);
    launched("axpy");
  }

  void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) override {
    move_box(volume, packed, box, first_slice, last_slice, cuda::Packing::pack);
  }
  void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
              Merging merging) override {
    move_box(volume, const_cast<float*>(packed), box, first_slice, last_slice,
             merging == Merging::add ? cuda::Packing::add : cuda::Packing::replace);
  }
  void scale(Volume volume, const float* weights) override {
    cuda::scale_volume<<<blocks_for(volume.size()), line_threads, 0, stream_>>>(
        volume.data, weights, volume.extent.area(), volume.size());
    launched("scale");
  }

private:
  static void launched(const char* kernel) { check(cudaGetLastError(), kernel); }

  void copy(void* to, const void* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), "cudaMemcpyAsync");
    synchronize();
  }

  const Plans& plans(Extent e) const {
    const auto found = plans_.find({e.y, e.x});
    if (found == plans_.end()) throw RunError("a transform extent was never prepared");
    return found->second;
  }
  void rows(Waves waves, Direction direction) {
    for (int i = 0; i < waves.count; ++i) plans(waves.extent).rows.run(waves.one(i).data, direction);
  }
  void columns(Waves waves, Direction direction) {
    for (int i = 0; i < waves.count; ++i) plans(waves.extent).columns.run(waves.one(i).data, direction);
  }
  void scale_waves(Waves waves, float factor) {
    cuda::scale_waves<<<blocks_for(waves.size()), line_threads, 0, stream_>>>(raw(waves.data), waves.size(),
                                                                              factor);
    launched("scale_waves");
  }

  void move_box(Volume volume, float* packed, Box box, int first_slice, int last_slice,
                cuda::Packing packing) {
    if (box.empty() || last_slice <= first_slice) return;
    cuda::move_box<<<tiles_for(box.extent(), last_slice - first_slice), tile_threads(), 0, stream_>>>(
        volume.data, volume.extent, packed, box, first_slice, packing);
    launched("move_box");
  }

  Waves scratch_copy(Waves waves) {
    if (scratch_.size() < waves.size()) scratch_ = Buffer<Complex>(*this, waves.size(), MemoryLabel::waves);
    check(cudaMemcpyAsync(scratch_.data(), waves.data, waves.size() * sizeof(Complex),
                          cudaMemcpyDeviceToDevice, stream_),
          "cudaMemcpyAsync");
    return {scratch_.data(), waves.count, waves.extent};
  }
  /// Buffers of the backend itself go while its stream is still there.
  void free_scratch() {
    scratch_ = {};
    loss_of_row_ = {};
    work_ = {};
  }

  static std::string out_of_memory(std::size_t bytes, MemoryLabel label) {
    const auto meter = memory_meter().read();
    std::string text = "GPU memory: " + std::to_string(bytes) + " bytes for " +
                       std::string(ptychoscale::name(label)) + " are not to be had; in use:";
    for (std::size_t i = 0; i < memory_label_count; ++i)
      text += " " + std::string(ptychoscale::name(static_cast<MemoryLabel>(i))) + " " +
              std::to_string(meter.now[i]);
    return text + "; more ranks, --measurements stream or --adjoint reverse need less";
  }

  int device_;
  cudaStream_t stream_ = nullptr;
  std::map<std::pair<int, int>, Plans> plans_;
  Buffer<std::byte> work_;
  Buffer<double> loss_of_row_;
  Buffer<Complex> scratch_;
};

} // namespace

std::unique_ptr<Backend> make_cuda_backend(const BackendOptions& options) {
  return std::make_unique<CudaBackend>(options);
}

} // namespace ptychoscale
