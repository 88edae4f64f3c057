#pragma once

#include "ptychoscale/base/box.hpp"
#include "ptychoscale/base/memory_meter.hpp"
#include "ptychoscale/base/phase_timer.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ptychoscale {

using Complex = std::complex<float>;

/// Several waves on one grid, [wave][y][x], complex64, contiguous; a view, owned by a Buffer.
///
/// A wave is in one of three representations: real (y, x), mixed (y, kx) and reciprocal (ky, kx), zero
/// frequency first. Forward transforms are unscaled, inverse ones carry 1/n of their axis.
struct Waves {
  Complex* data = nullptr;
  int count = 0;
  Extent extent;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(count) * extent.area(); }
  [[nodiscard]] Waves one(int i) const {
    return {data + static_cast<std::size_t>(i) * extent.area(), 1, extent};
  }
};

/// One slice of a tile's volume, [y][x] float32, V * angstrom (or its gradient, 1 / (V * angstrom)); a view.
struct Slice {
  float* data = nullptr;
  Extent extent;
};

/// All slices of a tile, [slice][y][x] float32; a view, owned by a Buffer.
struct Volume {
  float* data = nullptr;
  int slices = 0;
  Extent extent;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(slices) * extent.area(); }
  [[nodiscard]] Slice slice(int s) const {
    return {data + static_cast<std::size_t>(s) * extent.area(), extent};
  }
  bool operator==(const Volume&) const = default;
};

/// Where one slice's gradient g goes while the backward sweep passes: gradient += g (when there is one), then
/// potential -= step * g. The sweep no longer needs a slice behind it, so a position can step the tile at
/// once without a gradient volume of its own. A non-zero step is for one wave at a time; see
/// Backend::deliver_sum for several of one position.
struct SliceUpdate {
  Slice potential;
  float* gradient = nullptr; ///< [y][x] of the potential's extent, or none
  float step = 0;            ///< alpha, (V * angstrom)^2
};

/// Reciprocal-space factor of free propagation, as backend memory.
/// factor(ky, kx) = y[ky] * x[kx], times `mask` [ky][kx] float32 when there is a bandwidth limit.
struct Propagator {
  const Complex* y = nullptr;
  const Complex* x = nullptr;
  const float* mask = nullptr;
};

/// The part of a reciprocal-space probe that is not zero, as backend memory: [ky][kx] over `box`, which is in
/// signed frequencies (from -(n / 2) on). An aperture fills a few per cent of the detector.
struct Aperture {
  const Complex* data = nullptr;
  Box box;
};

/// Measured amplitudes, [wave][ky][kx], contiguous: float32, or the bits of float16 in half_amplitude_unit; a
/// view, owned by a Buffer.
using Amplitudes = std::variant<const float*, const std::uint16_t*>;

/// What stands for an amplitude where a detector pixel has no weight in the loss: any negative number does.
/// float16 keeps it exactly.
inline constexpr float no_weight = -1;

/// The unit of amplitudes in float16. Those of a unit beam are at most about 1, since their squares add up to
/// 1; so this leaves room up to 4, and all down to 4e-9 keep 11 bits, which is less than
/// undetermined_amplitude() of 1024 x 1024 pixels. It holds for every dataset, so that no rank has to see all
/// patterns first.
inline constexpr float half_amplitude_unit = 0x1p-14F;

enum class Direction { forward, inverse };
/// Whether a factor or its complex conjugate multiplies: forward model or adjoint.
enum class Sense { direct, conjugate };
enum class Merging { add, replace };

/// Amplitude below which a detector pixel of a unit beam has no phase: 1e-5 of the root mean square, some ten
/// times what fp32 transforms leave where there should be nothing. Behind an empty specimen all of the dark
/// field is such rounding; stepping along its phase would add the whole measured amplitude in a random
/// direction, other on every machine, and costs quality.
[[nodiscard]] inline float undetermined_amplitude(Extent detector) {
  return 1e-5F / std::sqrt(static_cast<float>(detector.area()));
}

/// What a backend keeps of verbs that it can start again as a whole, see Backend::replay. Move-only; empty at
/// first and after `recording = {}`; belongs to one backend, which outlives it.
struct Recording {
  struct Content {
    Content() = default;
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    virtual ~Content() = default;
  };
  std::unique_ptr<Content> content;
};

