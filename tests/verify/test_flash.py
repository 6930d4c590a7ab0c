"""A bit of flash is wrong: the layer is named, and nearly always the address."""

import contextlib
import dataclasses
import random

import numpy as np
import pytest

from qembed import container
from qembed.device.build import build_firmware
from qembed.device.elf import STT_OBJECT, read_elf
from qembed.device.emulator import boot
from qembed.device.session import Session
from qembed.device.transport import open_port
from qembed.export.firmware import export_firmware
from qembed.resources import PACKAGE
from qembed.verify.check import verify
from qembed.verify.layers import layers_of
from qembed.verify.site import Build
from support.toy import need

FLIPS = 8
LAYER = 5
"""A convolution without padding: every kernel packs it in its own way."""


def flipped(firmware, symbol, offset, bit, path):
    """The same firmware with one wrong bit, and that bit's address."""
    elf = read_elf(firmware.elf)
    section = elf.sections[symbol.section]
    raw = bytearray(firmware.elf.read_bytes())
    raw[section.offset + symbol.address - section.address + offset] ^= 1 << bit
    path.write_bytes(raw)
    path.chmod(0o755)
    return dataclasses.replace(firmware, elf=path), symbol.address + offset


@pytest.mark.parametrize("name", ["native", "mps2-an386"])
def test_a_wrong_bit_of_flash_is_found(name, tmp_path):
    board = need(name)
    graph = container.load(PACKAGE / "data/digits.npz")
    project = export_firmware([graph], board, tmp_path / "src", ["net"])
    firmware, layers = build_firmware(project), layers_of(project.models[0].sources)
    rng = np.random.default_rng(1)
    real = graph.samples.inputs[0][:20]
    inputs = [np.concatenate([real, rng.integers(-128, 128, real.shape).astype(np.int8)])]
    symbols = [
        symbol
        for symbol in read_elf(firmware.elf).symbols
        if symbol.kind == STT_OBJECT and symbol.name.startswith(f"net_{LAYER}_conv_")
    ]
    symbol = max(symbols, key=lambda symbol: symbol.size)
    draw, found, seen = random.Random(1), 0, 0
    for number in range(FLIPS):
        offset, bit = draw.randrange(symbol.size), draw.randrange(8)
        bad, address = flipped(firmware, symbol, offset, bit, tmp_path / f"bad{number}.elf")
        with (
            boot(bad) as running,
            contextlib.closing(open_port(running.port_url)) as port,
        ):
            build = Build(firmware.elf, "net")
            report = verify(graph, Session(port), layers, inputs, build=build)
        if report.first is None:
            continue  # too small a change for these samples, or a byte of padding
        seen += 1
        assert report.first.name == graph.nodes[LAYER].name
        found += address in [s.address for cause in report.first.causes for s in cause.sites]
    print(f"{name}: {FLIPS} wrong bits in {symbol.name}, {seen} matter, {found} addresses")
    assert seen >= FLIPS // 2
    assert found >= (seen if name == "native" else 5 * seen // 8)
