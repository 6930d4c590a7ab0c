"""How busy the link keeps a line; bench/link.py shows the same."""

import pytest

from support.line_use import (
    ENOUGH,
    MLPERF_BYTES_PER_SECOND,
    NETWORKS,
    best,
    compile_network,
    describe,
    input_rate,
)


@pytest.mark.parametrize("baud", [115_200, 921_600])
@pytest.mark.parametrize("name", NETWORKS)
def test_payload_fills_the_busier_direction(name, baud, tmp_path):
    used = best(compile_network(tmp_path, name), name, baud)
    print(describe(name, baud, used))
    assert used >= ENOUGH
    if baud == 921_600:
        assert input_rate(name, baud, used) >= 10 * MLPERF_BYTES_PER_SECOND
