#include "ptychoscale/golden/golden.hpp"

#include "golden_file.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/simulate/simulation.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <span>

namespace ptychoscale {
namespace {

// fp32 waves against fp64 references; fp32 cost and gradient, which add up many of them; the potential is
// fp64 on both sides, but its parameters may be printed with few digits. The constants differ between
// editions of CODATA by 1e-8.
constexpr double wave_limit = 2e-6;
constexpr double potential_limit = 1e-5;
constexpr double gradient_limit = 1e-5;
constexpr double constant_limit = 1e-6;

/// What every comparison needs from the file.
struct Reference {
  const GoldenFile& file;
  Optics optics;
  MultisliceParameters model; ///< with the file's two-thirds limit
  std::size_t positions;
  [[nodiscard]] std::size_t ny() const { return static_cast<std::size_t>(model.detector.y); }
  [[nodiscard]] std::size_t nx() const { return static_cast<std::size_t>(model.detector.x); }
  [[nodiscard]] std::size_t slices() const { return static_cast<std::size_t>(model.slices); }
  [[nodiscard]] std::size_t area() const { return model.detector.area(); }
};

Reference read_reference(const GoldenFile& file) {
  const auto gpts = file.numbers("gpts", 2);
  const auto sampling = file.numbers("sampling_A", 2);
  MultisliceParameters m;
  m.detector = {static_cast<int>(gpts[0]), static_cast<int>(gpts[1])};
  m.grid = m.detector;
  m.pixel = {sampling[0], sampling[1]};
  m.slices = static_cast<int>(file.number("num_slices"));
  m.slice_thickness_A = file.number("slice_thickness_A");
  m.wavelength_A = file.number("wavelength_A");
  m.sigma = file.number("sigma_per_V_per_A");
  m.bandwidth = Bandwidth::two_thirds;
  m.bandwidth_cutoff = file.number("antialias_cutoff");
  m.bandwidth_taper = file.number("antialias_taper");
  m.adjoint = Adjoint::store;
  if (m.detector.y < 1 || m.detector.x < 1 || m.slices < 1)
    throw InputError("golden file: attributes gpts and num_slices: valid: 1 or more");
  const Optics optics{.energy_eV = file.number("energy_eV"),
                      .semiangle_mrad = file.number("semiangle_mrad"),
                      .C10_A = file.number("C10_A"),
                      .C30_A = file.number("C30_A", 0.0),
                      .soft_aperture = file.text("aperture") == "soft"};
  return {file, optics, m, file.count("positions_A")};
}

template <class A, class B> double relative_error(const A& ours, const B& theirs) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    const auto reference = theirs[i];
    difference += std::norm(static_cast<std::decay_t<decltype(reference)>>(ours[i]) - reference);
    norm += std::norm(reference);
  }
  return std::sqrt(difference / norm);
}

template <class T> std::vector<T> part(const std::vector<T>& all, std::size_t index, std::size_t size) {
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(index * size);
  return {first, first + static_cast<std::ptrdiff_t>(size)};
}

std::vector<Complex> single(const std::vector<std::complex<double>>& values) {
  return {values.begin(), values.end()};
}
std::vector<float> single(const std::vector<double>& values) { return {values.begin(), values.end()}; }

/// Zero frequency to the centre, as the file stores patterns.
std::vector<float> centred(std::span<const float> pattern, Extent e) {
  std::vector<float> shifted(pattern.size());
  for (int y = 0; y < e.y; ++y)
    for (int x = 0; x < e.x; ++x) {
      const auto to = static_cast<std::size_t>((y + e.y / 2) % e.y) * e.x + (x + e.x / 2) % e.x;
      shifted[to] = pattern[static_cast<std::size_t>(y) * e.x + x];
    }
  return shifted;
}

