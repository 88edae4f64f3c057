/// The cache of what FFTW learned: damage is found and the default one learned anew, never taken in silence.
#include "../../scratch_folder.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/files/wisdom_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>

namespace ptychoscale {
namespace {

std::unique_ptr<Backend> fresh_backend() {
  return make_backend({.kind = "cpu", .threads = 1, .planning = Planning::measure, .local_rank = 0});
}

/// What a backend that has planned a length knows.
std::unique_ptr<Backend> learned_backend() {
  auto backend = fresh_backend();
  backend->prepare(std::array{Extent{12, 12}});
  return backend;
}

class WisdomFile : public testing::Test {
protected:
  void SetUp() override {
    setenv("XDG_CACHE_HOME", scratch.path().c_str(), 1);
    save_wisdom(*learned, default_wisdom_file());
  }
  void TearDown() override { unsetenv("XDG_CACHE_HOME"); }

  /// What is said on stderr when the default file is loaded with this text.
  std::string said_of(const std::string& text) {
    std::ofstream(default_wisdom_file(), std::ios::binary) << text;
    const auto backend = fresh_backend();
    const auto before = backend->planning_knowledge();
    testing::internal::CaptureStderr();
    load_wisdom(*backend, default_wisdom_file());
    auto said = testing::internal::GetCapturedStderr();
    if (!said.empty()) {
      EXPECT_EQ(backend->planning_knowledge(), before) << "half of a damaged file was learned";
    }
    return said;
  }

  ScratchFolder scratch;
  std::unique_ptr<Backend> learned = learned_backend();
};

TEST_F(WisdomFile, IsNamedAfterTheLibraryAndComesBack) {
  EXPECT_EQ(default_wisdom_file().filename(), "wisdom-" + planning_library() + ".json");
  EXPECT_TRUE(planning_library().starts_with("fftw-3."));
  EXPECT_EQ(planning_library().find_first_of("/ "), std::string::npos);
  const auto backend = fresh_backend();
  load_wisdom(*backend, default_wisdom_file());
  EXPECT_EQ(backend->planning_knowledge(), learned->planning_knowledge());
}

TEST_F(WisdomFile, LeavesNothingElseBehind) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path()))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1U);
}

TEST_F(WisdomFile, DamageOfAnyKindIsSaidAndLearnedAnew) {
  const auto good = text_of(default_wisdom_file());
  const std::string deep(200'000, '[');
  for (const auto& text : {std::string(), std::string("{}"), std::string("[1]"), std::string("nonsense"),
                           deep, good.substr(0, good.size() / 2), learned->planning_knowledge(), good + good})
    EXPECT_NE(said_of(text).find("is learned anew"), std::string::npos) << text.substr(0, 100);
  auto other = good;
  other.replace(other.find("fftw-3."), 7, "fftw-2.");
  EXPECT_NE(said_of(other).find("is learned anew"), std::string::npos);
  EXPECT_EQ(said_of(good), "");
}

TEST_F(WisdomFile, AnyChangedByteIsNoticed) {
  const auto good = text_of(default_wisdom_file());
  for (std::size_t i = 0; i < good.size(); i += 7) {
    auto flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    if (good[i] == ' ' || good[i] == '\n') continue; // between values it means nothing
    EXPECT_NE(said_of(flipped).find("is learned anew"), std::string::npos) << "byte " << i;
  }
}

TEST_F(WisdomFile, ThatTheUserNamedIsRefused) {
  const auto file = scratch.file("nonsense", "named.json");
  try {
    load_wisdom(*fresh_backend(), file);
    FAIL() << "taken";
  } catch (const InputError& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with(file.string() + ": is not single-precision wisdom"))
        << e.what();
  }
}

TEST_F(WisdomFile, AFolderInItsPlaceIsButAWarning) {
  std::filesystem::remove(default_wisdom_file());
  std::filesystem::create_directory(default_wisdom_file());
  testing::internal::CaptureStderr();
  load_wisdom(*fresh_backend(), default_wisdom_file());
  save_wisdom(*learned, default_wisdom_file());
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("is learned anew"), std::string::npos) << said;
  EXPECT_NE(said.find("is a directory; give the name of a file"), std::string::npos) << said;
}

TEST(Wisdom, OfALengthThatItDoesNotPlanIsRefused) {
  auto text = learned_backend()->planning_knowledge();
  text.replace(text.find("\"12\""), 4, "\"14\"");
  EXPECT_THROW(fresh_backend()->learn_planning(text), InputError);
  text.replace(text.find("\"14\""), 4, "\"999999999\"");
  EXPECT_THROW(fresh_backend()->learn_planning(text), InputError);
}

} // namespace
} // namespace ptychoscale
