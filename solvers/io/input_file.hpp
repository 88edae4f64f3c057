#pragma once

#include "hdf5.hpp"

#include <complex>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ptychoscale {

/// An HDF5 file given by the user. Whatever is missing or of the wrong shape or type throws InputError naming
/// the file, the object, what it is and what would be valid.
class InputFile {
public:
  /// `kind` says what the file should be, e.g. "dataset".
  [[nodiscard]] InputFile(const std::filesystem::path& file, std::string kind);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[noreturn]] void reject(const std::string& message) const;

  [[nodiscard]] bool has(const std::string& object) const;
  /// The same for what may be left out, but throws where a link on the way leads nowhere.
  [[nodiscard]] bool is_there(const std::string& object) const;
  /// Throws when a link on the way to `object` leads nowhere.
  void refuse_broken_link(const std::string& object) const;
  /// Throws when `object` is not there, saying where the link leads that should lead to it. `kind` is "group"
  /// or "dataset".
  void require(const std::string& object, std::string_view kind) const;
  /// Throws when the group `object` is missing or lacks the attribute schema_version with this value.
  void require_schema(const std::string& object, std::int64_t version) const;

  /// Throws, too, when it is a view (a virtual dataset) of a file or dataset that is not there: the library
  /// would read zeros.
  [[nodiscard]] hdf5::Handle dataset(const std::string& name) const;
  [[nodiscard]] hdf5::Shape shape(const std::string& name) const;
  /// `meaning` explains the expected shape in words.
  void require_shape(const std::string& name, const hdf5::Shape& expected, const std::string& meaning) const;
  void require_rank(const std::string& name, std::size_t rank, const std::string& meaning) const;
  /// As numpy names it.
  [[nodiscard]] std::string type_name(const std::string& name) const;
  /// `names` are what type_name() may say.
  void require_type(const std::string& name, const std::vector<std::string>& names) const;

  /// @name Datasets read whole
  /// @{
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const;
  /// Exactly; of type uint64.
  [[nodiscard]] std::vector<std::uint64_t> unsigned_numbers(const std::string& name) const;
  [[nodiscard]] std::vector<std::complex<float>> complex_numbers(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name) const;
  [[nodiscard]] bool boolean(const std::string& name) const;
  /// Numbers 0 and 1, or booleans.
  [[nodiscard]] std::vector<std::uint8_t> flags(const std::string& name) const;
  [[nodiscard]] std::string text(const std::string& name) const;
  /// @}

  /// @name Attributes of an object
  /// @{
  [[nodiscard]] bool has_attribute(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::vector<double> attribute_numbers(const std::string& object, const std::string& name,
                                                      std::size_t count) const;
  [[nodiscard]] double attribute_number(const std::string& object, const std::string& name) const;
  /// A whole number between `low` and `high`.
  [[nodiscard]] int attribute_integer(const std::string& object, const std::string& name, int low,
                                      int high) const;
  [[nodiscard]] std::uint64_t attribute_unsigned(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::string attribute_text(const std::string& object, const std::string& name) const;
  /// @}

private:
  [[nodiscard]] hdf5::Handle attribute(const std::string& object, const std::string& name) const;
  void require_numeric(hid_t type, const std::string& what) const;
  /// Number of values of a dataset; one that the file cannot hold is damage, and no memory is asked for it.
  [[nodiscard]] std::size_t count_that_can_be(hid_t data, const std::string& name) const;

  std::string name_;
  std::string kind_;
  hdf5::Handle file_;
};

/// "[2, 3, 64, 64]".
[[nodiscard]] std::string to_text(const hdf5::Shape& shape);

} // namespace ptychoscale