/// A volume on the backend.
class DeviceVolume {
public:
  DeviceVolume(Backend& backend, const Reference& r, std::span<const float> values)
      : buffer_(backend, values.size(), MemoryLabel::volume), view_{buffer_.data(), r.model.slices,
                                                                    r.model.detector} {
    buffer_.upload(values);
  }
  [[nodiscard]] Volume view() const { return view_; }
  [[nodiscard]] std::vector<float> download() const {
    std::vector<float> values(buffer_.size());
    buffer_.download(values);
    return values;
  }

private:
  Buffer<float> buffer_;
  Volume view_;
};

/// One wave on the backend.
class DeviceWave {
public:
  DeviceWave(Backend& backend, Extent extent, std::span<const Complex> values)
      : backend_(backend),
        buffer_(backend, extent.area(), MemoryLabel::waves), view_{buffer_.data(), 1, extent} {
    if (!values.empty()) buffer_.upload(values);
  }
  [[nodiscard]] Waves view() const { return view_; }
  void to_reciprocal() {
    backend_.transform_rows(view_, Direction::forward);
    backend_.transform_columns(view_, Direction::forward);
  }
  void to_real() {
    backend_.transform_columns(view_, Direction::inverse);
    backend_.transform_rows(view_, Direction::inverse);
  }
  [[nodiscard]] std::vector<Complex> download() const {
    backend_.synchronize();
    std::vector<Complex> values(buffer_.size());
    buffer_.download(values);
    return values;
  }

private:
  Backend& backend_;
  Buffer<Complex> buffer_;
  Waves view_;
};

void check_constants(const Reference& r, std::vector<GoldenCheck>& checks) {
  const auto off = [](double ours, double theirs) { return std::abs(ours / theirs - 1); };
  const double energy = r.optics.energy_eV;
  checks.push_back({"wavelength at the file's energy",
                    off(electron_wavelength_A(energy), r.model.wavelength_A), constant_limit});
  checks.push_back(
      {"sigma at the file's energy", off(interaction_parameter(energy), r.model.sigma), constant_limit});
}

void check_probe(const Reference& r, Backend& backend, std::vector<GoldenCheck>& checks) {
  const auto probe = make_probe(r.optics, r.model.detector, r.model.pixel);
  DeviceWave origin(backend, r.model.detector, probe);
  origin.to_real();
  checks.push_back({"probe at the origin",
                    relative_error(origin.download(), r.file.complexes("probe_origin", {r.ny(), r.nx()})),
                    wave_limit});

  const auto lit = crop_to_aperture(probe, r.model.detector);
  Buffer<Complex> aperture(backend, lit.values.size(), MemoryLabel::waves);
  aperture.upload(lit.values);
  const auto positions = r.file.reals("positions_A", {r.positions, 2});
  std::vector<Complex> waves;
  for (std::size_t i = 0; i < r.positions; ++i) {
    DeviceWave wave(backend, r.model.detector, {});
    const Backend::Shift shift{positions[2 * i] / r.model.pixel.y, positions[2 * i + 1] / r.model.pixel.x};
    backend.shift_probe(wave.view(), {aperture.data(), lit.box}, {&shift, 1});
    wave.to_real();
    const auto values = wave.download();
    waves.insert(waves.end(), values.begin(), values.end());
  }
  const auto expected = r.file.complexes("probe_waves", {r.positions, r.ny(), r.nx()});
  checks.push_back({"probe at the positions", relative_error(waves, expected), wave_limit});
}

/// Waves of all positions through a given potential: after each slice (position 0), at the exit, and on the
/// detector.
struct Propagated {
  std::vector<Complex> slice_waves;
  std::vector<Complex> exit_waves;
  std::vector<float> patterns;
};

