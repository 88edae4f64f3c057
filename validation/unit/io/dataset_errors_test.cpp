#include "hdf5.hpp"
#include "ptychoscale/base/error.hpp"
#include "small_dataset.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>

namespace ptychoscale::test {
namespace {

/// One line that names the file and says what it must.
void expect_error(const std::string& message, const std::filesystem::path& file,
                  const std::vector<std::string>& parts) {
  EXPECT_NE(message.find(file.string()), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n in: " << message;
}

void expect_rejected(const std::filesystem::path& file, const std::vector<std::string>& parts) {
  expect_error(message_of<InputError>([&] { const DatasetReader reader(file); }), file, parts);
}

void remove_object(hid_t file, const char* name) { ASSERT_GE(H5Ldelete(file, name, H5P_DEFAULT), 0); }

/// Puts a dataset of another type or shape where one was.
void replace(hid_t file, const char* name, hid_t type, const hdf5::Shape& shape) {
  remove_object(file, name);
  const hdf5::Handle other = hdf5::create_contiguous(file, name, type, shape);
}

/// Opens a good dataset, lets `damage` change it, and expects the reader to complain.
void expect_damage_found(const std::function<void(hid_t)>& damage, const std::vector<std::string>& parts) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  write_small_dataset(file);
  {
    const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_write);
    damage(handle);
  }
  expect_rejected(file, parts);
}

void write_count(const std::filesystem::path& file, const std::array<hsize_t, 4>& where, float value) {
  const hdf5::Handle handle = hdf5::open_file(file, hdf5::Access::read_write);
  const hdf5::Handle data = hdf5::open_dataset(handle, "dataset/datacube/data");
  const hdf5::Handle space(H5Dget_space(data), H5Sclose);
  const hdf5::Handle one = hdf5::create_space({1});
  ASSERT_GE(H5Sselect_elements(space, H5S_SELECT_SET, 1, where.data()), 0);
  ASSERT_GE(H5Dwrite(data, H5T_NATIVE_FLOAT, one, space, H5P_DEFAULT, &value), 0);
}

TEST(BadDataset, Missing) {
  const ScratchFolder directory;
  expect_rejected(directory / "none.h5", {"no such file", "expected a dataset"});
}

TEST(BadDataset, Directory) {
  const ScratchFolder directory;
  std::filesystem::create_directory(directory / "folder");
  expect_rejected(directory / "folder", {"is a directory"});
}

TEST(BadDataset, NotHdf5) {
  const ScratchFolder directory;
  std::ofstream(directory / "text.h5") << "not a dataset";
  expect_rejected(directory / "text.h5", {"is not an HDF5 file"});
  std::ofstream(directory / "empty.h5").flush();
  expect_rejected(directory / "empty.h5", {"is not an HDF5 file"});
}

TEST(BadDataset, Truncated) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  write_small_dataset(file);
  const std::uintmax_t whole = std::filesystem::file_size(file);
  for (const std::uintmax_t size : {whole - 1, whole / 2, std::uintmax_t{100}, std::uintmax_t{8}}) {
    std::filesystem::resize_file(file, size);
    expect_rejected(file, {"is damaged or truncated"});
  }
}

TEST(BadDataset, Unfinished) {
  const ScratchFolder directory;
  { DatasetWriter writer(directory / "small.h5", small_header(), CountType::float32, false); }
  expect_rejected((directory / "small.h5").string() + ".partial",
                  {"'ptychoscale'", "no attribute 'content_hash'", "unfinished"});
}

TEST(BadDataset, MadeByAnotherProgram) {
  expect_damage_found([](hid_t f) { remove_object(f, "ptychoscale"); }, {"no group 'ptychoscale'"});
  expect_damage_found([](hid_t f) { remove_object(f, "dataset"); }, {"no dataset 'dataset/datacube/data'"});
}

TEST(BadDataset, LacksAField) {
  for (const std::string field : {"ptychoscale/positions_A", "dataset/metadatabundle/microscope/energy_eV",
                                  "dataset/metadatabundle/microscope/C10_A", "dataset/datacube/data"}) {
    expect_damage_found([&](hid_t f) { remove_object(f, field.c_str()); }, {"no dataset '" + field + "'"});
  }
}

TEST(BadDataset, LacksAnAttribute) {
  for (const std::string name : {"schema_version", "case_name", "electrons_per_pattern", "pixel_A",
                                 "scan_step_A", "slices", "slice_thickness_A", "volume", "content_hash"}) {
    expect_damage_found([&](hid_t f) { H5Adelete_by_name(f, "ptychoscale", name.c_str(), H5P_DEFAULT); },
                        {"'ptychoscale' has no attribute '" + name + "'"});
  }
}

