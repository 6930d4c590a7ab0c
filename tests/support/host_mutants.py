"""Host kernels with faults in them: built beside the real ones, told from the definition.

All faults of an operator are compiled into one set of modules; the C variable `qh_fault` says
which of them is on, 0 for none. Run as a program with the folder of a build and the operator's
name, it prints the numbers of the faults that no random layer shows.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
LAYERS_EACH = 100
SWITCH = "qh_fault"
FAULT_H = f"""#ifndef QH_FAULT_H
#define QH_FAULT_H
/* One variable a module, whichever of its files define it. */
__attribute__((weak, visibility("hidden"))) int {SWITCH};
#endif
"""
SETTER = f"""
cdef extern from "fault.h" nogil:
    int {SWITCH}


def set_fault(int number):
    global {SWITCH}
    {SWITCH} = number
"""

Fault = tuple[str, str, str]
"""File of cython_src; an expression that occurs once in it; the expression in its place."""


def plant(path: Path, faults: list[tuple[int, str, str]]) -> None:
    """Write choices between right and wrong, by number, into a source file."""
    text = path.read_text()
    in_c = path.suffix != ".pyx"
    choice = (
        "({switch} == {number} ? ({new}) : {old})"
        if in_c
        else ("(({new}) if {switch} == {number} else {old})")
    )
    choices = {}
    for number, old, new in faults:
        assert text.count(old) == 1, f"{path.name} has {text.count(old)} times: {old}"
        rest = choices.get(old, f"({old})")
        choices[old] = choice.format(switch=SWITCH, number=number, old=rest, new=new)
    for old, chosen in choices.items():
        assert old in text, f"{path.name}: two faults overlap at: {old}"
        text = text.replace(old, chosen)
    path.write_text('#include "fault.h"\n' + text if in_c else text)


def build(folder: Path, op: str, faults: list[Fault]) -> None:
    """Compile the modules of an operator, with all faults, into `folder`."""
    sources = folder / "cython_src"
    shutil.copytree(ROOT / "cython_src", sources)
    (sources / "fault.h").write_text(FAULT_H)
    touched = {op} | {Path(name).stem for name, _, _ in faults if name.endswith(".pyx")}
    touched |= {"_simd"} if any(name.startswith("simd/") for name, _, _ in faults) else set()
    for pyx in sources.glob("*.pyx"):
        if pyx.stem not in touched:
            pyx.unlink()
            continue
        docstring_end = pyx.read_text().index('"""', 3) + 3
        text = pyx.read_text()
        pyx.write_text(text[:docstring_end] + "\n" + SETTER + text[docstring_end:])
    for name in dict.fromkeys(name for name, _, _ in faults):
        numbered = [(i, old, new) for i, (n, old, new) in enumerate(faults, 1) if n == name]
        plant(sources / name, numbered)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    setup = (ROOT / "setup.py").read_text()
    (folder / "setup.py").write_text(setup.replace('"-O3"', '"-O1"'))  # sooner compiled
    for name in ("qembed", "firmware_templates"):
        (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--build-lib", "built"]
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr


def survivors(folder: Path, op: str, count: int) -> list[int]:
    """Numbers of faults that are not caught; 0 among them says that none at all looks wrong."""
    command = [sys.executable, "-m", "support.host_mutants", str(folder), op, str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=600, env=environment, check=True
    )
    return json.loads(ran.stdout)


@functools.cache
def vectors(op: str):
    """Layers of an operator, inputs, and what is right."""
    from qembed.backends import reference
    from support.desktop_layers import DESKTOP_LAYERS
    from support.fast_layers import FAST_LAYERS
    from support.layers import LAYERS

    kinds = (LAYERS, FAST_LAYERS, DESKTOP_LAYERS)
    makers = [makers_of[op] for makers_of in kinds if op in makers_of]
    drawn = [make(np.random.default_rng(seed)) for make in makers for seed in range(LAYERS_EACH)]
    return [(graph, inputs, reference.run(graph, inputs)) for graph, inputs in drawn]


def differs(op: str) -> bool:
    """Whether some layer is wrong, by the kernels of this machine or the portable ones."""
    from qembed.backends.host import HostModel

    for isa in ("", "portable"):
        os.environ["QEMBED_ISA"] = isa
        for graph, inputs, want in vectors(op):
            got = HostModel(graph).run(inputs)
            if any(a.tobytes() != b.tobytes() for a, b in zip(got, want, strict=True)):
                return True
    return False


def is_caught(op: str, number: int, modules: list) -> bool:
    """Run in a child of this process: a fault may as well crash, or never end."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        caught = True
        try:
            for module in modules:
                module.set_fault(number)
            caught = differs(op)
        finally:
            os._exit(int(caught))
    return os.waitpid(child, 0)[1] != 0


def main(folder: str, op: str, count: str) -> None:
    import importlib

    import qembed._host

    built = Path(folder) / "built/qembed/_host"
    qembed._host.__path__.insert(0, str(built))
    names = [path.name.partition(".")[0] for path in built.glob("*.so")]
    modules = [importlib.import_module(f"qembed._host.{name}") for name in names]
    assert all(Path(module.__file__).parent == built for module in modules)
    vectors(op)  # once, before there are children
    wrong_without = is_caught(op, 0, modules)
    missed = [n for n in range(1, int(count) + 1) if not is_caught(op, n, modules)]
    print(json.dumps([0] * wrong_without + missed))


if __name__ == "__main__":
    main(*sys.argv[1:])
