#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// Bytes of an error's line, whatever value it is about.
inline constexpr std::size_t longest_line = 300;
/// Bytes that are shown of a value that somebody else chose.
inline constexpr std::size_t longest_value = 60;

/// The text without its middle where it has more than `longest` bytes: what it is about stands first, and
/// what would be valid last. No UTF-8 character is cut.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t longest);

/// The text with a space for each control character, so that it stays one line that changes no terminal.
[[nodiscard]] std::string in_one_line(std::string_view text);

/// How many letters must be changed, added or left out to make one word of the other; an exchange of two
/// neighbours is two changes.
[[nodiscard]] std::size_t letters_apart(std::string_view a, std::string_view b);

/// Those of `known` that are fewest letters apart from `word`, the nearest first, `most` of them.
[[nodiscard]] std::vector<std::string> nearest(std::string_view word, std::vector<std::string> known,
                                               std::size_t most = 3);

/// Bytes as people say them, such as 1.5 GB.
[[nodiscard]] std::string readable_bytes(double bytes);

} // namespace ptychoscale
