#include "cpu_backend.hpp"

#include "line_fft.hpp"
#include "phase.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/compute/frequency.hpp"
#include "rows_on.hpp"
#include "scratch.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <omp.h>

namespace ptychoscale {
namespace {

constexpr std::align_val_t alignment{64};

Complex* row_of(Waves w, int wave, int y) {
  return w.data + static_cast<std::size_t>(wave) * w.extent.area() +
         static_cast<std::size_t>(y) * static_cast<std::size_t>(w.extent.x);
}

template <class T> T* row_of(T* slice, Extent extent, int y) {
  return slice + static_cast<std::size_t>(y) * static_cast<std::size_t>(extent.x);
}

/// The part of a wave's row that lies on the slice: pixels [first, first + n) of the row, from pixel (y, x)
/// of the slice.
struct Segment {
  int first = 0;
  int n = 0;
  int y = 0;
  int x = 0;
};

Segment segment_on(Extent slice, Offset origin, int row, int row_length) {
  const int y = origin.y + row;
  if (y < 0 || y >= slice.y) return {};
  const int first = std::max(0, -origin.x);
  const int last = std::min(row_length, slice.x - origin.x);
  return {first, std::max(0, last - first), y, origin.x + first};
}

float amplitude_of(float stored) { return stored; }
float amplitude_of(std::uint16_t stored) { return float_from_half(stored) * half_amplitude_unit; }

class CpuBackend final : public Backend {
public:
  explicit CpuBackend(const BackendOptions& o)
      : threads_(o.threads), fft_(o.planning), scratch_(static_cast<std::size_t>(o.threads)) {}

  [[nodiscard]] std::string_view name() const override { return "cpu"; }
  [[nodiscard]] std::string description() const override {
    return fmt::format("cpu, {} thread{}, {}", threads_, threads_ == 1 ? "" : "s", fftwf_version);
  }

  [[nodiscard]] int usual_waves(Extent) const override { return threads_; }

  [[nodiscard]] void* allocate(std::size_t bytes, MemoryLabel label) override {
    void* p = ::operator new(bytes, alignment);
    std::memset(p, 0, bytes);
    memory_meter().add(label, bytes);
    return p;
  }
  void release(void* memory, std::size_t bytes, MemoryLabel label) noexcept override {
    memory_meter().remove(label, bytes);
    ::operator delete(memory, alignment);
  }
  [[nodiscard]] bool shares_memory_with_host() const override { return true; }
  void to_device(void* device, const void* host, std::size_t bytes) override {
    std::memcpy(device, host, bytes);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override {
    std::memcpy(host, device, bytes);
  }
  void zero(void* device, std::size_t bytes) override { std::memset(device, 0, bytes); }
  void synchronize() override {}

  void prepare(std::span<const Extent> extents) override {
    search(extents);
    for (const auto e : extents)
      for (auto& s : scratch_) s.fit(e);
  }
  void search(std::span<const Extent> extents) override {
    for (const auto e : extents) {
      fft_.prepare(e.x);
      fft_.prepare(e.y);
    }
  }
  [[nodiscard]] std::string planning_knowledge() const override { return fft_.wisdom(); }
  void learn_planning(const std::string& knowledge) override { fft_.learn(knowledge); }

  void transform_rows(Waves waves, Direction direction) override {
    const int nx = waves.extent.x;
    for_row_blocks(waves, [&](Complex* rows, int, int, int count, Scratch&) {
      fft_.rows(rows, count, nx, direction);
      if (direction == Direction::inverse) phase::scale(rows, 1.0F / static_cast<float>(nx), nx * count);
    });
  }

  void transform_columns(Waves waves, Direction direction) override {
    const float scale = direction == Direction::inverse ? 1.0F / static_cast<float>(waves.extent.y) : 1.0F;
    for_column_blocks(waves, [&](Complex* lines, int, int) {
      fft_.columns(lines, waves.extent.y, direction);
      if (direction == Direction::inverse) phase::scale(lines, scale, waves.extent.y * LineFft::block);
    });
  }

  void transmit(Waves waves, Slice potential, std::span<const Offset> origins, float sigma) override {
    const int nx = waves.extent.x;
    const float scale = 1.0F / static_cast<float>(nx);
    for_row_blocks_on(
        potential.extent, origins, waves, [&](Complex* rows, int wave, int y, int count, Scratch& t) {
          fft_.rows(rows, count, nx, Direction::inverse);
          for (int i = 0; i < count; ++i) {
            Complex* row = rows + i * nx;
            const auto seg = segment_on(potential.extent, origins[static_cast<std::size_t>(wave)], y + i, nx);
            const float* v = row_of(potential.data, potential.extent, seg.y) + seg.x;
            phase::factors(v, sigma, scale, t.cosine.data(), t.sine.data(), seg.n);
            scale_outside(row, seg, nx, scale);
            phase::multiply(row + seg.first, t.cosine.data(), t.sine.data(), seg.n);
          }
          fft_.rows(rows, count, nx, Direction::forward);
        });
  }

  void propagate(Waves waves, const Propagator& p, Sense sense) override {
    const Extent e = waves.extent;
    const float scale = 1.0F / static_cast<float>(e.y);
    for_column_blocks(waves, [&](Complex* lines, int x0, int n) {
      fft_.columns(lines, e.y, Direction::forward);
      propagation_factor(lines, p, e, x0, n, scale, sense);
      fft_.columns(lines, e.y, Direction::inverse);
    });
  }

  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                        std::span<const Offset> origins, float sigma, bool rewind) override {
    // One after the other, so that gradients of overlapping waves add in a fixed order.
    for (int i = 0; i < adjoint.count; ++i)
      transmit_adjoint_of(transmitted.one(i), adjoint.one(i), update,
                          origins.subspan(static_cast<std::size_t>(i), 1), sigma, rewind);
  }

