/// A library that crashes on a damaged file must not take the program along.
#include "first_read.hpp"
#include "ptychoscale/base/error.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace ptychoscale {
namespace {

/// What is said of a file whose reading does this; empty when nothing is.
template <class Read> std::string said_of(const Read& read) {
  try {
    read_first_in_a_child("file.h5", read);
    return {};
  } catch (const InputError& e) {
    return e.what();
  }
}

TEST(FirstRead, ACrashIsAnErrorThatNamesTheFile) {
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT}) {
    const auto said = said_of([=] { std::raise(number); });
    EXPECT_TRUE(said.starts_with("'file.h5': is damaged: the HDF5 library crashes on it (")) << said;
  }
  EXPECT_NE(said_of([] { std::abort(); }).find("Aborted"), std::string::npos);
  EXPECT_NE(said_of([] { _exit(1); }).find("has left the process"), std::string::npos);
}

TEST(FirstRead, AnEndlessReadIsOne) {
  EXPECT_NE(said_of([] { std::raise(SIGXCPU); }).find("reading its header does not end"), std::string::npos);
}

TEST(FirstRead, WhatIsThrownIsLeftToTheReadingThatFollows) {
  EXPECT_EQ(said_of([] { throw InputError("said later"); }), "");
  EXPECT_EQ(said_of([] { throw 1; }), "");
  EXPECT_EQ(said_of([] {}), "");
}

TEST(FirstRead, ChangesNothingHere) {
  int value = 1;
  read_first_in_a_child("file.h5", [&] { value = 2; });
  EXPECT_EQ(value, 1);
}

} // namespace
} // namespace ptychoscale
