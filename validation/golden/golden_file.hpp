#pragma once

#include <complex>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace ptychoscale {

/// An HDF5 file of reference results: parameters as attributes of the root, arrays as datasets. Everything
/// missing, of another type or of another shape is an InputError naming file and field.
class GoldenFile {
public:
  [[nodiscard]] explicit GoldenFile(const std::filesystem::path& file);
  ~GoldenFile();
  GoldenFile(const GoldenFile&) = delete;
  GoldenFile& operator=(const GoldenFile&) = delete;

  [[nodiscard]] std::vector<double> numbers(const std::string& attribute, std::size_t count) const;
  [[nodiscard]] double number(const std::string& attribute) const { return numbers(attribute, 1).front(); }
  [[nodiscard]] double number(const std::string& attribute, double otherwise) const;
  [[nodiscard]] std::string text(const std::string& attribute) const;
  /// A number attribute of a group or dataset.
  [[nodiscard]] double number_of(const std::string& object, const std::string& attribute) const;

  [[nodiscard]] bool has(const std::string& dataset) const;
  /// Length of a dataset's first axis.
  [[nodiscard]] std::size_t count(const std::string& dataset) const;
  [[nodiscard]] std::vector<double> reals(const std::string& dataset,
                                          const std::vector<std::size_t>& shape) const;
  [[nodiscard]] std::vector<std::complex<double>> complexes(const std::string& dataset,
                                                            const std::vector<std::size_t>& shape) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