/// What a backend does for the mathematics: memory and about ten batched verbs, each asynchronous until
/// `synchronize` where the device allows. The mathematics itself (multislice/) is written once over these.
class Backend {
public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Device, threads and library versions in one line, for reports.
  [[nodiscard]] virtual std::string description() const = 0;
  /// The GPU it computes on, as no other of this host is named; empty for none.
  [[nodiscard]] virtual std::string device() const { return {}; }
  /// Whether what comes back from its memory are results; not so for a dry run.
  [[nodiscard]] virtual bool computes() const { return true; }
  /// Whether verbs take time, if only a modelled one; not so where nothing but memory and messages count.
  [[nodiscard]] virtual bool takes_time() const { return true; }
  /// How many waves of this extent it should be given at once where nothing else decides.
  [[nodiscard]] virtual int usual_waves([[maybe_unused]] Extent extent) const { return 1; }
  /// Seconds of the clock that its work passes on, from an arbitrary start; of a simulated machine, perhaps.
  [[nodiscard]] virtual double now() { return steady_seconds(); }

  /// @name Memory: metered, 64-byte aligned, zero-filled. Copies are complete on return.
  /// @{
  [[nodiscard]] virtual void* allocate(std::size_t bytes, MemoryLabel label) = 0;
  virtual void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept = 0;
  virtual void to_device(void* device, const void* host, std::size_t bytes) = 0;
  virtual void to_host(void* host, const void* device, std::size_t bytes) = 0;
  virtual void zero(void* device, std::size_t bytes) = 0;
  virtual void synchronize() = 0;
  /// @}

  /// @name Loading beside what runs
  /// @{
  /// Whether the host can write its memory itself, so that nothing needs to be copied there.
  [[nodiscard]] virtual bool shares_memory_with_host() const { return false; }
  /// Host memory that copies to the backend's are fastest from; metered.
  [[nodiscard]] virtual void* allocate_staging(std::size_t bytes, MemoryLabel label) {
    return allocate(bytes, label);
  }
  virtual void release_staging(void* memory, std::size_t bytes, MemoryLabel label) noexcept {
    release(memory, bytes, label);
  }
  /// As to_device, for one thread beside the one that calls the verbs: waits for none of them, nor they for
  /// it. None of them may use that memory meanwhile.
  virtual void load(void* device, const void* staging, std::size_t bytes) {
    to_device(device, staging, bytes);
  }
  /// @}

  /// @name What the host does meanwhile
  /// @{
  /// Does a part of some work of the host's, with `pack` and `unpack` of what no other verb uses meanwhile;
  /// gives whether there is more to do.
  using HostWork = std::function<bool()>;
  /// From now on calls `work`, on the thread of the verbs, between slices or while the device is waited for;
  /// an empty one: nothing.
  void meanwhile(HostWork work) { host_work_ = std::move(work); }
  /// @}

  /// @name Transforms. `prepare` makes ready for every extent that will be used here; `search` only learns
  /// about extents, also for other ranks; what was learned travels as text.
  /// @{
  virtual void prepare(std::span<const Extent> extents) = 0;
  virtual void search(std::span<const Extent> extents) = 0;
  [[nodiscard]] virtual std::string planning_knowledge() const = 0;
  virtual void learn_planning(const std::string& knowledge) = 0;
  /// real <-> mixed: one transform along x.
  virtual void transform_rows(Waves waves, Direction direction) = 0;
  /// mixed <-> reciprocal: one transform along y.
  virtual void transform_columns(Waves waves, Direction direction) = 0;
  /// @}

