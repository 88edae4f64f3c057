"""A small scan for the tests of `import`, and the same scan in every kind of file, written by the libraries that people use."""

import importlib

import h5py
import numpy as np

SCAN, DETECTOR, CENTRE, RADIUS = (4, 5), (24, 22), (11, 10), 6.0
OPTIONS = "--energy 200keV --semiangle 20mrad --scan-step 1A --defocus 10nm --electrons-per-count 1".split()


def scan_of(shape=SCAN, detector=DETECTOR, centre=CENTRE, seed=1) -> np.ndarray:
    """Counts uint16 [scan_y][scan_x][ky][kx]: a disk with noise, brighter towards one side so that no axis can be exchanged."""
    ky, kx = np.indices(detector)
    inside = np.hypot(ky - centre[0], kx - centre[1]) < RADIUS
    mean = np.where(inside, 40.0 + 0.3 * ky, 0.5)
    return np.random.default_rng(seed).poisson(mean, (*shape, *detector)).astype(np.uint16)


def npy(folder, cube):
    np.save(folder / "scan.npy", cube)
    return [folder / "scan.npy"]


def npy_fortran(folder, cube):
    np.save(folder / "fortran.npy", np.asfortranarray(cube))
    return [folder / "fortran.npy"]


def npy_other_bytes_and_order(folder, cube):
    np.save(folder / "turned.npy", cube.transpose(2, 3, 0, 1).astype(">u2"))
    return [folder / "turned.npy", "--axes", "ky,kx,scan_y,scan_x"]


def npz(folder, cube):
    np.savez(folder / "stored.npz", dp=cube, step=1.0)
    return [folder / "stored.npz"]


def npz_compressed(folder, cube):
    np.savez_compressed(folder / "compressed.npz", dp=cube, other=np.zeros((2, 2, 2)))
    return [f"{folder / 'compressed.npz'}::dp"]


def raw(folder, cube):
    (folder / "scan.raw").write_bytes(b"header!" + cube.astype(">u2").tobytes())
    return [folder / "scan.raw", "--shape", ",".join(map(str, cube.shape)), "--dtype", ">u2", "--header-bytes", "7"]


def hdf5(folder, cube):
    with h5py.File(folder / "scan.h5", "w") as file:
        file["other/image"] = np.zeros((4, 4))
        file.create_dataset("entry/data", data=cube.astype(">u2"), chunks=(2, 2, 24, 11), compression="gzip", shuffle=True)
    return [folder / "scan.h5"]


def hdf5_list(folder, cube):
    with h5py.File(folder / "list.h5", "w") as file:
        file["a/dp"] = cube.reshape(-1, *cube.shape[2:])
        file["b/dp"] = np.zeros((2, 3, 4))
    return [folder / "list.h5", "--path", "a/dp", "--scan", f"{cube.shape[0]},{cube.shape[1]}"]


def hdf5_virtual(folder, cube):
    layout = h5py.VirtualLayout(cube.shape, cube.dtype)
    for row, patterns in enumerate(cube):
        with h5py.File(folder / f"row{row}.h5", "w") as file:
            file["dp"] = patterns
        layout[row] = h5py.VirtualSource(f"row{row}.h5", "dp", patterns.shape)
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.create_virtual_dataset("dp", layout)
    return [folder / "virtual.h5"]


def hdf5_external(folder, cube):
    (folder / "numbers.bin").write_bytes(cube.tobytes())
    with h5py.File(folder / "external.h5", "w") as file:
        file.create_dataset("dp", cube.shape, cube.dtype, external=[("numbers.bin", 0, cube.nbytes)])
    return [folder / "external.h5"]


def emd(folder, cube):
    """As py4DSTEM's reader and writer, emdfile, lays it out."""
    import emdfile

    emdfile.save(folder / "cube.emd", emdfile.Array(cube, name="cube", dims=[1.0, 1.0, 0.1, 0.1], dim_units=["A", "A", "pixels", "pixels"]))
    return [folder / "cube.emd"]


def matlab_5(folder, cube):
    import scipy.io

    scipy.io.savemat(folder / "old.mat", {"dp": cube.transpose(2, 3, 0, 1), "note": "x"}, do_compression=True)
    return [folder / "old.mat"]


