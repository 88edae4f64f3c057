#include "ptychoscale/base/json_text.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <set>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

using Json = nlohmann::json;

/// Takes what a parser finds, keeps nothing of it but the keys of what is open, and stops at the first thing
/// that is refused.
class Strict final : public nlohmann::json_sax<Json> {
public:
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t value, const string_t& digits) override {
    if (digits.size() > longest_json_number) return too_long(digits);
    return std::isfinite(value) || too_large(digits);
  }
  bool string(string_t& text) override { return check_text(text); }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      return refuse(fmt::format("key '{}' is there twice; valid: once", shortened(name, longest_value)));
    return check_text(name);
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string& token, const Json::exception& error) override {
    if (dynamic_cast<const Json::out_of_range*>(&error) != nullptr)
      return token.size() > longest_json_number ? too_long(token) : too_large(token);
    return refuse(fmt::format("is not JSON: {}", shortened(error.what(), 3 * longest_value)));
  }

private:
  bool refuse(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }
  bool too_long(const std::string& digits) {
    return refuse(fmt::format("the number {} has {} characters; valid: {} at most",
                              shortened(digits, longest_value), digits.size(), longest_json_number));
  }
  bool too_large(const std::string& digits) {
    return refuse(fmt::format("the number {} is too large", shortened(digits, longest_value)));
  }
  bool check_text(const std::string& text) {
    return text.find('\0') == std::string::npos ||
           refuse("a text has a character that is none (a zero, or half of a pair)");
  }
  bool open() {
    keys_.emplace_back();
    return keys_.size() <= deepest_json ||
           refuse(fmt::format("it is nested more than {0} deep; valid: {0} at most", deepest_json));
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>>
      keys_; ///< of the lists, which have none, and objects that have not ended
  std::string complaint_;
};

} // namespace

void check_json(std::string_view text, std::string_view where) {
  if (text.size() > most_json_bytes)
    throw InputError(
        fmt::format("{}: has {} bytes; valid: JSON of {} at most", where, text.size(), most_json_bytes));
  Strict strict;
  if (!Json::sax_parse(text, &strict)) throw InputError(fmt::format("{}: {}", where, strict.complaint()));
}

} // namespace ptychoscale
