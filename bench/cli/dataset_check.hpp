#pragma once

#include <string>
#include <string_view>

namespace ptychoscale {

enum class Verdict { ok, warning, failed };

/// One row of `validate dataset`.
struct Check {
  std::string_view what;
  Verdict verdict = Verdict::ok;
  std::string found;
};

} // namespace ptychoscale
