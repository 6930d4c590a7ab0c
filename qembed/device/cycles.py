"""Estimated cycles: exact counts of instructions times the timings that a core's manual states.

Memory without wait states. Two cores publish such timings:

- Cortex-M0 (Arm DDI 0432C, table 3-1), with the single-cycle multiplier;
- Cortex-M4 (Arm DDI 0439B, table 3-1 and section 3.3.3): a load hides the second cycle of a load
  or store behind it unless that one's address depends on it; a store with an immediate offset takes
  one cycle; an address that depends on the data operation just before waits for one more.

Their ranges are resolved to one number each: refilling the M4's pipeline takes `M4_REFILL` cycles,
a division its most. What runs next to what is seen in the program text, not in the trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from qembed.device.build import Firmware
from qembed.device.counts import Stretch
from qembed.device.disassembly import Instruction, disassemble, registers

M4_REFILL = 2
"""P of the manual: 1 to 3, by alignment and width of the target."""
M4_DIVISION = 12
M4_FLOAT_DIVISION = 14

Timing = Callable[[Instruction, Instruction | None], tuple[int, int]]
"""Cycles of an instruction, and further ones for each time that it jumps; also gets the instruction
before it in memory."""


def estimate_cycles(firmware: Firmware, stretch: Stretch) -> int | None:
    """Estimate the cycles of what was counted.

    Returns
    -------
    int or None
        None if the core's manual states no timings.

    Raises
    ------
    ToolError
        If the toolchain's objdump is missing.
    """
    timing = TIMINGS.get(firmware.board.target.name)
    if timing is None:
        return None
    text = disassemble(firmware.elf, firmware.board.target.toolchain)
    cycles = 0
    for address, count in stretch.executed.items():
        plain, jump = timing(text[address], _before(text, address))
        cycles += plain * count + jump * stretch.taken[address]
    return cycles


def cortex_m0(instruction: Instruction, before: Instruction | None) -> tuple[int, int]:
    """Return the timing of a Cortex-M0; a `Timing`."""
    name = instruction.mnemonic
    if instruction.is_single_access:
        return 2, 0
    if instruction.is_multiple:
        return 1 + instruction.list_length, 3 if instruction.writes_pc else 0
    if name == "bl":
        return 1, 3
    if instruction.is_branch or instruction.writes_pc:
        return 1, 2
    if name in ("mrs", "msr", "dmb", "dsb", "isb"):
        return 4, 0
    return 1, 0


def cortex_m4(instruction: Instruction, before: Instruction | None) -> tuple[int, int]:
    """Return the timing of a Cortex-M4; a `Timing`."""
    name = instruction.mnemonic
    if instruction.is_branch:
        return 2 if name in ("tbb", "tbh") else 1, M4_REFILL
    jump = M4_REFILL if instruction.writes_pc else 0
    if instruction.is_single_access:
        return _single_access_m4(instruction, before), jump
    if name.startswith(("ldrd", "strd")) or instruction.is_multiple:
        return 1 + instruction.list_length + _waits(instruction, before), jump
    if name.startswith(("udiv", "sdiv")):
        return M4_DIVISION, 0
    if name.startswith(("vdiv", "vsqrt")):
        return M4_FLOAT_DIVISION, 0
    if name.startswith(("vldr", "vstr")):
        return 2, 0
    if name.startswith(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms")):
        return 3, 0
    return 1, jump


def _single_access_m4(instruction: Instruction, before: Instruction | None) -> int:
    store = not instruction.is_load
    inside = re.search(r"\[([^\]]*)", instruction.operands)
    by_register = inside is not None and len(registers(inside[1])) > 1
    if store and not by_register:
        return 1 + _waits(instruction, before)
    hidden = (
        before is not None
        and before.is_load
        and not before.writes_pc
        and not before.results & instruction.address_registers
    )
    return 2 - hidden + _waits(instruction, before)


def _waits(instruction: Instruction, before: Instruction | None) -> int:
    """One cycle if the address needs what the data operation just before computes."""
    if before is None or before.is_single_access or before.is_branch:
        return 0
    if before.mnemonic.startswith("ldrd") or before.is_multiple:
        return 0
    return int(bool(before.results & instruction.address_registers))


def _before(text: Mapping[int, Instruction], address: int) -> Instruction | None:
    for size in (2, 4):
        found = text.get(address - size)
        if found is not None and found.size == size:
            return found
    return None


TIMINGS: dict[str, Timing] = {"cortex-m0": cortex_m0, "cortex-m4": cortex_m4}
"""By target."""
