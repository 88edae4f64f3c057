"""The gate of the fused kernels without nvcc: what it reads from small pieces of cuobjdump's text, and what it calls a fault."""

import argparse
import dataclasses
import importlib.util
import os
import subprocess
from pathlib import Path

import facts
import hardware
import judgement
import machine_code
import pytest

NVCC, SM_90 = "13.0", "sm_90"
NAME = "_ZN11ptychoscale4cuda46_GLOBAL__N__22bc52df_13_fused_rows_cu_75e9f66815transmit_kernelILi512EEEvNS0_12TransmitRowsE"
CODE = f"""
Fatbin elf code:
================
arch = sm_90
code version = [1,8]

	code for sm_90
		Function : {NAME}
	.headerflags	@"EF_CUDA_SM90 EF_CUDA_VIRTUAL_SM(EF_CUDA_SM90)"
        /*0000*/                   LDC R1, c[0x0][0x28] ;                      /* 0x00000a00ff017b82 */
                                                                               /* 0x000ff00000000800 */
        /*0010*/                   LDG.E R138, desc[UR6][R6.64] ;              /* 0x00000006068a7981 */
        /*0020*/               @P0 LDG.E.64 R4, desc[UR6][R6.64+0x4] ;         /* 0x0000040606047981 */
        /*0030*/              @!P1 BRA 0x60 ;                                  /* 0x0000000000e00947 */
        /*0040*/               @P0 EXIT ;                                      /* 0x000000000000094d */
        /*0050*/                   STG.E.64 desc[UR6][R2.64], R10 ;            /* 0x0000000a02007986 */
        /*0060*/                   EXIT ;                                      /* 0x000000000000794d */
        /*0070*/                   BRA 0x70;                                   /* 0xfffffffc00fc7947 */
        /*0080*/                   NOP;                                        /* 0x0000000000007918 */
"""
RESOURCES = f"""
Resource usage:
 Common:
  GLOBAL:0
 Function {NAME}:
  REG:80 STACK:0 SHARED:1024 LOCAL:0 CONSTANT[0]:608 TEXTURE:0 SURFACE:0 SAMPLER:0
"""
SHAPE = facts.Shape("transmit", "TransmitRows", 512, lines=2, threads=128, memory_bytes=8704, values=8, passes=2.5, rewind_passes=0)
LIMITS = judgement.Limits(NVCC, SM_90, 0.03, {"transmit": {"512": 8}})


def load_gate():
    """The command, as a module."""
    spec = importlib.util.spec_from_file_location("gate_of_kernels", Path(__file__).with_name("__main__.py"))
    gate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gate)
    return gate


def kernel(code=CODE, resources=RESOURCES, shape=SHAPE):
    (found,) = facts.kernels_of([shape], [machine_code.read(code, resources)])
    return found


def found_in(*kernels, limits=LIMITS):
    """What is wrong with kernels, their traffic aside."""
    faults = [fault for kernel in kernels for fault in judgement.faults_of_code(kernel)]
    return faults + judgement.faults_of_instructions(kernels, limits)


def test_code_and_resources_are_read():
    code = kernel().code
    assert (code.registers, code.stack, code.shared, code.local) == (80, 0, 1024, 0)
    assert (code.instructions, code.loads, code.stores, code.spills, code.jumps_back) == (8, 2, 1, 0, [])
    assert found_in(kernel()) == []


@pytest.mark.parametrize(
    ("code", "resources"),
    [
        (CODE, RESOURCES.replace("STACK:0", "STACK:24")),
        (CODE, RESOURCES.replace("LOCAL:0", "LOCAL:8")),
        (CODE.replace("LDC R1, c[0x0][0x28]", "STL.64 [R1+0x8], R4"), RESOURCES),
    ],
)
def test_a_spill_is_found(code, resources):
    (fault,) = found_in(kernel(code, resources))
    assert fault.startswith("transmit 512: spills: ")


def test_a_loop_and_a_call_are_found():
    for instruction in ("@P0 BRA 0x10", "CALL.REL.NOINC 0x70"):
        (fault,) = found_in(kernel(CODE.replace("@P0 EXIT", instruction)))
        assert "a loop or a call (at 0040)" in fault, instruction


@pytest.mark.parametrize("change", [{"threads": 1024}, {"memory_bytes": 120 << 10}])
def test_too_few_blocks_are_found_where_speed_is_judged(change):
    shape = dataclasses.replace(SHAPE, **change)
    (fault,) = found_in(kernel(resources=RESOURCES.replace("REG:80", "REG:64"), shape=shape))
    assert "1 blocks on a multiprocessor, at least 2" in fault
    elsewhere = dataclasses.replace(shape, length=2048)
    code, resources = (text.replace("ILi512E", "ILi2048E") for text in (CODE, RESOURCES.replace("REG:80", "REG:64")))
    assert judgement.faults_of_code(kernel(code, resources, elsewhere)) == []


def test_too_many_instructions_are_found():
    def limits(instructions, room=0.15):
        return dataclasses.replace(LIMITS, room=room, instructions={"transmit": {"512": instructions}})

    assert found_in(kernel(), limits=limits(8)) == []
    assert found_in(kernel(), limits=limits(7)) == []
    (fault,) = found_in(kernel(), limits=limits(7, room=0.1))
    assert fault == "transmit 512: 8 instructions, 14.3 % more than 7; 10 % may be"
    (fault,) = found_in(kernel(), limits=dataclasses.replace(LIMITS, instructions={}))
    assert "no limit" in fault


