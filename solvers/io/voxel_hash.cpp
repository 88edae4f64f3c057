#include "voxel_hash.hpp"

#include "hash.hpp"

namespace ptychoscale {

std::string header_hash(const ReconstructionHeader& header) {
  Record record;
  record.add(header.mesh);
  record.add(header.sigma);
  record.add_array(header.cost);
  record.add_text(header.report);
  record.add_array(header.cores);
  return digest(record.bytes());
}

} // namespace ptychoscale