Propagated propagate(const Reference& r, Backend& backend, const std::string& potential) {
  const DeviceVolume volume(backend, r, single(r.file.reals(potential, {r.slices(), r.ny(), r.nx()})));
  const auto incident = single(r.file.complexes("probe_waves", {r.positions, r.ny(), r.nx()}));
  Multislice model(backend, r.model, make_probe(r.optics, r.model.detector, r.model.pixel));
  Buffer<float> intensity(backend, r.area(), MemoryLabel::measurements);
  std::vector<float> pattern(r.area());
  Propagated result;
  for (std::size_t i = 0; i < r.positions; ++i) {
    const auto waves = model.slice_waves(volume.view(), {0, 0}, part(incident, i, r.area()));
    const auto exit = part(waves, r.slices() - 1, r.area());
    if (i == 0) result.slice_waves = waves;
    result.exit_waves.insert(result.exit_waves.end(), exit.begin(), exit.end());
    DeviceWave wave(backend, r.model.detector, exit);
    wave.to_reciprocal();
    backend.intensity(wave.view(), intensity.data());
    backend.synchronize();
    intensity.download(pattern);
    const auto stored = centred(pattern, r.model.detector);
    result.patterns.insert(result.patterns.end(), stored.begin(), stored.end());
  }
  return result;
}

void check_waves(const Reference& r, Backend& backend, std::vector<GoldenCheck>& checks) {
  const std::vector<std::size_t> stack{r.positions, r.ny(), r.nx()};
  const auto ours = propagate(r, backend, "potential");
  auto slice_waves = r.file.complexes("slice_waves_pos0", {r.slices() + 1, r.ny(), r.nx()});
  slice_waves.erase(slice_waves.begin(), slice_waves.begin() + static_cast<std::ptrdiff_t>(r.area()));
  checks.push_back({"waves behind each slice", relative_error(ours.slice_waves, slice_waves), wave_limit});
  checks.push_back(
      {"exit waves", relative_error(ours.exit_waves, r.file.complexes("exit_waves", stack)), wave_limit});
  checks.push_back(
      {"patterns", relative_error(ours.patterns, r.file.reals("diffraction", stack)), wave_limit});
  if (!r.file.has("diffraction_exact_potential")) return;
  const auto exact = propagate(r, backend, "potential_exact");
  checks.push_back({"patterns of the exact potential",
                    relative_error(exact.patterns, r.file.reals("diffraction_exact_potential", stack)),
                    wave_limit});
}

/// Debye-Waller factor of an element, from the rms displacements per axis that the file names by symbol; 0:
/// static.
double debye_waller_B_A2(const Reference& r, int atomic_number) {
  static const std::map<int, std::string> symbols{{8, "O"}, {22, "Ti"}, {82, "Pb"}};
  const auto symbol = symbols.find(atomic_number);
  if (symbol == symbols.end())
    throw InputError(fmt::format("golden file: atoms/numbers holds {}; valid: 8, 22 and 82", atomic_number));
  const auto sigmas = nlohmann::json::parse(r.file.text("sigmas_A"), nullptr, false);
  if (!sigmas.is_object()) throw InputError("golden file: attribute sigmas_A: valid: a JSON object");
  const auto found = sigmas.find(symbol->second);
  if (found == sigmas.end()) return 0;
  const auto displacement = found->get<double>();
  return 8 * std::numbers::pi * std::numbers::pi * displacement * displacement;
}

/// The file's atoms by slice and species.
std::vector<std::vector<SpeciesInSlice>> read_atoms(const Reference& r) {
  const auto count = r.file.count("atoms/numbers");
  const auto numbers = r.file.reals("atoms/numbers", {count});
  const auto slice_of = r.file.reals("atoms/slice_index", {count});
  const auto positions = r.file.reals("atoms/positions_A", {count, 3});
  std::vector<std::map<int, SpeciesInSlice>> slices(r.slices());
  for (std::size_t i = 0; i < count; ++i) {
    if (slice_of[i] < 0 || slice_of[i] >= r.model.slices)
      throw InputError(fmt::format("golden file: atoms/slice_index holds {}; valid: 0 to {}", slice_of[i],
                                   r.model.slices - 1));
    const auto z = static_cast<int>(numbers[i]);
    auto& species = slices[static_cast<std::size_t>(slice_of[i])][z];
    species.atomic_number = z;
    species.sites.push_back({positions[3 * i], positions[3 * i + 1]});
  }
  std::vector<std::vector<SpeciesInSlice>> atoms(r.slices());
  for (std::size_t s = 0; s < atoms.size(); ++s)
    for (auto& [z, species] : slices[s]) {
      species.B_A2 = debye_waller_B_A2(r, z);
      atoms[s].push_back(std::move(species));
    }
  return atoms;
}

