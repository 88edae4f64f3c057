#include "ptychoscale/comm/exchange.hpp"

#include "allreduce_exchange.hpp"
#include "blocking_passes.hpp"
#include "pipelined_exchange.hpp"
#include "ptychoscale/base/error.hpp"

#include <array>

namespace ptychoscale {
namespace {
using Planner = Chunking (*)(const ExchangeOptions&, const Tiling&, int);
using Maker = std::unique_ptr<GradientExchange> (*)(const Chunking&, const Communicator&, Backend&,
                                                    const Tiling&, PhaseTimer&);
struct Entry {
  ExchangeKind kind;
  std::string_view name;
  Planner plan;
  Maker make;
};
// In the order of the enumeration.
constexpr std::array entries{
    Entry{ExchangeKind::appp, "appp", plan_pipelined_passes, make_pipelined_passes},
    Entry{ExchangeKind::passes, "passes", plan_blocking_passes, make_blocking_passes},
    Entry{ExchangeKind::neighbours, "neighbours", plan_neighbour_exchange, make_neighbour_exchange},
    Entry{ExchangeKind::allreduce, "allreduce", plan_allreduce_exchange, make_allreduce_exchange},
};

const Entry& entry(ExchangeKind kind) { return entries[static_cast<std::size_t>(kind)]; }
} // namespace

ExchangePlan plan_exchange(const ExchangeOptions& options, const Tiling& tiling, int slices) {
  return {options.kind, entry(options.kind).plan(options, tiling, slices)};
}

std::unique_ptr<GradientExchange> make_exchange(const ExchangePlan& plan, const Communicator& comm,
                                                Backend& backend, const Tiling& tiling, PhaseTimer& timer) {
  return entry(plan.kind).make(plan.chunking, comm, backend, tiling, timer);
}

ExchangeKind exchange_kind(std::string_view wanted) {
  for (const Entry& e : entries)
    if (e.name == wanted) return e.kind;
  throw InputError("exchange: '" + std::string(wanted) +
                   "'; valid are appp, passes, neighbours and allreduce");
}

std::string_view name(ExchangeKind kind) { return entry(kind).name; }

} // namespace ptychoscale