  void shift_probe(Waves waves, const Aperture& probe, std::span<const Shift> pixels) override {
    const Extent e = waves.extent;
    const Box box = probe.box;
    for (int wave = 0; wave < waves.count; ++wave) {
      const auto shift = pixels[static_cast<std::size_t>(wave)];
      const auto ramp_y = shift_ramp(e.y, shift.y);
      const auto ramp_x = shift_ramp(e.x, shift.x);
      for_rows(waves.one(wave), [&](int, int y, Scratch&) {
        Complex* row = row_of(waves, wave, y);
        std::fill_n(row, e.x, Complex{});
        const int ky = signed_frequency(y, e.y);
        if (ky < box.y0 || ky >= box.y1) return;
        const Complex* source = row_of(probe.data, box.extent(), ky - box.y0);
        for (int kx = box.x0; kx < box.x1; ++kx) {
          const int x = kx < 0 ? kx + e.x : kx;
          row[x] =
              *source++ * Complex(ramp_y[static_cast<std::size_t>(y)] * ramp_x[static_cast<std::size_t>(x)]);
        }
      });
    }
  }

  void place(Waves target, Waves source, Offset origin) override {
    for_rows(target, [&](int wave, int y, Scratch&) {
      Complex* row = row_of(target, wave, y);
      const auto seg = segment_on(source.extent, origin, y, target.extent.x);
      if (seg.n == 0) {
        std::fill_n(row, target.extent.x, Complex{});
        return;
      }
      std::fill_n(row, seg.first, Complex{});
      std::copy_n(row_of(source, wave, seg.y) + seg.x, seg.n, row + seg.first);
      std::fill(row + seg.first + seg.n, row + target.extent.x, Complex{});
    });
  }

  void amplitude_loss(Waves waves, Amplitudes amplitudes, Waves adjoint, std::span<double> losses) override {
    std::visit([&](const auto* stored) { amplitude_loss_against(stored, waves, adjoint, losses); },
               amplitudes);
  }

  void intensity(Waves waves, float* intensities) override {
    for_rows(waves, [&](int wave, int y, Scratch&) {
      const Complex* w = row_of(waves, wave, y);
      float* out = intensities + (w - waves.data);
      for (int x = 0; x < waves.extent.x; ++x) out[x] = std::norm(w[x]);
    });
  }

  void transmission(Waves t, Slice potential, std::span<const Offset> origins, float sigma) override {
    for_rows(t, [&](int wave, int y, Scratch& s) {
      Complex* row = row_of(t, wave, y);
      std::fill_n(row, t.extent.x, Complex{1});
      const auto seg = segment_on(potential.extent, origins[static_cast<std::size_t>(wave)], y, t.extent.x);
      if (seg.n == 0) return;
      const float* v = row_of(potential.data, potential.extent, seg.y) + seg.x;
      phase::factors(v, sigma, 1, s.cosine.data(), s.sine.data(), seg.n);
      phase::multiply(row + seg.first, s.cosine.data(), s.sine.data(), seg.n);
    });
  }

