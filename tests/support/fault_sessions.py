"""Sessions under random faults of every kind.

By hand: PYTHONPATH=.:tests python -m support.fault_sessions 10000 [FIRST_SEED]

A session either observes every sample exactly as the model computes it, or ends with one
DeviceError; within `BOUND` seconds. Anything else raises.
"""

import collections
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qembed.device.session import Session
from qembed.device.transport import Port
from qembed.errors import DeviceError
from qembed.protocol.hashing import hash_bytes
from qembed.testing import Faults, FaultyPort
from support.link_board import ADDER, ROWS, SMALL, WIDE, Board, compile_link, expected

PATIENCE = 5.0
BOUND = 120.0
INPUT_BYTES = {SMALL: 40, WIDE: 2001, ADDER: 4, ROWS: 55}
ALL_OUTPUTS = {
    SMALL: slice(1, 2),
    WIDE: slice(None, None, -1),
    ADDER: slice(None),
    ROWS: slice(1, 2),
}


def draw_inputs(model, count, rng):
    return [rng.randbytes(INPUT_BYTES[model]) for _ in range(count)]


def check(model, inputs, seen):
    """Every record is exactly what the model computes on its sample."""
    for index, observation in enumerate(seen):
        layers = expected(model, inputs[: index + 1])
        assert observation.index == index
        assert observation.input_is_right
        assert list(observation.record.layer_hashes) == [hash_bytes(layer) for layer in layers]
        assert observation.record.outputs == b"".join(layers[ALL_OUTPUTS[model]])
    assert len(seen) == len(inputs)


def draw_faults(rng):
    """One to all kinds, from rare to brutal."""
    rate = {
        "flip": 10 ** rng.uniform(-6, -3.5),
        "drop": 10 ** rng.uniform(-5, -3),
        "duplicate": rng.uniform(0, 0.3),
        "reorder": rng.uniform(0, 0.3),
        "delay": rng.uniform(0, 0.3),
        "stall": rng.uniform(0, 0.01),
        "split": rng.uniform(0, 1),
        "disconnect": 10 ** rng.uniform(-4, -2),
    }
    kinds = rng.sample(list(rate), rng.randint(1, len(rate)))
    if rng.random() < 0.7 and "disconnect" in kinds:
        kinds.remove("disconnect")
    return Faults(**{kind: rate[kind] for kind in kinds})


def run(program, seed):
    """One session: return how it ended, its resets, and the kind of trouble it had."""
    rng = random.Random(seed)
    faults = draw_faults(rng)
    model = rng.choice([SMALL, WIDE, ADDER, ROWS])
    inputs = draw_inputs(model, rng.randint(1, 12), rng)
    resets = [rng.uniform(0, 0.3) for _ in range(rng.choice([0, 0, 1, 2]))]
    started = time.monotonic()
    with Board(program) as board:
        clean = board.open()
        port = Port(board.url, FaultyPort(clean.serial, faults, seed))
        timers = [threading.Timer(delay, board.reset) for delay in resets]
        for timer in timers:
            timer.start()
        try:
            session = Session(port, patience=PATIENCE)
            check(model, inputs, list(session.infer_many(model, inputs, ordered=model == ADDER)))
            layer = rng.randrange(session.models[model].layers)
            history = inputs[: rng.randint(1, min(4, len(inputs)))]
            tensor, _ = session.fetch(model, history, layer, ordered=model == ADDER)
            assert tensor == expected(model, history)[layer]
            ending = "verdict"
        except DeviceError as error:
            ending = str(error).replace(board.url, "PORT")
        finally:
            for timer in timers:
                timer.cancel()
                timer.join()
            port.close()
    assert time.monotonic() - started < BOUND, f"seed {seed} took too long"
    return ending


def run_all(program, seeds, threads=8):
    """Run many sessions at once, for each does little but wait; return how they ended."""
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda seed: run(program, seed), seeds)


def main(count, first=0, threads=8):
    endings = collections.Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        program = compile_link(Path(folder) / "firmware")
        results = run_all(program, range(first, first + count), threads)
        for number, ending in enumerate(results, 1):
            endings[ending[:60]] += 1
            if number % 500 == 0:
                print(f"{number} sessions in {time.monotonic() - started:.0f} s", flush=True)
    for ending, times in endings.most_common():
        print(f"{times:6d}  {ending}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