def test_instructions_of_another_compiler_are_not_judged_and_that_is_said():
    strict = dataclasses.replace(LIMITS, instructions={"transmit": {"512": 1}})
    assert judgement.unchecked([kernel()], strict, NVCC, SM_90) == []
    for nvcc, architecture in (("13.1", SM_90), (NVCC, "sm_120")):
        (reason,) = judgement.unchecked([kernel()], strict, nvcc, architecture)
        assert reason.startswith("instructions: ")
    unknown = kernel(CODE.replace("code for sm_90", "code for sm_77"))
    assert unknown.blocks is None
    assert judgement.unchecked([unknown], LIMITS, NVCC, SM_90) == ["blocks of a multiprocessor: nothing is known of sm_90"]
    assert "?" in facts.table([unknown])[1]


def test_what_cannot_be_read_is_an_error():
    for code, resources in ((CODE.replace("sm_90", ""), RESOURCES), (CODE + "\tcode for sm_80\n", RESOURCES), (CODE, "")):
        with pytest.raises(machine_code.NotReadable):
            machine_code.read(code, resources)
    with pytest.raises(KeyError):
        facts.kernels_of([dataclasses.replace(SHAPE, length=64)], [machine_code.read(CODE, RESOURCES)])


@pytest.fixture(scope="module")
def shapes():
    return facts.read_shapes(Path(os.environ["FUSED_KERNEL_SHAPES"]))


def test_every_kernel_reads_and_writes_what_its_verb_needs(shapes):
    needed = {"transmit": 2.5, "propagate": 2, "transmit_adjoint": 4.5, "transform_rows": 2, "transform_columns": 2}
    assert {shape.verb for shape in shapes} == set(needed)
    for shape in shapes:
        assert shape.passes == needed[shape.verb], shape
        assert shape.rewind_passes == (5.5 if shape.verb == "transmit_adjoint" else 0), shape
    assert judgement.faults_of_traffic(shapes) == []


@pytest.mark.parametrize(("verb", "faults"), [("transmit", 3), ("propagate", 3), ("transmit_adjoint", 1)])
def test_one_more_byte_per_pixel_is_found(shapes, verb, faults):
    more = [dataclasses.replace(s, passes=s.passes + 1 / 8) if (s.verb, s.length) == (verb, 168) else s for s in shapes]
    found = judgement.faults_of_traffic(more)
    assert len(found) == faults
    assert all(fault.startswith("168: ") for fault in found)


def test_every_kernel_has_a_limit(shapes):
    limits = judgement.read_limits()
    lengths = {verb: set(map(int, of)) for verb, of in limits.instructions.items()}
    assert lengths == {shape.verb: {s.length for s in shapes if s.verb == shape.verb} for shape in shapes}


def test_limits_are_read_as_they_are_written(tmp_path):
    judgement.write_limits([kernel()], NVCC, SM_90, LIMITS.room, tmp_path / "limits.json")
    assert judgement.read_limits(tmp_path / "limits.json") == LIMITS


def test_times_follow_from_bytes_and_instructions():
    device = hardware.Device("fast", SM_90, multiprocessors=128, clock_GHz=1, bandwidth_GB_per_s=1000)
    by_bandwidth, by_issue = facts.times_us(device, kernel(), facts.Launch("transmit"), 512)
    assert by_bandwidth == pytest.approx(2.5 * 8 * 512 * 512 / 1e6)
    assert by_issue == pytest.approx(2 * 4 * 8 / 4 / 1e3)  # two blocks of four warps of eight instructions, four per ns
    twice = facts.times_us(device, kernel(), facts.Launch("transmit", waves=2), 512)
    assert twice == pytest.approx((2 * by_bandwidth, 2 * by_issue))


def test_without_cuobjdump_the_gate_says_what_it_did_not_check(tmp_path, monkeypatch, shapes, capsys):
    gate = load_gate()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(facts, "read_shapes", lambda program: shapes)
    failed = subprocess.CompletedProcess([], 1, "", "no network\n")
    monkeypatch.setattr(machine_code.subprocess, "run", lambda *args, **options: failed)
    args = argparse.Namespace(build=tmp_path, nvcc=tmp_path / "nvcc", update=False)
    assert gate.check(args) == []
    said = capsys.readouterr().out
    assert said.startswith("NOT CHECKED: registers, spills, blocks, instructions and times of the fused kernels: there is no cuobjdump")
    assert "no network" in said


def test_objects_without_a_kernel_are_a_fault(tmp_path, monkeypatch, shapes):
    gate = load_gate()
    monkeypatch.setattr(facts, "read_shapes", lambda program: shapes)
    monkeypatch.setattr(machine_code, "find_cuobjdump", lambda nvcc, fetched: "cuobjdump")
    monkeypatch.setattr(machine_code, "dump", lambda tool, file: machine_code.read(CODE, RESOURCES))
    (fault,) = gate.check(argparse.Namespace(build=tmp_path, nvcc=tmp_path / "nvcc", update=False))
    assert fault.startswith("no kernel ")
