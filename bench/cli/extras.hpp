#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace ptychoscale {

/// What the words mean that a command does not know: the words in the order they were typed, and the option
/// that is nearest to the first that looks like one.
[[nodiscard]] std::string describe_extras(const CLI::App& command, const std::vector<std::string>& words);

} // namespace ptychoscale
