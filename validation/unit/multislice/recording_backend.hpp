#pragma once

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/compute/backend.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ptychoscale {

/// The CPU's verbs, recorded as a GPU records them: the first time those of a recording run, the second time
/// they are noted with their arguments, and then and from then on the notes run, not what is asked for; only
/// origins are read anew. Memory given back makes all recordings void, which then start over. What is asked
/// for is compared with the notes each time, and RunError says what differs; also what a recording cannot
/// hold.
class RecordingBackend final : public Backend {
public:
  /// Calls of replay() so far.
  struct Runs {
    int direct = 0;   ///< of empty or void recordings
    int noted = 0;    ///< as notes, taken just before
    int replayed = 0; ///< from notes of an earlier call
    bool operator==(const Runs&) const = default;
  };
  [[nodiscard]] Runs runs() const { return runs_; }

  void replay(Recording& recording, std::span<const Offset> origins,
              const std::function<void()>& verbs) override;

  [[nodiscard]] std::string_view name() const override { return "recording"; }
  [[nodiscard]] std::string description() const override { return "cpu, recorded"; }

  // Another thread's, in a recording too.
  [[nodiscard]] bool shares_memory_with_host() const override { return cpu_->shares_memory_with_host(); }
  void load(void* device, const void* staging, std::size_t bytes) override {
    cpu_->load(device, staging, bytes);
  }

  // In a recording: neither memory nor anything that gives the host a result.
  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    refuse_in_recording("allocate");
    return cpu_->allocate(bytes, label);
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    ++releases_;
    cpu_->release(memory, bytes, label);
  }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    refuse_in_recording("to_device");
    cpu_->to_device(device, host, bytes);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    refuse_in_recording("to_host");
    cpu_->to_host(host, device, bytes);
  }
  void zero(void* device, std::size_t bytes) override {
    refuse_in_recording("zero");
    cpu_->zero(device, bytes);
  }
  void synchronize() override { refuse_in_recording("synchronize"); }
  void prepare(std::span<const Extent> extents) override {
    refuse_in_recording("prepare");
    cpu_->prepare(extents);
  }
  void search(std::span<const Extent>) override {}
  [[nodiscard]] std::string planning_knowledge() const override { return {}; }
  void learn_planning(const std::string&) override {}
  void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) override {
    refuse_in_recording("shift_probe");
    cpu_->shift_probe(waves, probe, pixels);
  }
  void gather_probe(Waves waves, Complex* gradient, Box box, std::span<const Shift> pixels) override {
    refuse_in_recording("gather_probe");
    cpu_->gather_probe(waves, gradient, box, pixels);
  }
  void amplitude_loss(Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses) override {
    refuse_in_recording("amplitude_loss");
    cpu_->amplitude_loss(waves, amplitudes, adjoint, losses);
  }
  void intensity(Waves waves, float* intensities) override {
    refuse_in_recording("intensity");
    cpu_->intensity(waves, intensities);
  }
  void axpy(float* y, float a, const float* x, std::size_t n) override {
    refuse_in_recording("axpy");
    cpu_->axpy(y, a, x, n);
  }
  void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) override {
    refuse_in_recording("pack");
    cpu_->pack(packed, volume, box, first_slice, last_slice);
  }
  void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
              Merging merging) override {
    refuse_in_recording("unpack");
    cpu_->unpack(volume, packed, box, first_slice, last_slice, merging);
  }
  void scale(Volume volume, const float* weights) override {
    refuse_in_recording("scale");
    cpu_->scale(volume, weights);
  }

  // What a recording may hold.
  void transform_rows(Waves w, Direction d) override {
    issue(fmt::format("transform_rows {} {}", text(w), d == Direction::forward),
          [=, this] { cpu_->transform_rows(w, d); });
  }
  void transform_columns(Waves w, Direction d) override {
    issue(fmt::format("transform_columns {} {}", text(w), d == Direction::forward),
          [=, this] { cpu_->transform_columns(w, d); });
  }
  void transmit(Waves w, Slice v, std::span<const Offset> origins, float sigma) override {
    put(origins);
    issue(fmt::format("transmit {} {} {}", text(w), text(v), sigma),
          [=, this] { cpu_->transmit(w, v, origins_, sigma); });
  }
  void propagate(Waves w, const Propagator& p, Sense sense) override {
    issue(fmt::format("propagate {} {} {} {} {}", text(w), fmt::ptr(p.y), fmt::ptr(p.x), fmt::ptr(p.mask),
                      sense == Sense::direct),
          [=, this] { cpu_->propagate(w, p, sense); });
  }
  void transmit_adjoint(Waves w, Waves a, const SliceUpdate& u, std::span<const Offset> origins, float sigma,
                        bool rewind) override {
    put(origins);
    issue(fmt::format("transmit_adjoint {} {} {} {} {}", text(w), text(a), text(u), sigma, rewind),
          [=, this] { cpu_->transmit_adjoint(w, a, u, origins_, sigma, rewind); });
  }
  void deliver_sum(const SliceUpdate& u, float* sum, std::span<const Offset> origins,
                   Extent window) override {
    put(origins);
    issue(fmt::format("deliver_sum {} {} {} {}", text(u), fmt::ptr(sum), window.y, window.x),
          [=, this] { cpu_->deliver_sum(u, sum, origins_, window); });
  }
  void place(Waves to, Waves from, Offset origin) override {
    issue(fmt::format("place {} {} {} {}", text(to), text(from), origin.y, origin.x),
          [=, this] { cpu_->place(to, from, origin); });
  }
  void transmission(Waves t, Slice v, std::span<const Offset> origins, float sigma) override {
    put(origins);
    issue(fmt::format("transmission {} {} {}", text(t), text(v), sigma),
          [=, this] { cpu_->transmission(t, v, origins_, sigma); });
  }
  void multiply(Waves w, Waves factor, Sense sense) override {
    issue(fmt::format("multiply {} {} {}", text(w), text(factor), sense == Sense::direct),
          [=, this] { cpu_->multiply(w, factor, sense); });
  }
  void phase_gradient(Waves dt, const SliceUpdate& u, std::span<const Offset> origins, float sigma) override {
    put(origins);
    issue(fmt::format("phase_gradient {} {} {}", text(dt), text(u), sigma),
          [=, this] { cpu_->phase_gradient(dt, u, origins_, sigma); });
  }

