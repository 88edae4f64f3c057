#include "cpu_backend.hpp"

#include "columns.hpp"
#include "detector.hpp"
#include "fused/verbs.hpp"
#include "host_allocation.hpp"
#include "limited.hpp"
#include "line_fft.hpp"
#include "rows.hpp"
#include "team.hpp"
#include "volume.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include <cstring>

namespace ptychoscale {
namespace {

constexpr std::align_val_t alignment{64};

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(const BackendOptions& o) : team_(o.threads), fft_(o.planning), savings_(o.savings) {
    if (kernels_of(o) == Kernels::fused) fused_.emplace(cpu::fused::best_kernels());
  }

  [[nodiscard]] std::string_view name() const override { return "cpu"; }
  [[nodiscard]] std::string description() const override {
    return fmt::format("cpu, {} thread{}, kernels {}, {}", team_.threads, team_.threads == 1 ? "" : "s",
                       fused_ ? fused_->description() : "fftw", fftwf_version);
  }

  [[nodiscard]] int usual_waves(Extent) const override { return team_.threads; }

  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    void* p = allocate_on_host(bytes, alignment, label, savings_);
    std::memset(p, 0, bytes);
    memory_meter().add(label, bytes);
    return p;
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    memory_meter().remove(label, bytes);
    ::operator delete(memory, alignment);
  }
  [[nodiscard]] bool shares_memory_with_host() const override { return true; }
  // Not of nothing, which may lie nowhere.
  void to_device(void* device, const void* host, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(device, host, bytes);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    if (bytes > 0) std::memcpy(host, device, bytes);
  }
  void zero(void* device, std::size_t bytes) override { std::memset(device, 0, bytes); }
  void synchronize() override {}

  void prepare(std::span<const Extent> extents) override {
    search(extents);
    for (const auto e : extents) {
      if (fused_) fused_->prepare(e);
      for (auto& s : team_.scratch) s.fit(e);
    }
  }
  void search(std::span<const Extent> extents) override {
    for (const auto e : extents) {
      if (!rows_fused(e)) fft_.prepare(e.x);
      if (!columns_fused(e)) fft_.prepare(e.y);
    }
  }
  [[nodiscard]] std::string planning_knowledge() const override { return fft_.wisdom(); }
  void learn_planning(const std::string& knowledge) override { fft_.learn(knowledge); }

  void transform_rows(Waves waves, Direction direction) override {
    if (rows_fused(waves.extent)) return cpu::fused::transform_rows(team_, *fused_, waves, direction);
    cpu::transform_rows(team_, fft_, waves, direction);
  }
  void transform_columns(Waves waves, Direction direction) override {
    if (columns_fused(waves.extent)) return cpu::fused::transform_columns(team_, *fused_, waves, direction);
    cpu::transform_columns(team_, fft_, waves, direction);
  }
  void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float sigma) override {
    if (rows_fused(waves.extent))
      return cpu::fused::transmit(team_, *fused_, waves, potential, origins, sigma);
    cpu::transmit(team_, fft_, waves, potential, origins, sigma);
  }
  void propagate(Waves waves, const Propagator& propagator, Sense sense) override {
    if (columns_fused(waves.extent))
      cpu::fused::propagate(team_, *fused_, waves, propagator, sense);
    else
      cpu::propagate(team_, fft_, waves, propagator, sense);
    let_host_work();
  }
  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                        std::span<const Offset> origins, float sigma, bool rewind) override {
    if (rows_fused(adjoint.extent))
      return cpu::fused::transmit_adjoint(team_, *fused_, transmitted, adjoint, update, origins, sigma,
                                          rewind);
    cpu::transmit_adjoint(team_, fft_, transmitted, adjoint, update, origins, sigma, rewind);
  }

  void deliver_sum(const SliceUpdate& update, float* sum, std::span<const Offset> origins,
                   Extent window) override {
    cpu::deliver_sum(team_.threads, update, sum, origins.front(), window);
  }

  void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) override {
    cpu::shift_probe(team_, waves, probe, pixels);
  }
  void gather_probe(Waves waves, Complex* gradient, Box box, std::span<const Shift> pixels) override {
    cpu::gather_probe(team_, waves, gradient, box, pixels);
  }
  void place(Waves target, Waves source, Offset origin) override {
    cpu::place(team_, target, source, origin);
  }
  void amplitude_loss(Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses) override {
    cpu::amplitude_loss(team_, waves, amplitudes, adjoint, losses);
  }
  void intensity(Waves waves, float* intensities) override { cpu::intensity(team_, waves, intensities); }

  void transmission(Waves t, Slice potential, std::span<const Offset> origins, float sigma) override {
    cpu::transmission(team_, t, potential, origins, sigma);
  }
  void multiply(Waves waves, Waves factor, Sense sense) override {
    cpu::multiply(team_, waves, factor, sense);
  }
  void phase_gradient(Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                      float sigma) override {
    cpu::phase_gradient(team_, dt, update, origins, sigma);
  }

  void axpy(float* y, float a, const float* x, std::size_t n) override {
    cpu::axpy(team_.threads, y, a, x, n);
  }
  void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) override {
    cpu::pack(team_.threads, packed, volume, box, first_slice, last_slice);
  }
  void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
              Merging merging) override {
    cpu::unpack(team_.threads, volume, packed, box, first_slice, last_slice, merging);
  }
  void scale(Volume volume, const float* weights) override { cpu::scale(team_.threads, volume, weights); }

private:
  [[nodiscard]] bool rows_fused(Extent e) const { return fused_ && cpu::fused::does_rows(e.x); }
  [[nodiscard]] bool columns_fused(Extent e) const { return fused_ && cpu::fused::does_columns(e.y); }

  cpu::Team team_;
  LineFft fft_; ///< of lengths that are not fused
  std::optional<cpu::fused::Lines> fused_;
  std::vector<MemorySaving> savings_;
};

} // namespace

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

} // namespace ptychoscale
