#include "../cpu/rows_on.hpp"
#include "../cpu/scratch.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/model.hpp"

#include <fmt/format.h>

#include <sys/mman.h>
#include <utility>

namespace ptychoscale {
namespace {

constexpr double glance_s =
    5e-4; ///< from one look of a waiting host at its other work to the next, each of which costs

class ModelBackend final : public Backend {
public:
  explicit ModelBackend(ModelOptions options)
      : options_(std::move(options)), scratch_(static_cast<std::size_t>(options_.threads)) {}

  [[nodiscard]] std::string_view name() const override { return "model"; }
  [[nodiscard]] std::string description() const override {
    return options_.device.empty() ? "model without kernel times" : "model of " + options_.device;
  }
  [[nodiscard]] bool computes() const override { return false; }
  [[nodiscard]] bool takes_time() const override { return static_cast<bool>(options_.cost); }
  [[nodiscard]] double now() override {
    synchronize();
    return options_.clock();
  }

  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    void* p = is_for_messages(label) ? options_.allocate_messages(bytes) : address_space(bytes, label);
    memory_meter().add(label, bytes);
    return p;
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    memory_meter().remove(label, bytes);
    if (is_for_messages(label)) {
      options_.release_messages(memory);
    } else {
      munmap(memory, bytes);
    }
  }
  [[nodiscard]] bool shares_memory_with_host() const override { return true; } // nothing is written anywhere
  void to_device(void*, const void*, std::size_t) override {}
  void to_host(void*, const void*, std::size_t) override {}
  void zero(void*, std::size_t) override {}
  void synchronize() override {
    double worked = std::exchange(uncharged_s_, 0);
    if (!options_.charge) return;
    for (; worked > glance_s && let_host_work(); worked -= glance_s) options_.charge(glance_s);
    if (worked > 0) options_.charge(worked);
  }

  void prepare(std::span<const Extent> extents) override {
    for (const auto e : extents)
      for (auto& s : scratch_) s.fit(e);
  }
  void search(std::span<const Extent>) override {}
  [[nodiscard]] std::string planning_knowledge() const override { return {}; }
  void learn_planning(const std::string&) override {}

  void transform_rows(Waves waves, Direction) override { charge(Verb::transform_rows, waves.size()); }
  void transform_columns(Waves waves, Direction) override { charge(Verb::transform_columns, waves.size()); }
  void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float) override {
    charge(Verb::transmit, on_slice(waves, potential, origins));
  }
  void propagate(Waves waves, const Propagator&, Sense) override { charge(Verb::propagate, waves.size()); }
  void transmit_adjoint(Waves, Waves adjoint, const SliceUpdate& update, std::span<const Offset> origins,
                        float, bool rewind) override {
    charge(rewind ? Verb::rewind : Verb::transmit_adjoint, on_slice(adjoint, update.potential, origins));
  }
  void deliver_sum(const SliceUpdate&, float*, std::span<const Offset>, Extent window) override {
    charge(Verb::axpy, 2 * window.area()); // three numbers are read and written: six, where that has three
  }
  void shift_probe(Waves waves, const Aperture&, std::span<const Shift>) override {
    charge(Verb::shift_probe, waves.size());
  }
  void gather_probe(Waves waves, Complex*, Box, std::span<const Shift>) override {
    charge(Verb::shift_probe, waves.size()); // the same phases and bytes
  }
  void place(Waves target, Waves, Offset) override { charge(Verb::place, target.size()); }
  void amplitude_loss(Waves waves, Amplitudes, Waves, std::span<double> losses) override {
    charge(Verb::amplitude_loss, waves.size());
    for (double& loss : losses) loss = 0;
  }
  void intensity(Waves waves, float*) override { charge(Verb::intensity, waves.size()); }
  void transmission(Waves t, Slice, std::span<const Offset>, float) override {
    charge(Verb::transmission, t.size());
  }
  void multiply(Waves waves, Waves, Sense) override { charge(Verb::multiply, waves.size()); }
  void phase_gradient(Waves dt, const SliceUpdate&, std::span<const Offset>, float) override {
    charge(Verb::phase_gradient, dt.size());
  }
  void axpy(float*, float, const float*, std::size_t n) override { charge(Verb::axpy, n); }
  void pack(float*, Volume, Box box, int first_slice, int last_slice) override {
    charge(Verb::pack, voxels(box, first_slice, last_slice));
  }
  void unpack(Volume, const float*, Box box, int first_slice, int last_slice, Merging) override {
    charge(Verb::unpack, voxels(box, first_slice, last_slice));
  }
  void scale(Volume volume, const float*) override { charge(Verb::scale, volume.size()); }

private:
  /// One verb's last size and time: a position asks for the same hundreds of times.
  struct Last {
    std::size_t elements = 0;
    double seconds = 0;
  };

  void charge(Verb verb, std::size_t elements) {
    if (!options_.cost) return;
    auto& last = last_[static_cast<std::size_t>(verb)];
    if (last.elements != elements) last = {elements, options_.cost(verb, elements)};
    uncharged_s_ += last.seconds;
  }
  [[nodiscard]] bool is_for_messages(MemoryLabel label) const {
    return label == MemoryLabel::exchange && options_.allocate_messages;
  }
  /// Memory that cannot be touched.
  static void* address_space(std::size_t bytes, MemoryLabel label) {
    void* p = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) refuse_memory(label, bytes);
    return p;
  }
  /// Pixels of the rows that meet the slice; the others are not transformed.
  static std::size_t on_slice(Waves waves, Slice potential, std::span<const Offset> origins) {
    std::size_t rows = 0;
    for (int i = 0; i < waves.count; ++i) {
      const auto on = rows_on(potential.extent, origins[static_cast<std::size_t>(i)], waves.extent);
      rows += static_cast<std::size_t>(on.last - on.first);
    }
    return rows * static_cast<std::size_t>(waves.extent.x);
  }
  static std::size_t voxels(Box box, int first_slice, int last_slice) {
    return static_cast<std::size_t>(last_slice - first_slice) * box.extent().area();
  }

  ModelOptions options_;
  std::vector<Scratch> scratch_;
  std::array<Last, verb_count> last_{};
  double uncharged_s_ = 0;
};

} // namespace

std::unique_ptr<Backend> make_model_backend(ModelOptions options) {
  return std::make_unique<ModelBackend>(std::move(options));
}

} // namespace ptychoscale
