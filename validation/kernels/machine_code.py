"""What the GPU's compiler has made of the fused kernels, read from their object files with CUDA's cuobjdump."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
# _ZN11ptychoscale4cuda...15transmit_kernelILi512EEEvNS0_12TransmitRowsE: the argument tells kernels of one name apart.
NAME = re.compile(r"_kernelILi(?P<length>\d+)EEEvNS0_\d+(?P<job>\w+)E$")
FUNCTION_OF_CODE = re.compile(r"Function : (\S+)")
FUNCTION_OF_RESOURCES = re.compile(r"Function (\S+):")
RESOURCES = re.compile(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)")
ARCHITECTURE = re.compile(r"^\s*code for (sm_\w+)$", re.MULTILINE)
INSTRUCTION = re.compile(r"\s+/\*(?P<at>[0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?(?P<name>[A-Z][A-Z0-9_.]*)(?P<operands>[^;]*);")
CALLS = ("CALL", "BRX", "JMP")


class NoTool(Exception):
    """Why there is nothing here to read machine code with; one line."""


class NotReadable(Exception):
    """Why the machine code cannot be what it should be; one line."""


@dataclass
class Code:
    """One kernel's machine code."""

    registers: int = 0
    stack: int = 0  # bytes
    local: int = 0  # bytes
    shared: int = 0  # bytes, of a size that the compiler knows
    instructions: int = 0  # without those that only fill up
    loads: int = 0  # of global memory
    stores: int = 0
    spills: int = 0  # accesses of local memory
    jumps_back: list[str] = field(default_factory=list)  # addresses from which code runs again, or elsewhere


@dataclass
class Cubin:
    """The kernels of one architecture by (job, length)."""

    architecture: str
    kernels: dict[tuple[str, int], Code]


def key_of(function: str) -> tuple[str, int] | None:
    """Which fused kernel it is, or none."""
    found = NAME.search(function)
    return (found["job"], int(found["length"])) if found else None


def count(code: Code, at: str, name: str, operands: str) -> None:
    if name == "NOP":
        return
    code.instructions += 1
    kind = name.split(".")[0]
    code.loads += kind == "LDG"
    code.stores += kind == "STG"
    code.spills += kind in ("LDL", "STL")
    target = re.search(r"0x([0-9a-f]+)", operands) if kind == "BRA" else None
    # Code ends with a jump to itself, which nothing reaches.
    if kind in CALLS or (target and int(target[1], 16) < int(at, 16)):
        code.jumps_back.append(at)


def read_code(text: str) -> dict[tuple[str, int], Code]:
    """What `cuobjdump -sass` prints."""
    kernels: dict[tuple[str, int], Code] = {}
    code = None
    for line in text.splitlines():
        if found := FUNCTION_OF_CODE.search(line):
            key = key_of(found[1])
            code = kernels.setdefault(key, Code()) if key else None
        elif code is not None and (found := INSTRUCTION.match(line)):
            count(code, found["at"], found["name"], found["operands"])
    return kernels


def add_resources(kernels: dict[tuple[str, int], Code], text: str) -> None:
    """What `cuobjdump -res-usage` prints."""
    code = None
    for line in text.splitlines():
        if found := FUNCTION_OF_RESOURCES.search(line):
            code = kernels.get(key_of(found[1]))
        if code is not None and (found := RESOURCES.search(line)):
            code.registers, code.stack, code.shared, code.local = map(int, found.groups())
            code = None


def read(code: str, resources: str) -> Cubin:
    """The kernels of one object file."""
    architectures = sorted(set(ARCHITECTURE.findall(code)))
    if len(architectures) != 1:
        raise NotReadable(f"cuobjdump shows machine code for {', '.join(architectures) or 'no architecture'} where there should be one")
    kernels = read_code(code)
    add_resources(kernels, resources)
    bare = [f"{job} {length}" for (job, length), kernel in kernels.items() if not kernel.registers or not kernel.instructions]
    if bare:
        raise NotReadable(f"cuobjdump shows no registers or no instructions of {', '.join(bare)}")
    return Cubin(architectures[0], kernels)


def dump(tool: str, file: Path) -> Cubin:
    """Asks cuobjdump; nvdisasm, which it calls, may lie beside it."""
    environment = {**os.environ, "PATH": f"{Path(tool).parent}:{os.environ.get('PATH', '')}"}
    texts = []
    for what in ("-sass", "-res-usage"):
        done = subprocess.run([tool, what, file], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            raise NotReadable(f"{tool} {what} {file}: {last}")
        texts.append(done.stdout)
    return read(*texts)


def find_cuobjdump(nvcc: Path, fetched: Path) -> str:
    """In PATH, beside nvcc, or as fetched before; fetched now where it is nowhere."""
    places = [nvcc.resolve().parent, *fetched.glob("nvidia/*/bin")]
    path = ":".join([os.environ.get("PATH", ""), *map(str, places)])
    if tool := shutil.which("cuobjdump", path=path):
        return tool
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade", "--target", fetched]
    done = subprocess.run([*command, "-r", HERE / "requirements.txt"], capture_output=True, text=True)
    tools = [tool for folder in fetched.glob("nvidia/*/bin") if (tool := shutil.which("cuobjdump", path=str(folder)))]
    if done.returncode != 0 or not tools:
        why = (done.stderr.strip().splitlines() or ["it holds no such program"])[-1]
        raise NoTool(f"there is no cuobjdump in PATH or beside {nvcc}, and pip cannot get it ({why})")
    return tools[0]
