#pragma once

/// Everything that makes a simulated dataset but its loop over positions: parameters and header, specimen,
/// projected potential, counting noise.
#include "ptychoscale/simulate/conditions.hpp"
#include "ptychoscale/simulate/dose.hpp"
#include "ptychoscale/simulate/parameters.hpp"
#include "ptychoscale/simulate/potential.hpp"
#include "ptychoscale/simulate/scattering_factors.hpp"
#include "ptychoscale/simulate/specimen.hpp"
