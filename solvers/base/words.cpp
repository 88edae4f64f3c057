#include "ptychoscale/base/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace ptychoscale {
namespace {

/// Whether a byte is inside a UTF-8 character, not its first.
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

} // namespace

std::string shortened(std::string_view text, std::size_t longest) {
  constexpr std::string_view left_out = "...";
  if (text.size() <= longest) return std::string(text);
  const auto kept = longest > left_out.size() ? longest - left_out.size() : 0;
  std::size_t head = kept - kept / 2;
  std::size_t tail = text.size() - kept / 2;
  while (head > 0 && continues(text[head])) --head;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return fmt::format("{}{}{}", text.substr(0, head), left_out, text.substr(tail));
}

std::string in_one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return line;
}

std::size_t letters_apart(std::string_view a, std::string_view b) {
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

std::vector<std::string> nearest(std::string_view word, std::vector<std::string> known, std::size_t most) {
  std::ranges::stable_sort(known, {}, [&](const auto& other) { return letters_apart(word, other); });
  known.resize(std::min(known.size(), most));
  return known;
}

std::string readable_bytes(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.4g} GB", bytes / 1e9);
  return bytes >= 1e6 ? fmt::format("{:.4g} MB", bytes / 1e6) : fmt::format("{:.4g} kB", bytes / 1e3);
}

} // namespace ptychoscale
