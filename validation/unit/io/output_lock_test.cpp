#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/output_lock.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace ptychoscale::test {
namespace {

void expect_refused(const std::filesystem::path& file) {
  try {
    const OutputLock second(file);
    ADD_FAILURE() << "two runs write one file";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find(file.string() + "': another run is writing it"), std::string::npos)
        << e.what();
  }
}

TEST(OutputLock, IsOneRunsAtATimeAndLeavesNothing) {
  const ScratchFolder directory;
  const auto file = directory / "out.h5";
  std::optional<OutputLock> first(file);
  EXPECT_TRUE(first->effective());
  const OutputLock other(directory / "other.h5");
  expect_refused(file);
  expect_refused(file); // the first refusal took nothing away
  first.reset();
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".lock"));
  first.emplace(file);
  expect_refused(file);
}

TEST(OutputLock, OfAKilledRunStopsNobody) {
  const ScratchFolder directory;
  std::ofstream(directory / "out.h5.lock") << "";
  const OutputLock lock(directory / "out.h5");
  expect_refused(directory / "out.h5");
}

TEST(OutputLock, InNoFolderIsAnInputError) {
  const ScratchFolder directory;
  EXPECT_THROW((void)OutputLock(directory / "missing" / "out.h5"), InputError);
}

} // namespace
} // namespace ptychoscale::test
