# The checkout that this recipe is part of is what is built; the commit is the one that is checked out.
from pathlib import Path

from spack.package import *


class Ptychoscale(CMakePackage, CudaPackage):
    """Benchmark and reproducibility suite for parallel multislice electron ptychography."""

    homepage = "https://arxiv.org/abs/2205.06327"
    git = Path(__file__).resolve().parents[4].as_uri()

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("native", default=True, description="Tune for the processor of the machine that builds")
    variant("tests", default=False, description="Build tests and benchmarks of kernels")
    variant("harness", default=True, description="Python packages for the commands about many runs")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5 +mpi")
    depends_on("fftw@3.3: precision=float,double ~mpi")
    depends_on("highway@1.0.3:")
    depends_on("nlohmann-json")
    depends_on("cli11")
    depends_on("fmt@9:")
    depends_on("googletest", when="+tests")
    depends_on("benchmark", when="+tests")
    with when("+harness"):
        depends_on("python@3.11:", type="run")
        for package in ("h5py", "jinja2", "jsonschema", "matplotlib", "numpy", "scipy"):
            depends_on(f"py-{package}", type="run")

    conflicts("%gcc@:11")
    conflicts("%clang@:15")
    conflicts("cuda_arch=none", when="+cuda", msg="say for which GPUs, for example cuda_arch=80")

    generator("ninja")

    def cmake_args(self):
        args = [
            self.define_from_variant("PTYCHOSCALE_CUDA", "cuda"),
            self.define_from_variant("PTYCHOSCALE_NATIVE", "native"),
            self.define_from_variant("PTYCHOSCALE_TESTS", "tests"),
        ]
        if self.spec.satisfies("+cuda"):
            args.append(self.define("CMAKE_CUDA_ARCHITECTURES", [f"{arch}-real" for arch in self.spec.variants["cuda_arch"].value]))
        return args

    def setup_run_environment(self, env):
        if self.spec.satisfies("+harness"):
            env.set("PTYCHOSCALE_PYTHON", self.spec["python"].command.path)