void check_potential(const Reference& r, std::vector<GoldenCheck>& checks) {
  const auto parametrization = r.file.text("parametrization");
  if (parametrization != "lobato" && parametrization != "kirkland")
    throw InputError(fmt::format("golden file: attribute parametrization is '{}'; valid: lobato, kirkland",
                                 parametrization));
  const auto factors = parametrization == "lobato" ? ScatteringFactors::lobato : ScatteringFactors::kirkland;
  const auto atoms = read_atoms(r);
  const auto expected = r.file.reals("potential_exact", {r.slices(), r.ny(), r.nx()});
  for (const auto& [sum, what] : {std::pair{PotentialGenerator::Sum::exact, "potential, direct sum"},
                                  std::pair{PotentialGenerator::Sum::nufft, "potential, non-uniform FFT"}}) {
    PotentialGenerator generator(r.model.detector, r.model.pixel, factors, sum, 1);
    std::vector<double> ours;
    for (const auto& slice : atoms) {
      const auto values = generator.slice(slice);
      ours.insert(ours.end(), values.begin(), values.end());
    }
    checks.push_back({what, relative_error(ours, expected), potential_limit});
  }
}

void check_gradient(const Reference& r, Backend& backend, std::vector<GoldenCheck>& checks) {
  const double scale = r.file.number_of("gradient", "scale");
  auto potential = r.file.reals("potential_exact", {r.slices(), r.ny(), r.nx()});
  for (auto& v : potential) v *= scale;
  const DeviceVolume volume(backend, r, single(potential));
  const auto incident = single(r.file.complexes("probe_waves", {r.positions, r.ny(), r.nx()}));
  const auto amplitudes = single(r.file.reals("gradient/amplitude", {r.positions, r.ny(), r.nx()}));
  const auto expected_cost = r.file.reals("gradient/cost", {}).front();
  const auto expected = r.file.reals("gradient/dF_dV", {r.slices(), r.ny(), r.nx()});
  for (const auto& [adjoint, name] :
       {std::pair{Adjoint::store, "store"}, std::pair{Adjoint::checkpoint, "checkpoint"},
        std::pair{Adjoint::reverse, "reverse"}}) {
    auto parameters = r.model;
    parameters.bandwidth = Bandwidth::none;
    parameters.adjoint = adjoint;
    Multislice model(backend, parameters, make_probe(r.optics, r.model.detector, r.model.pixel));
    const DeviceVolume gradient(backend, r, std::vector<float>(potential.size()));
    double cost = 0;
    for (std::size_t i = 0; i < r.positions; ++i)
      cost += model.loss_and_gradient(volume.view(), gradient.view(), Offset{0, 0},
                                      part(incident, i, r.area()), part(amplitudes, i, r.area()));
    backend.synchronize();
    checks.push_back({fmt::format("cost, {}", name), std::abs(cost / expected_cost - 1), gradient_limit});
    checks.push_back(
        {fmt::format("dF/dV, {}", name), relative_error(gradient.download(), expected), gradient_limit});
  }
}

} // namespace

std::vector<GoldenCheck> check_golden(const std::filesystem::path& path, Backend& backend) {
  const GoldenFile file(path);
  const auto reference = read_reference(file);
  const Extent grids[] = {reference.model.detector};
  backend.prepare(grids);
  std::vector<GoldenCheck> checks;
  check_constants(reference, checks);
  check_probe(reference, backend, checks);
  check_waves(reference, backend, checks);
  check_potential(reference, checks);
  check_gradient(reference, backend, checks);
  return checks;
}

} // namespace ptychoscale