  void multiply(Waves waves, Waves factor, Sense sense) override {
    for_rows(waves, [&](int wave, int y, Scratch&) {
      Complex* w = row_of(waves, wave, y);
      const Complex* f = row_of(factor, wave, y);
      for (int x = 0; x < waves.extent.x; ++x) w[x] *= sense == Sense::direct ? f[x] : std::conj(f[x]);
    });
  }

  void phase_gradient(Waves dt, const SliceUpdate& update, std::span<const Offset> origins,
                      float sigma) override {
    const Extent e = update.potential.extent;
    for (int wave = 0; wave < dt.count; ++wave) // one after the other, as in transmit_adjoint
      for_rows(dt.one(wave), [&](int, int y, Scratch& s) {
        const auto seg = segment_on(e, origins[static_cast<std::size_t>(wave)], y, dt.extent.x);
        if (seg.n == 0) return;
        std::fill_n(s.rows.begin(), seg.n, Complex{1});
        const float* v = row_of(update.potential.data, e, seg.y) + seg.x;
        phase::factors(v, sigma, 1, s.cosine.data(), s.sine.data(), seg.n);
        phase::multiply(s.rows.data(), s.cosine.data(), s.sine.data(), seg.n);
        phase::cross(s.gradient.data(), row_of(dt, wave, y) + seg.first, s.rows.data(), -2 * sigma, seg.n);
        deliver(update, seg, s);
      });
  }

  void axpy(float* y, float a, const float* x, std::size_t n) override {
#pragma omp parallel for simd num_threads(threads_) schedule(static)
    for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
  }

  void pack(float* packed, Volume volume, Box box, int first_slice, int last_slice) override {
    for_box(volume, box, first_slice, last_slice,
            [&](float* row, std::size_t n, std::size_t at) { std::copy_n(row, n, packed + at); });
  }

  void unpack(Volume volume, const float* packed, Box box, int first_slice, int last_slice,
              Merging merging) override {
    for_box(volume, box, first_slice, last_slice, [&](float* row, std::size_t n, std::size_t at) {
      const float* source = packed + at;
      if (merging == Merging::replace)
        std::copy_n(source, n, row);
      else
        for (std::size_t i = 0; i < n; ++i) row[i] += source[i];
    });
  }

  void scale(Volume volume, const float* weights) override {
    const auto area = volume.extent.area();
    for_box(volume, {0, volume.extent.y, 0, volume.extent.x}, 0, volume.slices,
            [&](float* row, std::size_t n, std::size_t at) {
              const float* w = weights + at % area;
              for (std::size_t i = 0; i < n; ++i) row[i] *= w[i];
            });
  }

private:
  Scratch& my_scratch() { return scratch_[static_cast<std::size_t>(omp_get_thread_num())]; }

  /// In rows, so that the sum does not depend on the number of threads.
  template <class Stored>
  void amplitude_loss_against(const Stored* amplitudes, Waves waves, Waves adjoint,
                              std::span<double> losses) {
    const Extent e = waves.extent;
    const float scale = static_cast<float>(e.area());
    const float least = undetermined_amplitude(e);
    std::vector<double> of_row(static_cast<std::size_t>(waves.count) * static_cast<std::size_t>(e.y));
    for_rows(waves, [&](int wave, int y, Scratch&) {
      const Complex* w = row_of(waves, wave, y);
      Complex* r = row_of(adjoint, wave, y);
      const Stored* a = amplitudes + (w - waves.data);
      double sum = 0;
      for (int x = 0; x < e.x; ++x) {
        const float modulus = std::sqrt(std::norm(w[x]));
        const float difference = modulus - amplitude_of(a[x]);
        sum += static_cast<double>(difference) * static_cast<double>(difference);
        r[x] = modulus > least ? w[x] * (scale * difference / modulus) : Complex{};
      }
      of_row[static_cast<std::size_t>(wave) * static_cast<std::size_t>(e.y) + static_cast<std::size_t>(y)] =
          sum;
    });
    for (int wave = 0; wave < waves.count; ++wave) {
      const double* first = of_row.data() + static_cast<std::size_t>(wave) * static_cast<std::size_t>(e.y);
      double sum = 0;
      for (int y = 0; y < e.y; ++y) sum += first[y];
      losses[static_cast<std::size_t>(wave)] = sum;
    }
  }

