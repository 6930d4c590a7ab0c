"""Other people's interpreters, run on a model file to hear what they say.

Each runs in a process of its own: some of them abort or crash on files that are not to their
liking, and that must not take the caller with it.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from qembed.errors import ToolError
from qembed.files import read_npz
from qembed.ir import AnyArray

REASON_CHARACTERS = 120
"""Of an interpreter's own complaint; some list every tensor."""
TIMEOUT_SECONDS = 600
"""A whole run; the slowest interpreter needs about 10 ms for a sample of a network for an MCU."""

Samples = Sequence[tuple[AnyArray, ...]]
"""One tuple a sample, with one array an input."""


def run_tflm(model: Path, samples: Samples) -> list[tuple[AnyArray, ...]]:
    """Run TFLite Micro's reference kernels."""
    from tflite_micro import runtime  # optional: the extra `diff`

    raw = model.read_bytes()
    interpreter = runtime.Interpreter.from_bytes(raw, arena_size=64 << 20)
    count = _output_count(raw)
    outputs = []
    for sample in samples:
        for index, array in enumerate(sample):
            interpreter.set_input(array, index)
        interpreter.invoke()
        outputs.append(tuple(np.array(interpreter.get_output(i)) for i in range(count)))
    return outputs


def _output_count(model: bytes) -> int:
    from tflite import Model

    return int(Model.GetRootAs(model, 0).Subgraphs(0).OutputsLength())


def run_litert_ref(model: Path, samples: Samples) -> list[tuple[AnyArray, ...]]:
    """Run LiteRT's reference kernels."""
    return _run_litert(model, samples, "BUILTIN_REF")


def run_litert_xnnpack(model: Path, samples: Samples) -> list[tuple[AnyArray, ...]]:
    """Run LiteRT as it comes: with XNNPACK where that has a kernel."""
    return _run_litert(model, samples, "AUTO")


def _run_litert(model: Path, samples: Samples, kernels: str) -> list[tuple[AnyArray, ...]]:
    from ai_edge_litert.interpreter import (  # optional: the extra `diff`
        Interpreter,
        OpResolverType,
    )

    interpreter = Interpreter(
        model_content=model.read_bytes(),
        num_threads=1,
        experimental_op_resolver_type=getattr(OpResolverType, kernels),
    )
    interpreter.allocate_tensors()
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    results = []
    for sample in samples:
        for detail, array in zip(inputs, sample, strict=True):
            interpreter.set_tensor(detail["index"], array.reshape(detail["shape"]))
        interpreter.invoke()
        results.append(tuple(np.array(interpreter.get_tensor(d["index"])) for d in outputs))
    return results


def run_onnxruntime(model: Path, samples: Samples) -> list[tuple[AnyArray, ...]]:
    """Run ONNX Runtime, with its integer kernels for int8 as for uint8."""
    import onnxruntime  # optional: the extra `diff`

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    return [
        tuple(session.run(None, dict(zip(names, map(np.asarray, sample), strict=True))))
        for sample in samples
    ]


RUNTIMES: dict[str, tuple[str, str, Callable[[Path, Samples], list[tuple[AnyArray, ...]]]]] = {
    "tflm": ("tflite", "tflite_micro", run_tflm),
    "litert-ref": ("tflite", "ai_edge_litert", run_litert_ref),
    "litert-xnnpack": ("tflite", "ai_edge_litert", run_litert_xnnpack),
    "onnxruntime": ("onnx", "onnxruntime", run_onnxruntime),
}
"""Profile of an interpreter: the format it reads, the package it comes in, and how it is run."""


def is_installed(runtime: str) -> bool:
    """Whether the package of a runtime can be imported."""
    return importlib.util.find_spec(RUNTIMES[runtime][1]) is not None


def run(runtime: str, model: Path, inputs: Sequence[AnyArray]) -> tuple[AnyArray, ...]:
    """Run a network's file on a batch, one array (B, *shape) per input; one (B, ...) per output.

    Raises
    ------
    ToolError
        If the interpreter is not installed, refuses the file or dies of it.
    """
    package = RUNTIMES[runtime][1]
    if not is_installed(runtime):
        raise ToolError(f"{runtime}: Python package {package.replace('_', '-')} is not installed")
    with tempfile.TemporaryDirectory(prefix="qembed-") as folder:
        given, answer = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
        np.savez(given, *inputs)
        command = [sys.executable, "-m", __name__, runtime, str(model), str(given), str(answer)]
        try:
            child = subprocess.run(
                command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise ToolError(
                f"{runtime}: no answer within {TIMEOUT_SECONDS} s; give it fewer samples"
            ) from None
        if child.returncode or not answer.is_file():
            raise ToolError(f"{runtime} does not run {model.name}: {_reason(child)}")
        arrays = read_npz(answer)
    return tuple(arrays[f"arr_{i}"] for i in range(len(arrays)))


def _reason(child: subprocess.CompletedProcess[bytes]) -> str:
    if child.returncode < 0:
        return f"it crashed ({signal.Signals(-child.returncode).name})"
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    last = lines[-1] if lines else f"it ended with status {child.returncode}"
    return last if len(last) <= REASON_CHARACTERS else last[:REASON_CHARACTERS] + "..."


def _work(runtime: str, model: str, given: str, answer: str) -> None:
    """Be the child process."""
    arrays = read_npz(Path(given))
    samples = list(zip(*(arrays[f"arr_{i}"] for i in range(len(arrays))), strict=True))
    results = RUNTIMES[runtime][2](Path(model), samples)
    np.savez(answer, *(np.stack(column) for column in zip(*results, strict=True)))


if __name__ == "__main__":
    _work(*sys.argv[1:])
