#include "ptychoscale/io/window_model.hpp"

#include "ptychoscale/base/physics.hpp"

namespace ptychoscale {

MultisliceParameters window_model(const DatasetHeader& h) {
  MultisliceParameters m;
  m.detector = h.detector;
  m.grid = h.detector;
  m.pixel = h.pixel;
  m.slices = h.slices;
  m.slice_thickness_A = h.slice_thickness_A;
  m.wavelength_A = electron_wavelength_A(h.energy_eV);
  m.sigma = interaction_parameter(h.energy_eV);
  return m;
}

} // namespace ptychoscale
