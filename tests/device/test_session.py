import random

import pytest
from support import fault_sessions
from support.fault_sessions import check, draw_inputs
from support.link_board import ADDER, SMALL, WIDE, Board, compile_link

from qembed.device.session import Session


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return compile_link(tmp_path_factory.mktemp("link") / "firmware")


@pytest.mark.parametrize("model", [SMALL, WIDE, ADDER])
def test_every_record_is_right(program, model):
    with Board(program) as board:
        session = Session(board.open())
        inputs = draw_inputs(model, 50, random.Random(model))
        check(model, inputs, list(session.infer_many(model, inputs, ordered=model == ADDER)))
        assert session.statistics.lost_frames == 0


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_no_wrong_verdict_under_faults(program, seed):
    for each in range(seed, seed + 10):
        fault_sessions.run(program, each)
