#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ptychoscale {

/// What an option may say, and what each word means.
template <class E> using Choices = std::vector<std::pair<std::string, E>>;

template <class E> [[nodiscard]] std::vector<std::string> words(const Choices<E>& choices) {
  std::vector<std::string> all;
  for (const auto& choice : choices) all.push_back(choice.first);
  return all;
}

/// The meaning of `word`, which must be one of the choices.
template <class E> [[nodiscard]] E meaning(const Choices<E>& choices, std::string_view word) {
  for (const auto& choice : choices)
    if (choice.first == word) return choice.second;
  throw std::logic_error("a word that no option offers");
}

template <class E> [[nodiscard]] const std::string& word_for(const Choices<E>& choices, E value) {
  for (const auto& choice : choices)
    if (choice.second == value) return choice.first;
  throw std::logic_error("a value that no option offers");
}

} // namespace ptychoscale
