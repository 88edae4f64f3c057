#include "ptychoscale/base/words.hpp"

#include <fmt/format.h>

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

std::string readable_bytes(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.4g} GB", bytes / 1e9);
  return bytes >= 1e6 ? fmt::format("{:.4g} MB", bytes / 1e6) : fmt::format("{:.4g} kB", bytes / 1e3);
}

} // namespace ptychoscale
