/// JSON that parsers choke on, or take in silence: one line that names the file, of bounded length.
#include "../../scratch_folder.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/json_text.hpp"
#include "ptychoscale/base/words.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/json_file.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

/// What `act` refuses, in words; empty when it does not.
template <class Act> std::string refusal(const Act& act) {
  try {
    act();
    return {};
  } catch (const InputError& e) {
    return e.what();
  }
}

TEST(Json, WhatParsersChokeOnIsOneLine) {
  const std::vector<std::pair<std::string, std::string>> bad{
      {repeated("[", 200'000), "nested more than 64 deep"},
      {repeated(R"({"a":)", 65) + "1" + repeated("}", 65), "nested more than 64 deep"},
      {std::string(100'000, '1'), "has 100000 characters; valid: 100 at most"},
      {fmt::format("[{}]", std::string(101, '7')), "has 101 characters"},
      {fmt::format("0.{}", std::string(5000, '1')), "has 5002 characters"},
      {"[1e999]", "the number 1e999 is too large"},
      {R"({"a": NaN})", "is not JSON"},
      {"[-Infinity]", "is not JSON"},
      {R"({"a": 1, "b": [{"c": 1, "c": 2}]})", "key 'c' is there twice"},
      {fmt::format(R"({{"{0}": 1, "{0}": 2}})", std::string(9999, 'k')), "is there twice"},
      {R"(["\ud800"])", "is not JSON"},
      {R"({"case": "a\u0000b"})", "a character that is none"},
      {R"({"a\u0000b": 1})", "a character that is none"},
      {"[\"\xff\"]", "is not JSON"},
      {fmt::format("\"{}", std::string(100'000, 'x')), "is not JSON"},
      {"", "is not JSON"},
      {R"({"a": )", "is not JSON"},
      {"1 2", "is not JSON"}};
  for (const auto& [text, says] : bad) {
    const auto line = refusal([&] { check_json(text, "here.json"); });
    EXPECT_TRUE(line.starts_with("here.json: ")) << line;
    EXPECT_NE(line.find(says), std::string::npos) << line << " for " << shortened(text, 50);
    EXPECT_LT(line.size(), longest_line);
  }
}

TEST(Json, WhatIsGoodPasses) {
  for (const std::string text :
       {"{}", "[]", "1", "null", R"({"a": {"b": 1}, "c": {"b": [1.5e-300, -0, true]}})",
        R"(["é\ud83d\ude00[[[", "\"{{{"])"})
    EXPECT_EQ(refusal([&] { check_json(text, "x"); }), "") << text;
  check_json(repeated("[", deepest_json) + repeated("]", deepest_json), "x");
  check_json(fmt::format("[{}]", std::string(longest_json_number, '9')), "x");
}

TEST(Json, AFileIsNamedWithWhatIsWrong) {
  const ScratchFolder scratch;
  const auto says = [](const std::filesystem::path& file) {
    return refusal([&] { (void)read_json(file, "a thing"); });
  };
  EXPECT_NE(
      says(scratch.path() / "none").find("none: cannot be read (No such file or directory); valid: a thing"),
      std::string::npos);
  EXPECT_NE(says(scratch.path()).find("not a regular file"), std::string::npos);
  EXPECT_NE(says("/dev/zero").find("not a regular file"), std::string::npos);
  EXPECT_EQ(read_json(scratch.file("[1]\n")), "[1]\n");
}

TEST(Json, ACaseFileIsHeldToTheSameLimits) {
  const ScratchFolder scratch;
  for (const auto& text :
       {repeated("[", 200'000), std::string(100'000, '1'), std::string(R"({"name": "a", "name": "b"})")})
    EXPECT_LT(refusal([&] { (void)load_case(scratch.file(text).string()); }).size(), longest_line);
}

} // namespace
} // namespace ptychoscale