  /// transmit_adjoint of one wave.
  void transmit_adjoint_of(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                           std::span<const Offset> origins, float sigma, bool rewind) {
    const int nx = adjoint.extent.x;
    const float scale = 1.0F / static_cast<float>(nx);
    const float weight = -2 * sigma * scale * scale;
    const Extent e = update.potential.extent;
    for_row_blocks_on(e, origins, adjoint, [&](Complex* a_rows, int, int y, int count, Scratch& t) {
      Complex* w_rows = row_of(transmitted, 0, y);
      if (!rewind) w_rows = std::copy_n(w_rows, nx * count, t.rows.data()) - nx * count;
      fft_.rows(a_rows, count, nx, Direction::inverse);
      fft_.rows(w_rows, count, nx, Direction::inverse);
      for (int i = 0; i < count; ++i) {
        Complex* a = a_rows + i * nx;
        Complex* w = w_rows + i * nx;
        const auto seg = segment_on(e, origins.front(), y + i, nx);
        const float* v = row_of(update.potential.data, e, seg.y) + seg.x;
        phase::factors(v, sigma, scale, t.cosine.data(), t.sine.data(), seg.n);
        phase::cross(t.gradient.data(), a + seg.first, w + seg.first, weight, seg.n);
        deliver(update, seg, t);
        back_through(a, seg, nx, scale, t);
        if (rewind) back_through(w, seg, nx, scale, t);
      }
      fft_.rows(a_rows, count, nx, Direction::forward);
      if (rewind) fft_.rows(w_rows, count, nx, Direction::forward);
    });
  }

  /// body(wave, y, scratch) on all waves at once: the fewer parallel regions, the less threads wait.
  template <class Body> void for_rows(Waves waves, const Body& body) {
#pragma omp parallel for collapse(2) num_threads(threads_) schedule(static)
    for (int wave = 0; wave < waves.count; ++wave)
      for (int y = 0; y < waves.extent.y; ++y) body(wave, y, my_scratch());
  }

  /// body(rows, wave, first row, count, scratch) on blocks of the rows [first, last) of each wave, on all
  /// waves at once.
  template <class Range, class Body> void for_row_blocks(Waves waves, const Range& range, const Body& body) {
    const int most_blocks = (waves.extent.y + LineFft::row_block - 1) / LineFft::row_block;
#pragma omp parallel for collapse(2) num_threads(threads_) schedule(static)
    for (int wave = 0; wave < waves.count; ++wave)
      for (int block = 0; block < most_blocks; ++block) {
        const Rows rows = range(wave);
        const int y = rows.first + block * LineFft::row_block;
        if (y >= rows.last) continue;
        body(row_of(waves, wave, y), wave, y, std::min(LineFft::row_block, rows.last - y), my_scratch());
      }
  }
  template <class Body> void for_row_blocks(Waves waves, const Body& body) {
    for_row_blocks(
        waves,
        [&](int) {
          return Rows{0, waves.extent.y};
        },
        body);
  }
  /// Only the rows on the slice: in vacuum the transforms on both sides of a transmission cancel.
  template <class Body>
  void for_row_blocks_on(Extent slice, std::span<const Offset> origins, Waves waves, const Body& body) {
    for_row_blocks(
        waves,
        [&](int wave) { return rows_on(slice, origins[static_cast<std::size_t>(wave)], waves.extent); },
        body);
  }

  /// body(lines, x0, n) on columns [x0, x0 + n) gathered as [y][block], then scattered back.
  template <class Body> void for_column_blocks(Waves waves, const Body& body) {
    const int blocks = (waves.extent.x + LineFft::block - 1) / LineFft::block;
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int job = 0; job < waves.count * blocks; ++job) {
      const int wave = job / blocks;
      const int x0 = job % blocks * LineFft::block;
      const int n = std::min(LineFft::block, waves.extent.x - x0);
      Complex* lines = my_scratch().columns.data();
      gather(lines, waves, wave, x0, n);
      body(lines, x0, n);
      scatter(waves, wave, x0, n, lines);
    }
  }

