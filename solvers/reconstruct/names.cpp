#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <fmt/format.h>

#include <array>

namespace ptychoscale {

std::string_view name(Method method) {
  static constexpr std::array<std::string_view, 4> names{"serial", "gd", "hve", "replicated"};
  return names[static_cast<std::size_t>(method)];
}

std::string_view name(UpdateRule rule) {
  static constexpr std::array<std::string_view, 5> names{"as_printed", "once", "averaged", "batch",
                                                         "accelerated"};
  return names[static_cast<std::size_t>(rule)];
}

bool descends(const ReconstructionOptions& o) {
  return o.method != Method::hve && (o.update == UpdateRule::batch || o.update == UpdateRule::accelerated);
}

Method method(std::string_view text) {
  for (const auto m : {Method::serial, Method::gd, Method::hve, Method::replicated})
    if (text == name(m)) return m;
  throw InputError(fmt::format("method: '{}' is unknown; one of serial, gd, hve, replicated", text));
}

} // namespace ptychoscale
