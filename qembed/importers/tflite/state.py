"""Resource variables: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE, CALL_ONCE become state tensors.

A variable is one tensor of the graph that keeps its value. Reading it takes no node: whoever
consumes the value reads the tensor itself, unless an assignment comes in between. Assigning is a
copy (a reshape) whose output is the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from qembed.errors import ModelError, UnsupportedError
from qembed.importers.tflite.values import (
    MOVABLE,
    Step,
    contents,
    describe,
    operand,
    require_tied,
    result,
)
from qembed.ops.reshape import Reshape
from qembed.tflite.reader import File, Operator, SubGraph, Value

CODES = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
Name = tuple[str, str]


@dataclass(slots=True)
class Variables:
    """What is known of the variables at one point of the conversion.

    Attributes
    ----------
    file : File
    names : dict
        Name of the variable that a handle (by ``id``) stands for.
    resets : dict
        What the initialization fills each variable with.
    states : dict
        State tensor of each variable used so far.
    aliases : dict
        By ``id`` of a value of the file: the state tensor that stands for it.
    """

    file: File
    names: dict[int, Name] = field(default_factory=dict)
    resets: dict[Name, int] = field(default_factory=dict)
    states: dict[Name, Value] = field(default_factory=dict)
    aliases: dict[int, Value] = field(default_factory=dict)


def current(variables: Variables, value: Value) -> Value:
    """Return the tensor that holds a value: itself, or a state tensor."""
    return variables.aliases.get(id(value), value)


def resolved(variables: Variables, op: Operator) -> Operator:
    """Return the operator with values that were read from variables replaced by these."""
    inputs = tuple(None if value is None else current(variables, value) for value in op.inputs)
    return replace(op, inputs=inputs)


def steps(variables: Variables, op: Operator) -> list[Step]:
    """Follow one of the operators in `CODES`."""
    if op.code == "VAR_HANDLE":
        _name_handle(variables.names, op)
        return []
    if op.code == "CALL_ONCE":
        _initialize(variables, op)
        return []
    name = variables.names.get(id(operand(op, 0, ("resource",))))
    if name is None:
        raise ModelError(f"input {describe(operand(op, 0, ('resource',)))} is no variable")
    if op.code == "READ_VARIABLE":
        return _read(variables, op, name)
    return _assign(variables, op, name)


def _name_handle(names: dict[int, Name], op: Operator) -> None:
    names[id(result(op, ("resource",)))] = (op.options["container"], op.options["shared_name"])


def _initialize(variables: Variables, op: Operator) -> None:
    """Run the subgraph that gives variables their first values: constants, each of one number."""
    index = op.options["init_subgraph_index"]
    if not 0 < index < len(variables.file.subgraphs):
        raise ModelError(f"there is no subgraph {index}")
    handles: dict[int, Name] = {}
    for step in variables.file.subgraphs[index].operators:
        if step.code == "VAR_HANDLE":
            _name_handle(handles, step)
        elif step.code == "ASSIGN_VARIABLE":
            name = handles.get(id(operand(step, 0, ("resource",))))
            if name is None:
                raise ModelError(f"subgraph {index} assigns to no variable")
            variables.resets[name] = 0  # one complaint is enough if the value is refused
            variables.resets[name] = _uniform(operand(step, 1, MOVABLE))
        else:
            raise UnsupportedError(f"the initialization (subgraph {index}) contains {step.code}")


def _uniform(value: Value) -> int:
    numbers = np.unique(contents(value))
    if numbers.size != 1 or value.dtype not in ("int8", "int16", "int32"):
        raise UnsupportedError(
            f"the first value of a variable, {describe(value)}, must be an integer that repeats"
        )
    return int(numbers[0])


def _read(variables: Variables, op: Operator, name: Name) -> list[Step]:
    y = result(op, MOVABLE)
    state = _state(variables, name, y)
    if _is_assigned_before_last_use(variables.file.subgraphs[0], op, y, variables.names, name):
        return [Step("reshape", Reshape(y.shape), (state,), (y,))]
    variables.aliases[id(y)] = state
    return []


def _assign(variables: Variables, op: Operator, name: Name) -> list[Step]:
    x = operand(op, 1, MOVABLE)
    return [Step("reshape", Reshape(x.shape), (x,), (_state(variables, name, x),))]


def _state(variables: Variables, name: Name, like: Value) -> Value:
    """State tensor of a variable, with the type and shape of the first value it meets."""
    if name not in variables.states:
        if name not in variables.resets:
            raise ModelError(f"variable '{name[1]}' has no first value")
        variables.states[name] = replace(
            like, name=name[1] or like.name, data=None, reset_value=variables.resets[name]
        )
    state = variables.states[name]
    require_tied(state, like)
    if state.shape != like.shape:
        raise ModelError(f"variable '{name[1]}' has shape {state.shape}, not {like.shape}")
    return state


def _is_assigned_before_last_use(
    main: SubGraph, read: Operator, value: Value, names: dict[int, Name], name: Name
) -> bool:
    """Tell whether a value read from a variable is still needed after an assignment to it."""
    assigned = False
    for op in main.operators[read.index + 1 :]:
        if assigned and value in op.inputs:
            return True
        handle = op.inputs[0] if op.inputs else None
        if op.code == "ASSIGN_VARIABLE" and names.get(id(handle)) == name:
            assigned = True
    return assigned and value in main.outputs
