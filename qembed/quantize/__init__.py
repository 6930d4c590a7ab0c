"""From a float graph and data to an integer graph: good defaults, decided by measuring.

What helps one network harms another, so nothing is taken on trust: a few recipes are calibrated on
one half of the data and judged, with the exact integer engine, on the other half. The best is then
calibrated on all of it. docs/quantize.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qembed.errors import UnsupportedError
from qembed.floats import executor
from qembed.ir import AnyArray, Graph
from qembed.quantize import mixed, ranges
from qembed.quantize.agreement import compare
from qembed.quantize.calibration import Decisions, calibrate
from qembed.quantize.data import FEWEST_SAMPLES, checked, require_sense
from qembed.quantize.equalize import equalized, peaks_of
from qembed.quantize.integers import build, require_integer_forms
from qembed.quantize.layers import Recipe
from qembed.quantize.prepare import prepared
from qembed.tflite.reader import File

INT4_SHARE = 0.55
"""Of the size with 8 bits everywhere, that method "int4" may take."""

METHODS: dict[str, tuple[Recipe, ...]] = {
    "int8": (Recipe(), Recipe(equalize=0.75)),
    "int16x8": (Recipe("int16"), Recipe("int16", compensate=True)),
    "int4": (Recipe(bits=4), Recipe(bits=4, compensate=True)),
    "mixed": (Recipe(bits=4), Recipe(bits=4, compensate=True)),
}
"""Recipes that a method tries, by its name."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may say.

    Attributes
    ----------
    method : str
        A key of `METHODS`.
    weights_max : int, optional
        Bytes that the weights may take, biases and multipliers included; goes with "mixed".
    range_method : str, optional
        A key of `ranges.METHODS` for all tensors, instead of the best for each.
    equalize : float, optional
        In [0, 1]: how far channels are made equal, instead of what measures best.
    power_of_two : bool
        Scales are powers of two: no multiplier, more error.
    profile : str
        Numerics profile of the result.
    seed : int
        Of the choice of samples, if there are more than fit.
    """

    method: str = "int8"
    weights_max: int | None = None
    range_method: str | None = None
    equalize: float | None = None
    power_of_two: bool = False
    profile: str = "tflm"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """A recipe and how well it did on data that it was not calibrated on, in dB."""

    recipe: Recipe
    sqnr: float


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A quantized network and how it came about.

    Attributes
    ----------
    graph : Graph
        Of integers.
    file : File
        The same, as `qembed.tflite.writer` takes it.
    real : Graph
        The float graph that was quantized, after rewriting.
    decisions : Decisions
    recipe : Recipe
        The one that was chosen.
    trials : tuple of Trial
        What was compared; empty if there was no choice.
    samples : int
        How many were used.
    """

    graph: Graph
    file: File
    real: Graph
    decisions: Decisions
    recipe: Recipe
    trials: tuple[Trial, ...]
    samples: int


def quantize(
    graph: Graph,
    inputs: Sequence[AnyArray],
    settings: Settings = Settings(),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Quantized:
    """Quantize a float graph.

    Parameters
    ----------
    graph : Graph
        Float: `qembed.importers.import_float_model`.
    inputs : sequence of float32 ndarray
        Calibration data, (B, *shape), one array for each input; labels are not needed.
    progress : callable
        Called with steps done and steps in all.

    Raises
    ------
    InputError
        The data does not fit, is too little, or cannot be what the network is meant for.
    UnsupportedError
        An operator has no form in integers of this kind; all such are listed.
    """
    recipes = _recipes(settings)
    inputs = checked(graph, inputs, settings.seed)
    graph = prepared(graph)
    budget = _budget(graph, settings)
    compares = len(recipes) > 1 and len(inputs[0]) >= 2 * FEWEST_SAMPLES
    steps = itertools.count(1)
    total = (len(recipes) * compares + 1) * len(graph.nodes)

    def advance() -> None:
        progress(next(steps), total)

    traced = executor.trace(graph, inputs)
    require_sense(graph, traced)
    require_integer_forms(graph, traced, recipes[0].activations, settings.profile)
    peaks = peaks_of(traced)
    del traced
    if budget is not None:
        errors = mixed.sensitivities(graph, inputs, recipes[0])
        kept = mixed.kept_wide(graph, errors, budget)
        recipes = [replace(recipe, layer_bits=kept) for recipe in recipes]

    def made(recipe: Recipe, data: Sequence[AnyArray]) -> Quantized:
        real = equalized(graph, peaks, recipe.equalize)
        decisions = calibrate(real, data, recipe, advance)
        integers, file = build(real, decisions.encodings, decisions.layers, settings.profile)
        integers = replace(integers, source=graph.source)
        return Quantized(integers, file, real, decisions, recipe, (), len(data[0]))

    trials = []
    for recipe in recipes if compares else ():
        tried = made(recipe, [x[::2] for x in inputs])
        judged = compare(tried.real, tried.graph, [x[1::2] for x in inputs])
        trials.append(Trial(recipe, judged.sqnr))
    best = max(trials, key=lambda trial: trial.sqnr).recipe if trials else recipes[0]
    return replace(made(best, inputs), trials=tuple(trials))


def _budget(graph: Graph, settings: Settings) -> int | None:
    """Bytes that the weights may take, where some layers have 4 bits and others 8."""
    if (settings.method == "mixed") != (settings.weights_max is not None):
        raise UnsupportedError("method 'mixed' and a limit of the weights' bytes go together")
    if settings.weights_max is not None:
        mixed.require_possible(graph, settings.weights_max)
        return settings.weights_max
    if settings.method == "int4":
        return int(INT4_SHARE * sum(mixed.sizes(graph, 8).values()))
    return None


def _recipes(settings: Settings) -> list[Recipe]:
    """Return what is tried, with what the user fixed."""
    if settings.method not in METHODS:
        raise UnsupportedError(
            f"method '{settings.method}' is unknown; choose one of {', '.join(METHODS)}"
        )
    fixed: dict[str, object] = {"power_of_two": settings.power_of_two}
    if settings.range_method is not None:
        if settings.range_method not in ranges.METHODS:
            raise UnsupportedError(
                f"range method '{settings.range_method}' is unknown; choose one of "
                f"{', '.join(ranges.METHODS)}"
            )
        fixed["ranges"] = (settings.range_method,)
    if settings.equalize is not None:
        fixed["equalize"] = settings.equalize
    # What `fixed` holds are fields of a recipe, which mypy cannot see in a dict.
    recipes = [replace(recipe, **fixed) for recipe in METHODS[settings.method]]  # type: ignore[arg-type]
    return [r for place, r in enumerate(recipes) if r not in recipes[:place]]
