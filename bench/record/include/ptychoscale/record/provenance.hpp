#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

using Json = nlohmann::ordered_json;

/// Of every report; raised when a key changes its meaning.
inline constexpr int report_schema_version = 1;

/// What a report says of the program that made it: version, source commit, compiler, libraries.
[[nodiscard]] Json provenance(std::string_view evidence);

/// When, where and how it was called: what the same command does not give again.
void add_occasion(Json& context, const std::vector<std::string>& argv);

} // namespace ptychoscale
