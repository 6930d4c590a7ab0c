"""The digits network exported for board native, with its C open to edits."""

import itertools
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import qembed.container
from qembed.boards import load_board
from qembed.cli._common import BUNDLED
from qembed.export.firmware import export_firmware
from qembed.ir import Graph
from qembed.verify.layers import ReportedLayer, layers_of

STEM, DEPTH1, WIDE1, POOL, DEPTH2, WIDE2, SUM, AVERAGE, SCORES, CLASSES = range(10)
NAMES = {
    STEM: "0_conv",
    DEPTH1: "1_depthwise_conv",
    WIDE1: "2_conv",
    POOL: "3_max_pool",
    DEPTH2: "4_depthwise_conv",
    WIDE2: "5_conv",
    SUM: "6_add",
    AVERAGE: "7_average_pool",
    SCORES: "9_fully_connected",
    CLASSES: "10_softmax",
}
SAMPLES = 60


@dataclass(frozen=True)
class Source:
    """The model's two C files."""

    code: str
    constants: str

    def parameter(self, layer, old, new):
        """Edit the parameter struct of a layer."""
        start = self.code.index(f"digits_{NAMES[layer]} = {{")
        end = self.code.index("};", start)
        block = self.code[start:end]
        assert old in block, f"{old} not in {block}"
        return Source(
            self.code[:start] + block.replace(old, new, 1) + self.code[end:], self.constants
        )

    def array(self, layer, name, change):
        """Edit the numbers of a constant array."""
        pattern = rf"(digits_{NAMES[layer]}_{name}\[\d+\][^=]*= \{{)([^}}]*)"
        found = re.search(pattern, self.constants)
        numbers = np.array([int(n) for n in found[2].replace("\n", " ").split(",") if n.strip()])
        text = ",".join(map(str, change(numbers).tolist()))
        at = found.span(2)
        return Source(self.code, self.constants[: at[0]] + text + self.constants[at[1] :])

    def call(self, layer, change):
        """Edit the call of a layer: `change` gets its name, parameters, places."""
        pattern = rf"    (\w+)\(&digits_{NAMES[layer]}, ([^;]*)\);\n"
        found = re.search(pattern, self.code)
        places = re.findall(r"digits_at\(\w+\)", found[2])
        text = change(found[1], f"&digits_{NAMES[layer]}", *places)
        return Source(self.code.replace(found[0], text), self.constants)

    def after(self, layer, statement):
        """Add a statement behind the call; OUT is its output."""
        return self.call(
            layer,
            lambda name, params, *places: (
                f"{name}({params}, {', '.join(places)});\n{statement.replace('OUT', places[-1])};\n"
            ),
        )

    def kernel(self, layer, mistake):
        """Let another kernel compute the layer."""
        kind = "depthwise" if layer in (DEPTH1, DEPTH2) else "conv"
        return self.call(
            layer, lambda name, params, x, y: f"faulty_{kind}({params}, {x}, {y}, {mistake});\n"
        )


@dataclass(frozen=True)
class Digits:
    """`link` compiles a source and links it with everything else, compiled before."""

    graph: Graph
    layers: tuple[ReportedLayer, ...]
    source: Source
    inputs: np.ndarray
    link: Callable[[Source], Path]


def export_digits(folder):
    graph = qembed.container.load(BUNDLED)
    project = export_firmware([graph], load_board("native"), folder, ["digits"])
    support = Path(__file__).parent
    flags = ["gcc", "-std=c99", "-O1", "-w", "-DQE_OBSERVE", "-Iruntime"]
    includes = ["-Imodel", "-Imodel/kernels/include", f"-I{support}"]
    objects = []
    for path in sorted(folder.rglob("*.c")):
        if path.name != "digits.c":
            objects.append(str(path.with_suffix(".o")))
            command = [*flags, *includes, "-c", path, "-o", objects[-1]]
            subprocess.run(command, cwd=folder, check=True)
    numbers = itertools.count()

    def link(source):
        work = folder / f"variant{next(numbers)}"
        work.mkdir()
        (work / "digits.c").write_text('#include "faulty_kernels.h"\n' + source.code)
        (work / "digits_weights.h").write_text(source.constants)
        command = [*flags, f"-I{work}", *includes, work / "digits.c", *objects, "-lm"]
        done = subprocess.run(
            [*command, "-o", work / "elf"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return work / "elf"

    source = Source(
        (folder / "model/digits.c").read_text(), (folder / "model/digits_weights.h").read_text()
    )
    rng = np.random.default_rng(1)
    real = graph.samples.inputs[0][: SAMPLES // 2]
    noise = rng.integers(-128, 128, (SAMPLES // 2, *real.shape[1:])).astype(np.int8)
    layers = layers_of(project.models[0].sources)
    return Digits(graph, layers, source, np.concatenate([real, noise]), link)
