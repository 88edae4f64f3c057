#include "ptychoscale/comm/exchange.hpp"

#include "allreduce_exchange.hpp"
#include "blocking_passes.hpp"
#include "pipelined_exchange.hpp"
#include "ptychoscale/base/error.hpp"

#include <array>

namespace ptychoscale {
namespace {
using Maker = std::unique_ptr<GradientExchange> (*)(const ExchangeOptions&, const Communicator&, Backend&,
                                                    const Tiling&, int, PhaseTimer&);
struct Entry {
  ExchangeKind kind;
  std::string_view name;
  Maker make;
};
// In the order of the enumeration.
constexpr std::array entries{
    Entry{ExchangeKind::appp, "appp", make_pipelined_passes},
    Entry{ExchangeKind::passes, "passes", make_blocking_passes},
    Entry{ExchangeKind::neighbours, "neighbours", make_neighbour_exchange},
    Entry{ExchangeKind::allreduce, "allreduce", make_allreduce_exchange},
};

const Entry& entry(ExchangeKind kind) { return entries[static_cast<std::size_t>(kind)]; }
} // namespace

std::unique_ptr<GradientExchange> make_exchange(const ExchangeOptions& options, const Communicator& comm,
                                                Backend& backend, const Tiling& tiling, int slices,
                                                PhaseTimer& timer) {
  return entry(options.kind).make(options, comm, backend, tiling, slices, timer);
}

ExchangeKind exchange_kind(std::string_view wanted) {
  for (const Entry& e : entries)
    if (e.name == wanted) return e.kind;
  throw InputError("exchange: '" + std::string(wanted) +
                   "'; valid are appp, passes, neighbours and allreduce");
}

std::string_view name(ExchangeKind kind) { return entry(kind).name; }

} // namespace ptychoscale