TEST(BadDataset, AttributeOfWrongTypeOrCount) {
  expect_damage_found(
      [](hid_t f) {
        H5Adelete_by_name(f, "ptychoscale", "slices", H5P_DEFAULT);
        const hdf5::Handle own(H5Gopen2(f, "ptychoscale", H5P_DEFAULT), H5Gclose);
        hdf5::write_attribute(own, "slices", std::string("three"));
      },
      {"attribute 'slices'", "string", "expected numbers"});
  expect_damage_found(
      [](hid_t f) {
        H5Adelete_by_name(f, "ptychoscale", "pixel_A", H5P_DEFAULT);
        const hdf5::Handle own(H5Gopen2(f, "ptychoscale", H5P_DEFAULT), H5Gclose);
        hdf5::write_attribute(own, "pixel_A", 0.5);
      },
      {"attribute 'pixel_A'", "has 1 values, expected 2"});
}

TEST(BadDataset, OfAnUnknownSchema) {
  expect_damage_found(
      [](hid_t f) {
        H5Adelete_by_name(f, "ptychoscale", "schema_version", H5P_DEFAULT);
        const hdf5::Handle own(H5Gopen2(f, "ptychoscale", H5P_DEFAULT), H5Gclose);
        hdf5::write_attribute(own, "schema_version", std::int64_t{7});
      },
      {"'schema_version' of 'ptychoscale' = 7, expected 1"});
}

TEST(BadDataset, PatternsOfWrongTypeOrShape) {
  expect_damage_found(
      [](hid_t f) {
        replace(f, "dataset/datacube/data", H5T_STD_I32LE, {2, 3, 6, 8});
      },
      {"'dataset/datacube/data' has type int32, expected float32 or float16 or uint16"});
  expect_damage_found(
      [](hid_t f) {
        replace(f, "dataset/datacube/data", H5T_IEEE_F32LE, {6, 6, 8});
      },
      {"'dataset/datacube/data' has shape [6, 6, 8], expected 4 dimensions"});
  expect_damage_found(
      [](hid_t f) {
        replace(f, "dataset/datacube/data", H5T_IEEE_F32LE, {3, 3, 6, 8});
      },
      {"'ptychoscale/positions_A' has shape [6, 2], expected [9, 2]", "3 x 3 scan"});
}

TEST(BadDataset, ProbeOfWrongExtentOrType) {
  const std::vector<std::complex<float>> probe(64);
  expect_damage_found(
      [&](hid_t f) {
        remove_object(f, "ptychoscale/probe");
        hdf5::write_array(f, "ptychoscale/probe", probe, {8, 8});
      },
      {"'ptychoscale/probe' has shape [8, 8], expected [6, 8]"});
  expect_damage_found(
      [&](hid_t f) {
        replace(f, "ptychoscale/probe", H5T_IEEE_F32LE, {6, 8});
      },
      {"'ptychoscale/probe' has type float32, expected complex numbers"});
  expect_damage_found(
      [&](hid_t f) {
        remove_object(f, "ptychoscale/probe");
        hdf5::write_array(f, "ptychoscale/probe", std::span(probe).first(48), {6, 8});
      },
      {"sum |probe|^2 = 0, expected 1"});
}

TEST(BadDataset, ProbeOfModesThatCannotBe) {
  const auto with_probe = [](const std::vector<std::complex<float>>& values, const hdf5::Shape& shape) {
    return [=](hid_t f) {
      remove_object(f, "ptychoscale/probe");
      hdf5::write_array(f, "ptychoscale/probe", values, shape);
    };
  };
  const auto modes = [](std::initializer_list<double> powers) {
    std::vector<std::complex<float>> all;
    for (const double power : powers) all.insert(all.end(), 48, static_cast<float>(std::sqrt(power / 48)));
    return all;
  };
  std::vector<std::complex<float>> nine(9UL * 48);
  expect_damage_found(with_probe(nine, {9, 6, 8}), {"has shape [9, 6, 8], expected 1 to 8 modes"});
  expect_damage_found(with_probe(modes({0.7, 0.3}), {2, 8, 6}), {"has shape [2, 8, 6], expected [2, 6, 8]"});
  expect_damage_found(with_probe(modes({1, 0}), {2, 6, 8}),
                      {"mode 1 of probe has sum |probe|^2 = 0 after 1 ", "expected more than 0"});
  expect_damage_found(with_probe(modes({0.3, 0.7}), {2, 6, 8}), {"= 0.7 after 0.3 ", "the strongest first"});
  expect_damage_found(with_probe(modes({0.7, 0.4}), {2, 6, 8}), {"sum |probe|^2 = 1.1", "expected 1"});
}

TEST(BadDataset, TruthOfWrongShape) {
  expect_damage_found(
      [](hid_t f) {
        replace(f, "ptychoscale/truth/potential", H5T_IEEE_F32LE, {4, 20, 24});
      },
      {"'ptychoscale/truth/potential' has shape [4, 20, 24], expected [3, 20, 24]"});
}

