#include "message_memory.hpp"

#include "ptychoscale/base/error.hpp"

namespace ptychoscale::cuda {

MessageMemory choose_message_memory(const BackendOptions& options) {
  if (options.messages == MessageMemory::device && !options.mpi_takes_device_memory)
    throw InputError(
        "messages: 'device' needs an MPI library that takes them from a GPU, which this one does "
        "not say it does; valid: auto, host");
  if (options.messages) return *options.messages;
  return options.mpi_takes_device_memory ? MessageMemory::device : MessageMemory::host;
}

const char* describe(MessageMemory memory) {
  return memory == MessageMemory::host ? "messages from pinned host memory" : "messages from device memory";
}

} // namespace ptychoscale::cuda
