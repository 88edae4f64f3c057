#include "extras.hpp"

#include "ptychoscale/base/words.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <string_view>

namespace ptychoscale {
namespace {

/// How many letters must be changed, added or left out to make one word of the other, an exchange of two
/// neighbours being two changes.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The command's option that differs from the word in the fewest letters; empty when none is near.
std::string nearest_option(const CLI::App& command, std::string_view word) {
  std::string nearest;
  auto fewest = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames())
      if (const auto letters = distance(word, "--" + name); letters < fewest) {
        fewest = letters;
        nearest = "--" + name;
      }
  return nearest;
}

} // namespace

std::string describe_extras(const CLI::App& command, const std::vector<std::string>& words) {
  std::vector<std::string> shown;
  for (const auto& word : words) shown.push_back(shortened(word, longest_value));
  auto text = fmt::format("not expected: {}", fmt::join(shown, " "));
  const auto option = std::ranges::find_if(
      words, [](const auto& w) { return w.starts_with("--") && w.size() < longest_value; });
  if (option == words.end()) return text;
  const auto name = option->substr(0, option->find('='));
  const auto nearest = nearest_option(command, name);
  return nearest.empty() ? text : fmt::format("{}; is {} meant by {}?", text, nearest, name);
}

} // namespace ptychoscale