/// Replaces scan and positions by `positions`, one row.
void set_positions(hid_t f, const std::vector<double>& positions) {
  const hsize_t n = positions.size() / 2;
  remove_object(f, "ptychoscale/positions_A");
  hdf5::write_array(f, "ptychoscale/positions_A", positions, {n, 2});
  replace(f, "dataset/datacube/data", H5T_IEEE_F32LE, {1, n, 6, 8});
}

TEST(BadDataset, ZeroOrOnePosition) {
  expect_damage_found([](hid_t f) { set_positions(f, {}); },
                      {"'dataset/datacube/data' has shape [1, 0, 6, 8]"});
  expect_damage_found(
      [](hid_t f) {
        set_positions(f, {4, 4});
      },
      {"scan.rows x scan.columns = 1, expected at least two positions"});
}

TEST(BadDataset, PositionOutsideTheVolume) {
  expect_damage_found(
      [](hid_t f) {
        set_positions(f, {4, 4, 4, 9.5});
      },
      {"position 1 at (y, x) = (4, 9.5) A is outside the volume", "x in [-0.2, 9.4"});
  expect_damage_found(
      [](hid_t f) {
        set_positions(f, {-0.3, 4, 4, 4});
      },
      {"position 0", "y in [-0.25, 9.75)"});
  expect_damage_found([](hid_t f) { set_positions(f, {4, 4, std::nan(""), 4}); }, {"position 1", "nan"});
}

TEST(BadDataset, CountThatCannotBe) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1.5F}) {
    const ScratchFolder directory;
    const auto file = directory / "small.h5";
    write_small_dataset(file);
    write_count(file, {1, 2, 4, 7}, bad);
    const DatasetReader reader(file);
    std::vector<float> amplitudes(reader.header().detector.area());
    reader.read_amplitudes(4, amplitudes); // its neighbours are fine
    const std::string message = message_of<InputError>([&] { reader.read_amplitudes(5, amplitudes); });
    expect_error(message, file, {"position 5 (scan row 1, column 2)", "pixel (ky, kx) = (4, 7)", "counts"});
  }
}

TEST(BadInputToWriter, Header) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  const auto message = [&](const std::function<void(DatasetHeader&)>& change) {
    DatasetHeader h = small_header();
    change(h);
    return message_of<InputError>([&] { const DatasetWriter writer(file, h, CountType::float32, false); });
  };
  expect_error(message([](DatasetHeader& h) { h.positions_A[2].x = 50; }), file,
               {"position 2", "outside the volume"});
  expect_error(message([](DatasetHeader& h) { h.positions_A.pop_back(); }), file,
               {"has 5 positions, expected 6"});
  expect_error(message([](DatasetHeader& h) { h.probe.pop_back(); }), file, {"probe has 47 pixels"});
  expect_error(message([](DatasetHeader& h) { h.energy_eV = 0; }), file,
               {"energy_eV = 0, expected from 10000 to 1000000 (eV, not keV)"});
  expect_error(message([](DatasetHeader& h) { h.dose_e_per_A2 = -1; }), file, {"dose_e_per_A2 = -1"});
  expect_error(message([](DatasetHeader& h) { h.slices = 0; }), file, {"slices = 0"});
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".partial"));
}

TEST(BadInputToWriter, Counts) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  DatasetWriter writer(file, small_header(), CountType::uint16, false);
  std::vector<float> counts = small_pattern(0);
  counts[11] = 65536;
  expect_error(message_of<InputError>([&] { writer.write_pattern(3, counts); }), file,
               {"position 3, pixel (ky, kx) = (1, 3) counts 65536, expected 0 to 65535 for uint16"});
  counts[11] = -1;
  expect_error(message_of<InputError>([&] { writer.write_pattern(3, counts); }), file, {"counts -1"});
  EXPECT_FALSE(writer.has_pattern(3));
}

TEST(BadInputToWriter, FileThatAnotherRunIsWriting) {
  const ScratchFolder directory;
  const auto file = directory / "small.h5";
  DatasetWriter first(file, small_header(), CountType::float32, false);
  for (int p = 0; p < 6; ++p) first.write_pattern(p, small_pattern(p));
  DatasetHeader other = small_header();
  other.seed += 1;
  expect_error(
      message_of<InputError>([&] { const DatasetWriter second(file, other, CountType::float32, false); }),
      file, {"another run is writing it"});
  first.finish();
  EXPECT_NO_THROW(const DatasetReader whole(file));
}

TEST(BadInputToWriter, Path) {
  const ScratchFolder directory;
  const auto in_missing = directory / "none/small.h5";
  expect_error(message_of<InputError>([&] {
                 const DatasetWriter writer(in_missing, small_header(), CountType::float32, false);
               }),
               in_missing, {"cannot create", "No such file or directory", "writable directory"});
  std::filesystem::create_directory(directory / "folder");
  expect_error(message_of<InputError>([&] {
                 const DatasetWriter writer(directory / "folder", small_header(), CountType::float32, false);
               }),
               directory / "folder", {"is a directory"});
}

} // namespace
} // namespace ptychoscale::test
