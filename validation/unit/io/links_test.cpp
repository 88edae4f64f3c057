#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/readers_metadata.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>

namespace ptychoscale::test {
namespace {

/// Parts of a dataset that lie elsewhere, or should.
class Links : public testing::Test {
protected:
  Links() { write_small_dataset(file); }

  void change(const std::function<void(hid_t)>& how) {
    const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_write);
    how(handle);
  }
  void expect_refused(const std::vector<std::string>& parts) const {
    const auto message = message_of<InputError>([&] { const DatasetReader reader(file); });
    for (const auto& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
  /// Makes the patterns a view of `dataset` in `source`.
  void make_view(const std::string& source, const std::string& dataset) {
    change([&](hid_t f) {
      ASSERT_GE(H5Ldelete(f, patterns, H5P_DEFAULT), 0);
      const hdf5::Handle space = hdf5::create_space({2, 3, 6, 8});
      const hdf5::Handle properties = hdf5::create_dataset_properties();
      ASSERT_GE(H5Pset_virtual(properties, space, source.c_str(), dataset.c_str(), space), 0);
      const auto view = hdf5::create_dataset(f, patterns, H5T_IEEE_F32LE, {2, 3, 6, 8}, properties);
    });
  }

  static constexpr const char* patterns = "dataset/datacube/data";
  ScratchFolder directory;
  std::filesystem::path file = directory / "small.h5";
};

TEST_F(Links, AnExternalOneThatLeadsNowhereIsNamedWithItsTarget) {
  change([](hid_t f) {
    H5Ldelete(f, patterns, H5P_DEFAULT);
    H5Lcreate_external("raw.h5", "/scan/data", f, patterns, H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused({"small.h5", "'dataset/datacube/data' is a link to '/scan/data' in the file 'raw.h5'",
                  "which is not there"});
}

TEST_F(Links, ABrokenOneOnTheWayIsNamed) {
  change([](hid_t f) {
    H5Ldelete(f, "ptychoscale", H5P_DEFAULT);
    H5Lcreate_soft("/elsewhere", f, "ptychoscale", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused({"'ptychoscale' is a link to '/elsewhere', which is not there"});
}

TEST_F(Links, ATruthThatIsNotWhereItIsSaidToBeIsNoMissingTruth) {
  change([](hid_t f) {
    H5Ldelete(f, "ptychoscale/truth", H5P_DEFAULT);
    H5Lcreate_external("truth.h5", "/truth", f, "ptychoscale/truth", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused({"'ptychoscale/truth' is a link to '/truth' in the file 'truth.h5'"});
}

TEST_F(Links, AViewOfAFileThatIsNotThereIsRefusedAndNotReadAsZeros) {
  make_view("raw.h5", "/frames");
  expect_refused({"'dataset/datacube/data' is a view of '/frames' in the file 'raw.h5', which is not there"});
}

TEST_F(Links, AViewOfADatasetThatIsNotThereIsRefused) {
  write_small_dataset(directory / "raw.h5");
  make_view("raw.h5", "/frames");
  expect_refused({"view of '/frames' in the file 'raw.h5', which has none"});
}

TEST_F(Links, AViewOfAFileBesideItIsRead) {
  write_small_dataset(directory / "raw.h5");
  make_view("raw.h5", "/dataset/datacube/data");
  const DatasetReader reader(file);
  std::vector<float> amplitudes(reader.header().detector.area());
  reader.read_amplitudes(5, amplitudes);
  EXPECT_FLOAT_EQ(amplitudes[7], std::sqrt(small_pattern(5)[7] / 9900));
}

TEST_F(Links, AViewOfItsOwnFileNeedsItsDatasetToo) {
  make_view(".", "/frames");
  expect_refused({"view of '/frames' in the same file, which has none"});
}

TEST_F(Links, APercentSignInANameIsWrittenTwice) {
  make_view("100%%.h5", "/dataset/datacube/data");
  expect_refused({"in the file '100%.h5', which is not there"});
  write_small_dataset(directory / "100%.h5");
  const DatasetReader reader(file);
}

/// Row 0 lies in a file with a number in its name, row 1 in another, which keeps the extent.
void make_view_of_numbered_files(hid_t f, const char* patterns) {
  ASSERT_GE(H5Ldelete(f, patterns, H5P_DEFAULT), 0);
  const hsize_t dims[] = {2, 3, 6, 8};
  const hsize_t max_dims[] = {H5S_UNLIMITED, 3, 6, 8};
  const hdf5::Handle view(H5Screate_simple(4, dims, max_dims), H5Sclose);
  const hdf5::Handle source = hdf5::create_space({2, 3, 6, 8});
  const hdf5::Handle properties = hdf5::create_dataset_properties();
  const hsize_t row[] = {1, 3, 6, 8};
  const hsize_t one[] = {1, 1, 1, 1};
  const hsize_t endless[] = {H5S_UNLIMITED, 1, 1, 1};
  const hsize_t stride[] = {2, 3, 6, 8};
  const hsize_t first[] = {0, 0, 0, 0};
  const hsize_t second[] = {1, 0, 0, 0};
  const auto map = [&](const char* name, const hsize_t* start, const hsize_t* count) {
    ASSERT_GE(H5Sselect_hyperslab(view, H5S_SELECT_SET, start, stride, count, row), 0);
    ASSERT_GE(H5Pset_virtual(properties, view, name, "/dataset/datacube/data", source), 0);
  };
  ASSERT_GE(H5Sselect_hyperslab(source, H5S_SELECT_SET, first, nullptr, one, row), 0);
  map("raw-%b.h5", first, endless);
  ASSERT_GE(H5Sselect_hyperslab(source, H5S_SELECT_SET, second, nullptr, one, row), 0);
  map("last.h5", second, one);
  const hdf5::Handle data(H5Dcreate2(f, patterns, H5T_IEEE_F32LE, view, H5P_DEFAULT, properties, H5P_DEFAULT),
                          H5Dclose);
  ASSERT_GE(data, 0);
}

TEST_F(Links, OfAViewOfNumberedFilesTheOneThatIsNotThereIsNamed) {
  change([](hid_t f) { make_view_of_numbered_files(f, patterns); });
  write_small_dataset(directory / "last.h5");
  expect_refused({"view of '/dataset/datacube/data' in the file 'raw-0.h5', which is not there"});
  write_small_dataset(directory / "raw-0.h5");
  const DatasetReader reader(file);
  std::vector<float> amplitudes(reader.header().detector.area());
  for (const int position : {0, 5}) {
    reader.read_amplitudes(position, amplitudes);
    EXPECT_FLOAT_EQ(amplitudes[7], std::sqrt(small_pattern(position)[7] / 9900));
  }
}

TEST_F(Links, WhatOtherProgramsReadIsCompared) {
  const auto wrong = [&] { return wrong_readers_metadata(file, DatasetReader(file).header()); };
  EXPECT_TRUE(wrong().empty());
  change([](hid_t f) {
    const auto q = hdf5::open_dataset(f, "dataset/metadatabundle/calibration/Q_pixel_size");
    const double other = 0.5;
    H5Dwrite(q, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &other);
    H5Ldelete(f, "dataset/datacube/dim3", H5P_DEFAULT);
  });
  const auto found = wrong();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], "dataset/metadatabundle/calibration/Q_pixel_size = 0.5, not 0.3333333333333333");
  EXPECT_EQ(found[1], "dataset/datacube/dim3 is missing, or of another type");
}

TEST_F(Links, UnequalStepsAreNotedForPy4DSTEM) {
  const auto note = py4dstem_note(small_header());
  ASSERT_TRUE(note);
  EXPECT_NE(note->find("steps 1.1 A"), std::string::npos) << *note;
  EXPECT_NE(note->find("along x they are 0.9 A"), std::string::npos) << *note;
  const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_only);
  EXPECT_GT(H5Lexists(handle, "dataset/metadatabundle/calibration/note", H5P_DEFAULT), 0);
  auto square = small_header();
  square.scan_step_A.x = square.scan_step_A.y;
  square.detector = {8, 8};
  square.pixel = {0.4, 0.4};
  EXPECT_FALSE(py4dstem_note(square));
}

} // namespace
} // namespace ptychoscale::test
