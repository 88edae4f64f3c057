#pragma once

#include <cstddef>
#include <string_view>

namespace ptychoscale {

/// Limits of JSON from outside, the same as in Python (harness/base/strict_json.py); the project's own files
/// keep far away from them.
/// @{
inline constexpr std::size_t most_json_bytes = 100'000'000;
inline constexpr std::size_t deepest_json = 64;
inline constexpr std::size_t longest_json_number = 100; ///< characters
/// @}

/// Refuses what JSON parsers choke on, or take in silence: text that is no JSON, lists and objects nested too
/// deep, a number that is too long or too large, a key that an object has twice, a text with a zero in it.
/// Throws InputError of one line that begins with `where`.
void check_json(std::string_view text, std::string_view where);

} // namespace ptychoscale