  /// @name The slice step, mixed -> mixed. `origins[i]` is the slice's pixel under pixel (0, 0) of wave i;
  /// outside the slice V = 0.
  /// @{
  /// waves <- FFT_x[t IFFT_x[waves]], t = exp(i sigma V).
  virtual void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float sigma) = 0;
  /// waves <- IFFT_y[P FFT_y[waves]].
  virtual void propagate(Waves waves, const Propagator& propagator, Sense sense) = 0;
  /// The adjoint of `transmit`. `transmitted` and `adjoint` are the wave and its adjoint just behind the
  /// slice: g = -2 sigma Im[conj(adjoint) transmitted] (real space) goes to `update`, then adjoint <- conj(t)
  /// adjoint, and, when `rewind`, transmitted <- conj(t) transmitted (the wave in front of the slice);
  /// otherwise `transmitted` is left as it is.
  virtual void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                                std::span<const Offset> origins, float sigma, bool rewind) = 0;
  /// @}

  /// What several waves of one position have added up in `sum`, [y][x] of the potential's extent, under their
  /// window goes where `update` says, and is 0 from then on. They have all the same origin.
  virtual void deliver_sum(const SliceUpdate& update, float* sum, std::span<const Offset> origins,
                           Extent window) = 0;

  /// Runs `verbs`, which calls verbs of this backend: transforms, slice steps, `place`, those of a bandwidth
  /// limit. Until `recording` is emptied these must be the same, in the same order and with the same
  /// arguments, whenever they run with it; only the values of `origins` may change, which every verb that
  /// takes origins is given. So a device may keep them and from then on start all of them at once.
  virtual void replay([[maybe_unused]] Recording& recording, [[maybe_unused]] std::span<const Offset> origins,
                      const std::function<void()>& verbs) {
    verbs();
  }

  /// @name Probe and detector
  /// @{
  /// waves[i] <- probe(ky, kx) exp(-2 pi i (ky dy_i / ny + kx dx_i / nx)), a probe shifted by (dy, dx)
  /// pixels; reciprocal, zero outside the aperture.
  struct Shift {
    double y = 0;
    double x = 0;
  };
  virtual void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) = 0;
  /// The adjoint of shift_probe and of the inverse transforms behind it, for waves that forward transforms
  /// have made reciprocal: gradient(ky, kx) += sum over i of waves[i] exp(+2 pi i (ky dy_i / ny + kx dx_i /
  /// nx)) / (nx ny), [ky][kx] over `box` of signed frequencies, as in Aperture.
  virtual void gather_probe(Waves waves, Complex* gradient, Box box, std::span<const Shift> pixels) = 0;
  /// target <- source seen from a grid whose pixel (0, 0) lies at `origin` of the source, zero outside; real
  /// space.
  virtual void place(Waves target, Waves source, Offset origin) = 0;
  /// Amplitude loss of reciprocal `waves` [mode][position] against `amplitudes` [position][ky][kx], of as
  /// many positions as there are `losses`; the modes of a position add up incoherently, |W|^2 = sum |W_m|^2.
  /// Returns sum (a - |W|)^2 in fp64 per position, and writes adjoint_m <- nx ny (|W| - a) W_m / |W|, so that
  /// the inverse transforms of `adjoint` are the unscaled adjoint of the forward ones; 0 where |W| is below
  /// undetermined_amplitude(), since the phase there is rounding, and both 0 where a is `no_weight`. On
  /// return nothing reads `amplitudes` any more.
  virtual void amplitude_loss(Waves waves, Amplitudes amplitudes, Waves adjoint,
                              std::span<double> losses) = 0;
  /// intensities [wave][ky][kx] <- |waves|^2.
  virtual void intensity(Waves waves, float* intensities) = 0;
  /// @}

  /// @name With a bandwidth limit the transmission function is a wave of its own; all real space.
  /// @{
  /// t <- exp(i sigma V) on the waves' grid (1 outside the slice).
  virtual void transmission(Waves t, Slice potential, std::span<const Offset> origins, float sigma) = 0;
  /// waves <- waves * factor, or times its conjugate.
  virtual void multiply(Waves waves, Waves factor, Sense sense) = 0;
  /// g = 2 Re[conj(dt) i sigma exp(i sigma V)], the chain from the transmission function to the potential,
  /// goes to `update`.
  virtual void phase_gradient(Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                              float sigma) = 0;
  /// @}

  /// @name Tile volumes
  /// @{
  /// y <- y + a x, n floats.
  virtual void axpy(float* y, float a, const float* x, std::size_t n) = 0;
  /// packed [slice][y][x] <- the box of slices [first, last), or the reverse by adding or replacing.
  virtual void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) = 0;
  virtual void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
                      Merging merging) = 0;
  /// Every slice times `weights` [y][x].
  virtual void scale(Volume volume, const float* weights) = 0;
  /// @}

protected:
  /// Calls the host's work unless that is what is running; gives whether there is more of it.
  bool let_host_work() {
    if (!host_work_ || host_works_) return false;
    host_works_ = true;
    const bool more = host_work_();
    host_works_ = false;
    return more;
  }
  [[nodiscard]] bool host_works() const { return host_works_; }

private:
  HostWork host_work_;
  bool host_works_ = false;
};

/// Lets a backend call work of the host's for a scope.
class [[nodiscard]] Meanwhile {
public:
  Meanwhile(Backend& backend, Backend::HostWork work) : backend_(backend) {
    backend_.meanwhile(std::move(work));
  }
  ~Meanwhile() { backend_.meanwhile({}); }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;

private:
  Backend& backend_;
};

