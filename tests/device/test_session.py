import random

import pytest
from support.link_board import (
    ADDER,
    SMALL,
    WIDE,
    Board,
    adder_layers,
    compile_link,
    small_layers,
    wide_layers,
)

from qembed.device.session import Session
from qembed.protocol.hashing import hash_bytes


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return compile_link(tmp_path_factory.mktemp("link") / "firmware")


def check(model, inputs, seen):
    """Every record is exactly what the model computes on its sample."""
    for index, observation in enumerate(seen):
        if model == ADDER:
            layers = outputs = adder_layers(inputs[: index + 1])
        elif model == WIDE:
            layers = wide_layers(inputs[index])
            outputs = layers[::-1]
        else:
            layers = small_layers(inputs[index])
            outputs = layers[1:]
        assert observation.index == index
        assert observation.input_is_right
        assert list(observation.record.layer_hashes) == [hash_bytes(x) for x in layers]
        assert observation.record.outputs == b"".join(outputs)
    assert len(seen) == len(inputs)


def draw(model, count, seed=0):
    size = {SMALL: 40, WIDE: 2001, ADDER: 4}[model]
    rng = random.Random(seed)
    return [rng.randbytes(size) for _ in range(count)]


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER])
def test_every_record_is_right(program, model):
    with Board(program) as board:
        session = Session(board.open())
        inputs = draw(model, 50)
        check(model, inputs, list(session.infer_many(model, inputs, ordered=model == ADDER)))
        assert session.statistics.lost_frames == 0