private:
  struct Note {
    std::string text; ///< verb and arguments, but for the values of origins
    std::function<void()> run;
  };
  struct Notes final : Recording::Content {
    explicit Notes(std::uint64_t releases_so_far) : releases(releases_so_far) {}
    std::uint64_t releases; ///< when the verbs ran
    std::vector<Note> verbs;
  };

  /// Sets a variable for the time of a scope.
  template <class T> struct Restored {
    T& variable;
    T before;
    Restored(T& v, T value) : variable(v), before(std::exchange(v, value)) {}
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;
    ~Restored() { variable = before; }
  };

  static std::string text(Waves w) {
    return fmt::format("{}[{}][{}][{}]", fmt::ptr(w.data), w.count, w.extent.y, w.extent.x);
  }
  static std::string text(Slice v) {
    return fmt::format("{}[{}][{}]", fmt::ptr(v.data), v.extent.y, v.extent.x);
  }
  static std::string text(const SliceUpdate& u) {
    return fmt::format("{} {} {}", text(u.potential), fmt::ptr(u.gradient), u.step);
  }

  /// Origins are one array that verbs read when they run; while verbs are noted it must not be written.
  void put(std::span<const Offset> origins) {
    if (std::ranges::equal(origins, origins_)) return;
    if (in_recording_) throw RunError("origins that the recording was not announced with");
    origins_.assign(origins.begin(), origins.end());
  }
  void issue(std::string what, std::function<void()> run) {
    if (noting_ == nullptr) return run();
    noting_->push_back({std::move(what), std::move(run)});
  }
  void refuse_in_recording(const char* verb) const {
    if (in_recording_) throw RunError(fmt::format("{} in a recording", verb));
  }
  [[nodiscard]] std::vector<Note> noted(const std::function<void()>& verbs) {
    std::vector<Note> notes;
    const Restored noting(noting_, &notes);
    verbs();
    return notes;
  }
  static void compare(const std::vector<Note>& asked, const std::vector<Note>& notes) {
    if (asked.size() != notes.size())
      throw RunError(fmt::format("{} verbs, recorded are {}", asked.size(), notes.size()));
    for (std::size_t i = 0; i < asked.size(); ++i)
      if (asked[i].text != notes[i].text)
        throw RunError(fmt::format("'{}', recorded is '{}'", asked[i].text, notes[i].text));
  }

  std::unique_ptr<Backend> cpu_ = make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  std::vector<Offset> origins_;
  std::vector<Note>* noting_ = nullptr;
  bool in_recording_ = false;
  std::uint64_t releases_ = 0; ///< how often memory was given back
  Runs runs_;
};

inline void RecordingBackend::replay(Recording& recording, std::span<const Offset> origins,
                                     const std::function<void()>& verbs) {
  put(origins);
  const Restored recording_now(in_recording_, true);
  auto* notes = static_cast<Notes*>(recording.content.get());
  if (notes == nullptr || notes->releases != releases_) {
    auto empty = std::make_unique<Notes>(releases_);
    verbs();
    recording.content = std::move(empty);
    ++runs_.direct;
    return;
  }
  const auto asked = noted(verbs);
  if (notes->verbs.empty()) {
    notes->verbs = asked;
    ++runs_.noted;
  } else {
    compare(asked, notes->verbs);
    ++runs_.replayed;
  }
  for (const auto& verb : notes->verbs) verb.run();
}

} // namespace ptychoscale
