"""CUDA's own compiler takes every kernel, for two generations of GPUs.  It needs no GPU.

It comes with the package nvidia-cuda-nvrtc-cu12, which .ci/run installs.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
from pathlib import Path

import pytest

from tinynet.devices import gpu
from tinynet.devices.gpu.launch import source

FILES = sorted(path.stem for path in Path(gpu.__file__).parent.glob("*.cu"))
CONSTANTS = {
    "windows": ("C=3", "H=9", "W=8", "KH=3", "KW=2", "OH=4", "OW=4", "SH=2", "SW=2", "TOP=0",
                "LEFT=1"),
    "cells": ("UNITS=64",), "channels": ("C=32",), "sums": ("C=32",),
}  # fmt: skip


@pytest.fixture(scope="module")
def nvrtc():
    found = importlib.util.find_spec("nvidia")
    folders = list(found.submodule_search_locations or ()) if found else []
    libraries = [p for folder in folders for p in Path(folder).glob("cuda_nvrtc/lib/libnvrtc.so*")]
    if not libraries:
        pytest.skip("nvidia-cuda-nvrtc-cu12 is not installed")
    return ctypes.CDLL(str(libraries[0]))


def compiled(nvrtc, text, options):
    """(whether it compiles, what the compiler says)"""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None)
    encoded = [option.encode() for option in options]
    failed = nvrtc.nvrtcCompileProgram(
        program, len(encoded), (ctypes.c_char_p * len(encoded))(*encoded)
    )
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    return not failed, log.value.decode()


def options(file, architecture):
    defined = (f"-D{constant}" for constant in CONSTANTS.get(file, ()))
    return ["-std=c++17", f"-arch={architecture}", *defined]


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("file", FILES)
def test_a_file_with_kernels_compiles_without_a_warning(file, architecture, nvrtc):
    assert compiled(nvrtc, source(file), options(file, architecture)) == (True, "")


def test_a_mistake_does_not_compile(nvrtc):
    text = source("activation").replace("slope * x[i]", "steepness * x[i]")
    fine, log = compiled(nvrtc, text, options("activation", "sm_90"))
    assert not fine and re.search(r'identifier "steepness" is undefined', log)