  /// body(row, n, position in the packed box) for every row of the box in every slice.
  template <class Body>
  void for_box(Volume volume, Box box, int first_slice, int last_slice, const Body& body) {
    const Extent e = box.extent();
    const auto n = static_cast<std::size_t>(e.x);
#pragma omp parallel for num_threads(threads_) schedule(static) collapse(2)
    for (int s = first_slice; s < last_slice; ++s)
      for (int y = 0; y < e.y; ++y) {
        const auto at = (static_cast<std::size_t>(s - first_slice) * static_cast<std::size_t>(e.y) +
                         static_cast<std::size_t>(y)) *
                        n;
        body(row_of(volume.slice(s).data, volume.extent, box.y0 + y) + box.x0, n, at);
      }
  }

  static void gather(Complex* lines, Waves waves, int wave, int x0, int n) {
    for (int y = 0; y < waves.extent.y; ++y, lines += LineFft::block) {
      const Complex* row = row_of(waves, wave, y) + x0;
      if (n == LineFft::block) {
        std::copy_n(row, LineFft::block, lines);
      } else {
        std::copy_n(row, n, lines);
        std::fill_n(lines + n, LineFft::block - n, Complex{});
      }
    }
  }

  static void scatter(Waves waves, int wave, int x0, int n, const Complex* lines) {
    for (int y = 0; y < waves.extent.y; ++y, lines += LineFft::block) {
      Complex* row = row_of(waves, wave, y) + x0;
      if (n == LineFft::block)
        std::copy_n(lines, LineFft::block, row);
      else
        std::copy_n(lines, n, row);
    }
  }

  static void propagation_factor(Complex* lines, const Propagator& p, Extent e, int x0, int n, float scale,
                                 Sense sense) {
    const float sign = sense == Sense::direct ? 1.0F : -1.0F;
    float xr[LineFft::block] = {};
    float xi[LineFft::block] = {};
    for (int x = 0; x < n; ++x) {
      xr[x] = scale * p.x[x0 + x].real();
      xi[x] = scale * sign * p.x[x0 + x].imag();
    }
    for (int y = 0; y < e.y; ++y, lines += LineFft::block) {
      const float yr = p.y[y].real();
      const float yi = sign * p.y[y].imag();
      float c[LineFft::block];
      float s[LineFft::block];
#pragma omp simd
      for (int x = 0; x < LineFft::block; ++x) {
        c[x] = yr * xr[x] - yi * xi[x];
        s[x] = yr * xi[x] + yi * xr[x];
      }
      if (p.mask != nullptr) {
        const float* mask = p.mask + static_cast<std::size_t>(y) * static_cast<std::size_t>(e.x) + x0;
        for (int x = 0; x < n; ++x) {
          c[x] *= mask[x];
          s[x] *= mask[x];
        }
      }
      phase::multiply(lines, c, s, LineFft::block);
    }
  }

  static void scale_outside(Complex* row, const Segment& seg, int nx, float scale) {
    phase::scale(row, scale, seg.first);
    phase::scale(row + seg.first + seg.n, scale, nx - seg.first - seg.n);
  }

  /// row <- conj(t) row, with the factors in `t`.
  static void back_through(Complex* row, const Segment& seg, int nx, float scale, const Scratch& t) {
    scale_outside(row, seg, nx, scale);
    phase::multiply_conjugate(row + seg.first, t.cosine.data(), t.sine.data(), seg.n);
  }

  /// The row's gradient in `t` goes where the update says.
  static void deliver(const SliceUpdate& update, const Segment& seg, const Scratch& t) {
    const Extent e = update.potential.extent;
    float* v = row_of(update.potential.data, e, seg.y) + seg.x;
    float* g = update.gradient != nullptr ? row_of(update.gradient, e, seg.y) + seg.x : nullptr;
    phase::apply(v, g, t.gradient.data(), update.step, seg.n);
  }

  /// exp(-2 pi i k shift / n) for k = 0, 1, .., -1 in FFT order.
  static std::vector<std::complex<double>> shift_ramp(int n, double shift) {
    std::vector<std::complex<double>> ramp(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) {
      const int k = signed_frequency(i, n);
      ramp[static_cast<std::size_t>(i)] = std::polar(1.0, -2 * std::numbers::pi * k * shift / n);
    }
    return ramp;
  }

  int threads_;
  LineFft fft_;
  std::vector<Scratch> scratch_;
};

} // namespace

std::unique_ptr<Backend> make_cpu_backend(const BackendOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

} // namespace ptychoscale
