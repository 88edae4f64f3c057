#pragma once

#include <stdexcept>
#include <string>

namespace ptychoscale {

/// The user's input cannot be used; `what()` is one line: what, where, the value, what would be valid. Exit
/// code 2.
class InputError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// The run itself went wrong although its input was valid (a failed check, a broken library call). Exit
/// code 1.
class RunError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// There is too little memory; `what()` says for what, how much was asked for and how much there is.
class OutOfMemory : public RunError {
public:
  using RunError::RunError;
};

} // namespace ptychoscale
