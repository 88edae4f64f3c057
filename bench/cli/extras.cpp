#include "extras.hpp"

#include "ptychoscale/base/words.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace ptychoscale {
namespace {

/// The command's option that differs from the word in the fewest letters; empty when none is near.
std::string nearest_option(const CLI::App& command, std::string_view word) {
  std::string nearest;
  auto fewest = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto* option : command.get_options())
    for (const auto& name : option->get_lnames())
      if (const auto letters = letters_apart(word, "--" + name); letters < fewest) {
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
