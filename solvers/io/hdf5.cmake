# HDF5 as hdf5::hdf5, and whether it is parallel.
set(HDF5_PREFER_PARALLEL ON)
if(NOT CMAKE_BINARY_DIR MATCHES " ")
  find_package(HDF5 REQUIRED COMPONENTS C)
  return()
endif()

# HDF5's compiler wrapper, which CMake asks, does not quote the path of what it compiles; pkg-config knows as much.
# Where several are installed, hdf5-mpi is the one of the MPI that Debian's alternatives have chosen.
include(CheckSymbolExists)
pkg_search_module(HDF5_BY_PKGCONFIG REQUIRED IMPORTED_TARGET GLOBAL hdf5-mpi hdf5-openmpi hdf5-mpich hdf5)
add_library(hdf5::hdf5 ALIAS PkgConfig::HDF5_BY_PKGCONFIG)
set(HDF5_VERSION ${HDF5_BY_PKGCONFIG_VERSION})
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::HDF5_BY_PKGCONFIG)
check_symbol_exists(H5_HAVE_PARALLEL H5pubconf.h HDF5_IS_PARALLEL)
unset(CMAKE_REQUIRED_LIBRARIES)
