"""Build the host extensions; everything else about the package is in pyproject.toml."""

import os
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

ROOT = Path(__file__).parent
DIRECTIVES = {
    "language_level": "3",
    "cdivision": True,
    "embedsignature": True,
}


def extension(pyx: Path) -> Extension:
    """One extension module per .pyx file; `_simd` also has the C of all instruction sets."""
    sources = [pyx, *(ROOT.glob("cython_src/simd/*.c") if pyx.stem == "_simd" else ())]
    return Extension(
        f"qembed._host.{pyx.stem}",
        [str(source.relative_to(ROOT)) for source in sources],
        include_dirs=[np.get_include(), "cython_src"],
        depends=[str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("cython_src/**/*.[ch]"))],
        extra_compile_args=["-O3", "-Wall", "-Wextra", "-Wno-unused-function"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )


setup(
    options={"build_ext": {"parallel": os.cpu_count()}},
    packages=[*find_packages(include=["qembed", "qembed.*"]), "qembed.firmware_templates"],
    package_dir={"qembed.firmware_templates": "firmware_templates"},
    package_data={
        "qembed.backends.gpu": ["kernels/*"],
        "qembed": ["py.typed", "data/*", "targets/*.toml", "report/*.j2"],
        "qembed.firmware_templates": ["**/*"],
    },
    ext_modules=cythonize(
        [extension(pyx) for pyx in sorted(ROOT.glob("cython_src/*.pyx"))],
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        nthreads=2,
    ),
)
