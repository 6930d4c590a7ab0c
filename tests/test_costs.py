"""Instructions and bytes are promises: growth over 2 % fails unless the table changes with it."""

import json

import pytest

from support.tools import load_tool
from support.toy import need

TOOL = load_tool("costs")
PROMISED = json.loads(TOOL.TABLE.read_text())


def measured(model, board, request):
    shared = None if model == "digits" else request.getfixturevalue("shared")
    need(board)
    return TOOL.measure(model, board, shared)


@pytest.mark.parametrize(("model", "board"), TOOL.CASES)
def test_nothing_grows(model, board, request, record_property):
    cost = measured(model, board, request)
    promised = PROMISED[f"{model} on {board}"]
    for field, value in cost.items():
        record_property(field, value)
        assert value <= promised[field] * 1.02, f"{field}: {value}, was {promised[field]}"


def test_keyword_spotting_is_small(request):
    cost = measured("kws_int8", "mps2-an386", request)
    assert cost["code_bytes"] <= 24 << 10
    assert cost["arena_bytes"] <= 17 << 10
