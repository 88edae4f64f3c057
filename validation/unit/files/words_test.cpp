#include "ptychoscale/base/words.hpp"

#include <gtest/gtest.h>

namespace ptychoscale {
namespace {

TEST(Words, ShortenedKeepBothEnds) {
  EXPECT_EQ(shortened("short", 10), "short");
  EXPECT_EQ(shortened("abcdefghijklm", 10), "abcd...klm");
  for (std::size_t n = 0; n < 40; ++n) EXPECT_LE(shortened(std::string(n, 'x'), 20).size(), 20U);
  EXPECT_EQ(shortened("abcdefgh", 1), "...");
}

TEST(Words, NoCharacterIsCut) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "\xe2\x82\xac"; // the euro sign, three bytes
  for (std::size_t longest = 10; longest < 30; ++longest) {
    const auto cut = shortened(text, longest);
    EXPECT_LE(cut.size(), longest);
    EXPECT_EQ((cut.size() - 3) % 3, 0U) << cut;
  }
}

TEST(Words, OneLineChangesNoTerminal) {
  EXPECT_EQ(in_one_line("a\nb\r\x1b[31mc\x7f\t\xc3\xa9"), "a b  [31mc  \xc3\xa9");
}

TEST(Words, NearestAreThoseWithTheFewestChanges) {
  EXPECT_EQ(letters_apart("kitten", "sitting"), 3U);
  EXPECT_EQ(letters_apart("", "abc"), 3U);
  EXPECT_EQ(letters_apart("same", "same"), 0U);
  EXPECT_EQ(nearest("detecter", {"slices", "detector", "seed"}, 1), std::vector<std::string>{"detector"});
  EXPECT_EQ(nearest("x", {"b", "a"}), (std::vector<std::string>{"b", "a"}));
}

TEST(Words, Bytes) {
  EXPECT_EQ(readable_bytes(1.5e9), "1.5 GB");
  EXPECT_EQ(readable_bytes(2e6), "2 MB");
  EXPECT_EQ(readable_bytes(100), "0.1 kB");
}

} // namespace
} // namespace ptychoscale