def matlab_7_3(folder, cube):
    """MATLAB's own header before HDF5, and its axes from the last to the first."""
    with h5py.File(folder / "new.mat", "w", userblock_size=512) as file:
        file["dp"] = cube.transpose(2, 3, 0, 1).transpose()
    with open(folder / "new.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return [folder / "new.mat"]


def zarr_group(folder, cube):
    import zarr

    group = zarr.open_group(folder / "store.zarr", mode="w")
    array = group.create_group("scan").create_array("dp", shape=cube.shape, chunks=(2, 2, *cube.shape[2:]), dtype=cube.dtype)
    array[...] = cube
    return [folder / "store.zarr"]


def zarr_old_and_zipped(folder, cube):
    import zarr

    with zarr.storage.ZipStore(folder / "array.zarr.zip", mode="w") as store:
        array = zarr.create_array(store, shape=cube.shape, chunks=(1, 5, 24, 22), dtype=cube.dtype, zarr_format=2)
        array[...] = cube
    return [folder / "array.zarr.zip"]


def tiff(folder, cube):
    import tifffile

    tifffile.imwrite(folder / "stack.tif", cube.reshape(-1, *cube.shape[2:]), compression="zlib", photometric="minisblack")
    return [folder / "stack.tif", "--scan", f"{cube.shape[0]},{cube.shape[1]}"]


def tiff_in_one_piece(folder, cube):
    import tifffile

    tifffile.imwrite(folder / "piece.tif", cube.astype(">u2"), byteorder=">", photometric="minisblack")
    return [folder / "piece.tif"]


def tiff_folder(folder, cube):
    import tifffile

    (folder / "tiffs").mkdir()
    for i, pattern in enumerate(cube.reshape(-1, *cube.shape[2:])):
        tifffile.imwrite(folder / "tiffs" / f"p{i}.tif", pattern)  # p10 comes after p9, whatever the alphabet says
    return [folder / "tiffs", "--scan", f"{cube.shape[0]},{cube.shape[1]}"]


def nexus(folder, cube):
    """Through rosettasciio, with the microscope's values."""
    axes = [("y", 0.1, "nm", True), ("x", 0.1, "nm", True), ("ky", 1.0, "", False), ("kx", 1.0, "", False)]
    signal = {
        "data": cube,
        "axes": [
            {"_type": "UniformDataAxis", "size": n, "index_in_array": i, "name": name, "scale": scale, "offset": 0, "units": units,
             "navigate": navigate, "is_binned": False}
            for i, (n, (name, scale, units, navigate)) in enumerate(zip(cube.shape, axes, strict=True))
        ],
        "metadata": {
            "General": {"title": "scan"},
            "Signal": {"signal_type": "diffraction"},
            "Acquisition_instrument": {"TEM": {"beam_energy": 200.0, "convergence_angle": 20.0}},
        },
        "original_metadata": {},
        "attributes": {"_lazy": False, "ragged": False},
    }  # fmt: skip
    importlib.import_module("rsciio.nexus").file_writer(str(folder / "scan.nxs"), signal)
    return [folder / "scan.nxs"]


KINDS = [npy, npy_fortran, npy_other_bytes_and_order, npz, npz_compressed, raw, hdf5, hdf5_list, hdf5_virtual, hdf5_external, emd, matlab_5,
         matlab_7_3, zarr_group, zarr_old_and_zipped, tiff, tiff_in_one_piece, tiff_folder, nexus]  # fmt: skip


def content(file) -> dict:
    """Everything of a dataset but what it was imported from, by path; attributes as path@name."""
    found = {}

    def look(name, item):
        found.update({f"{name}@{key}": value for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset) and name != "ptychoscale/imported":
            found[name] = item[...]

    with h5py.File(file, "r") as opened:
        opened.visititems(look)
    return found


def differing(one: dict, other: dict) -> list[str]:
    """Names of what differs between two contents."""
    return [key for key in {**one, **other} if key not in one or key not in other or not np.array_equal(one[key], other[key])]