/// Where a Buffer lies: in the memory that the verbs work on, or in the host's, to be filled there and
/// loaded.
enum class Place { device, staging };

/// Memory of a backend: move-only, zero-filled, reported to the meter under its label.
template <class T, Place Lies = Place::device> class Buffer {
public:
  Buffer() = default;
  [[nodiscard]] Buffer(Backend& backend, std::size_t size, MemoryLabel label)
      : backend_(&backend), size_(size), label_(label), data_(size ? allocate() : nullptr) {}
  Buffer(Buffer&& o) noexcept { swap(o); }
  Buffer& operator=(Buffer&& o) noexcept {
    Buffer(std::move(o)).swap(*this);
    return *this;
  }
  ~Buffer() {
    if (data_) release();
  }
  void swap(Buffer& o) noexcept {
    std::swap(backend_, o.backend_);
    std::swap(size_, o.size_);
    std::swap(label_, o.label_);
    std::swap(data_, o.data_);
  }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return size_ * sizeof(T); }
  [[nodiscard]] std::span<T> host() const requires(Lies == Place::staging) { return {data_, size_}; }
  void upload(std::span<const T> host) requires(Lies == Place::device) {
    backend_->to_device(data_, host.data(), host.size_bytes());
  }
  void download(std::span<T> host) const requires(Lies == Place::device) {
    backend_->to_host(host.data(), data_, host.size_bytes());
  }
  void zero() requires(Lies == Place::device) { backend_->zero(data_, bytes()); }

private:
  [[nodiscard]] T* allocate() const {
    return static_cast<T*>(Lies == Place::staging ? backend_->allocate_staging(bytes(), label_)
                                                  : backend_->allocate(bytes(), label_));
  }
  void release() noexcept {
    Lies == Place::staging ? backend_->release_staging(data_, bytes(), label_)
                           : backend_->release(data_, bytes(), label_);
  }

  Backend* backend_ = nullptr;
  std::size_t size_ = 0;
  MemoryLabel label_ = MemoryLabel::other;
  T* data_ = nullptr;
};

/// How hard a backend may search for fast transforms. `estimate` never measures, so that results do not
/// depend on timing.
enum class Planning { estimate, measure };

/// How a slice step is made: with the transforms of a library, which do any extent, FFTW's on a CPU and
/// cuFFT's on a GPU; or fused, with transform, product and transform back on lines that are read and written
/// once, for some lengths. Others then go with the library.
enum class Kernels { fftw, cufft, fused };

/// How a GPU is given a sweep over the slices: recorded as a graph and started as a whole, or kernel by
/// kernel.
enum class Launch { graph, direct };

/// Where a GPU keeps packed messages: in pinned host memory, or in its own, which MPI must then take them
/// from.
enum class MessageMemory { host, device };

/// What the user can do to need less of a GPU's memory, in the words of the program; named when there is too
/// little.
struct MemorySaving {
  std::optional<MemoryLabel> label; ///< of the memory that it does without; left out: of all
  double part = 1;                  ///< of what that label holds
  std::string way;
};

struct BackendOptions {
  std::string kind = "cpu";
  int threads = 1;
  Planning planning = Planning::measure;
  int local_rank = 0; ///< of this process on its host; GPUs are dealt by it, round robin
  std::optional<Kernels> kernels = std::nullopt;        ///< left out: as kernels_of() says
  std::optional<Launch> launch = std::nullopt;          ///< of the cuda backend; left out: graph
  std::optional<MessageMemory> messages = std::nullopt; ///< of the cuda backend; left out: what MPI can
  bool mpi_takes_device_memory = false;                 ///< as Communicator::takes_device_memory() says
  std::vector<MemorySaving> savings = {};               ///< that are left to the user
};

/// The kernels that a backend with these options uses.
[[nodiscard]] Kernels kernels_of(const BackendOptions& options);
[[nodiscard]] std::string_view name(Kernels kernels);

/// The one place that names the backends. Throws InputError for an unknown or unusable one.
[[nodiscard]] std::unique_ptr<Backend> make_backend(const BackendOptions& options);
[[nodiscard]] std::vector<std::string> backend_names();

/// The library that backends search for fast transforms with, and its version, such as
/// "fftw-3.3.10-sse2-avx": what was learned in one means nothing to another. Fit for the name of a file.
[[nodiscard]] std::string planning_library();

} // namespace ptychoscale
