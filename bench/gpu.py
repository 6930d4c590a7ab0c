"""Inferences per second on the GPU, by batch, beside one thread of the host; bytes first.

    python bench/gpu.py MODEL [MODEL ...]

Inputs are random. Times are medians, copies to and from the device included; "network" is one
launch for everything, "layers" one for each kernel.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np

from qembed import container
from qembed.backends.gpu import device
from qembed.backends.gpu.model import GpuModel
from qembed.backends.host import HostModel
from qembed.errors import QembedError
from qembed.importers import import_model
from qembed.ir import Graph

BATCHES = (1, 64, 1024, 16384)
REPEATS = 7


def load(path: Path) -> Graph:
    return container.load(path) if container.is_model(path) else import_model(path)


def random_inputs(graph: Graph, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    tensors = [graph.tensors[i] for i in graph.inputs]
    return [rng.integers(-128, 128, (count, *t.shape)).astype(t.dtype) for t in tensors]


def rate(run, inputs) -> float:
    """Samples per second, the median of some runs."""
    run(inputs)
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(inputs)
        seconds.append(time.perf_counter() - start)
    return len(inputs[0]) / statistics.median(seconds)


def bench(path: Path) -> None:
    graph = load(path)
    host = HostModel(graph)
    forms = {"network": GpuModel(graph), "layers": GpuModel(graph, fuse=False)}
    inputs = random_inputs(graph, BATCHES[-1])
    truth = host.run(inputs)
    for name, model in forms.items():
        same = all(
            a.tobytes() == b.tobytes() for a, b in zip(model.run(inputs), truth, strict=True)
        )
        print(f"{path.name}: {name} {'equals' if same else 'DIFFERS FROM'} the host", flush=True)
        if not same:
            sys.exit(1)
    for batch in BATCHES:
        some = [x[:batch] for x in inputs]
        row = {name: rate(model.run, some) for name, model in (*forms.items(), ("host", host))}
        print("  " + f"batch {batch:6}" + "".join(f"  {n} {r:14,.0f}/s" for n, r in row.items()))


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        print(device.gpu().name)
        for path in sys.argv[1:]:
            bench(Path(path))
    except QembedError as error:
        sys.exit(f"bench/gpu.py: {error}")


if __name__ == "__main__":
    main()
