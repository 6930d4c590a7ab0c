"""The Python API: load a model, run it, look inside.

>>> import numpy as np, qembed
>>> model = qembed.load(qembed.api.example())
>>> x = np.zeros((2, 1, 8, 8, 1), np.int8)
>>> model.run(x).shape
(2, 1, 10)
>>> [name for name in model.trace(x)][0] == model.graph.tensors[model.graph.inputs[0]].name
True
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qembed import container
from qembed.dataset import open_dataset
from qembed.importers import import_model
from qembed.ir import AnyArray, Graph
from qembed.report.evaluation import Compiled, Evaluation, Form, evaluate, executor
from qembed.report.sharding import evaluate_on, refuse_damaged
from qembed.validate import validate


class Model:
    """A model ready to run on the desk, on its processor or a GPU, with the chip's bytes.

    May be used from any number of threads at once.

    Attributes
    ----------
    graph : Graph
        What is run: tensors, nodes, parameters.
    """

    __slots__ = ("_executor", "graph")

    def __init__(self, graph: Graph, form: Compiled = "host") -> None:
        self.graph = graph
        self._executor = executor(graph, form)

    def run(
        self, x: AnyArray | Sequence[AnyArray], threads: int = 1
    ) -> AnyArray | tuple[AnyArray, ...]:
        """Run a batch.

        Parameters
        ----------
        x : ndarray, or one ndarray per input
            Shape (B, *shape) and dtype of the graph's input. C-contiguous arrays are not copied.
        threads : int
            That share the samples. A model with state steps through them in one. A GPU needs none.

        Returns
        -------
        ndarray, or tuple of ndarray if the model has several outputs
            (B, *shape) of the output.

        Raises
        ------
        InputError
            If an array does not fit its input.
        """
        outputs = self._executor.run(x, threads)
        return outputs[0] if len(outputs) == 1 else outputs

    def trace(self, x: AnyArray | Sequence[AnyArray]) -> dict[str, AnyArray]:
        """Run a batch and return every tensor that is not a constant, by name, each (B, *shape).

        A name that several tensors share is followed by "#" and the tensor's index. `x` and errors
        are those of `run`.
        """
        names = [tensor.name for tensor in self.graph.tensors]
        return {
            names[i] if names.count(names[i]) == 1 else f"{names[i]}#{i}": array
            for i, array in self._executor.trace(x).items()
        }


def load(path: str | Path, form: Compiled = "host") -> Model:
    """Load a model file (.npz) or import a .tflite file.

    Parameters
    ----------
    path : path
    form : "host" or "gpu"
        Where it runs: docs/host.md, docs/gpu.md.

    Raises
    ------
    QembedError
        If the file cannot be read, is no model or is not sound.
    """
    path = Path(path)
    return Model(container.load(path) if container.is_model(path) else import_model(path), form)


def simulate(
    model: Model | Graph | str | Path,
    inputs: str | Path | AnyArray | None = None,
    labels: str | Path | None = None,
    threads: int = 1,
    saturation: bool = True,
    form: Form = "host",
    cluster: str | None = None,
) -> Evaluation:
    """Run a model over a data set in bounded memory and count what is right.

    Parameters
    ----------
    model : Model, Graph or path
    inputs : path or ndarray, optional
        .npy or .npz file, Zarr store or folder of such; or an array, also one that is mapped from a
        file. By default the samples that the model carries.
    labels : path, optional
        .npy file of integers.
    threads : int
    saturation : bool
        Also count the saturated values of every layer; slower.
    form : "host", "gpu" or "reference"
    cluster : str, optional
        Share the data with dask workers: an address, ``tcp://host:8786``, or ``local:N`` for N
        processes here. All must see the files under the same names.

    Raises
    ------
    QembedError
        If model or data cannot be read or do not fit each other, or nobody answers.
    """
    if isinstance(model, Graph):
        graph = validate(model)
    else:
        graph = model.graph if isinstance(model, Model) else load(model).graph
    dataset = open_dataset(
        graph,
        Path(inputs) if isinstance(inputs, str) else inputs,
        None if labels is None else Path(labels),
    )
    if cluster is None:
        return evaluate(graph, dataset, form, threads, saturation)
    run, missing = evaluate_on(cluster, graph, dataset, form, saturation)
    refuse_damaged(missing)
    return run


def example() -> Path:
    """Model file of handwritten digits that comes with the package."""
    return Path(__file__).parent / "data" / "digits.npz"
