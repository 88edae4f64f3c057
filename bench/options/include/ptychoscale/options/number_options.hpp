#pragma once

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

namespace ptychoscale {

/// `text` as a number that fills it, in decimal notation whatever the locale; else what is wrong with it.
template <class T> [[nodiscard]] std::errc read_number(std::string_view text, T& value) {
  const char* const past = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), past, value);
  return error == std::errc() && end != past ? std::errc::invalid_argument : error;
}

/// For options of type T that take a whole number from `least` to `most`; to be given to transform(), since
/// it takes leading zeros away, with which CLI11 reads 010 as 8. CLI11's own checks name the largest number
/// there is, and take -1 for the largest unsigned number.
template <class T>
[[nodiscard]] CLI::Validator whole_number(T least, T most = std::numeric_limits<T>::max()) {
  const bool open = most == std::numeric_limits<T>::max();
  const auto from_to = fmt::format("{} to {}", least, most);
  const auto or_more = open ? fmt::format("{} or more", least) : from_to;
  return {[=](std::string& text) {
            T value{};
            const auto error = read_number(text, value);
            if (error != std::errc() || value < least || value > most)
              return fmt::format("'{}'; valid: a whole number, {}", text,
                                 error == std::errc::result_out_of_range ? from_to : or_more);
            text = fmt::to_string(value);
            return std::string();
          },
          !open       ? or_more
          : least > 0 ? "POSITIVE"
                      : "NONNEGATIVE"};
}

/// For --threads: `least` is 0 where that stands for the machine's cores. Of more than any host has, OpenMP
/// fails in words of its own.
[[nodiscard]] inline CLI::Validator thread_count(int least) { return whole_number(least, 4096); }

/// For options that take a finite number for which `valid` holds; `words` tell the user which those are.
template <class Valid>
[[nodiscard]] CLI::Validator number(Valid valid, std::string_view words, const std::string& in_help) {
  return {[=, words = std::string(words)](std::string& text) {
            double value = 0;
            const bool taken =
                read_number(text, value) == std::errc() && std::isfinite(value) && valid(value);
            return taken ? std::string() : fmt::format("'{}'; valid: {}", text, words);
          },
          in_help};
}
[[nodiscard]] inline CLI::Validator number_above_0() {
  return number([](double x) { return x > 0; }, "a number above 0", "POSITIVE");
}
[[nodiscard]] inline CLI::Validator number_from_0() {
  return number([](double x) { return x >= 0; }, "a number, 0 or more", "NONNEGATIVE");
}

} // namespace ptychoscale
