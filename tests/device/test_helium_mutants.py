"""The tests of the Helium kernels see faults: each one planted here must be caught.

All mutants of a kernel run on one emulated board, beside the kernel as it is, which stays right.
"""

import re
from dataclasses import replace

import pytest

from support.helium import layers, wrong

LAYERS = 8

CONV = {
    "qe_conv_1x1_mve": [
        ("from += step * inputs;", "from += inputs;"),
        ("vldrb.8 %q[taps], [%[x]], #16", "vldrb.8 %q[taps], [%[x]], #12"),
        ("TAPS * (tile->free - 1)", "TAPS * (tile->free & 1)"),
        ('SUMS("1", "3") SCALE', 'SUMS("0", "2") SCALE'),
        ('TIES_AWAY("c")', 'TIES_AWAY("b")'),
        ("vshrt.u32 %q[a], %q[a], #16", "vshrt.u32 %q[a], %q[a], #15"),
        ("INT8_MIN && output->maximum", "INT8_MIN || output->maximum"),
        ("vctp.32 %[channels]", "vctp.16 %[channels]"),
    ],
    "qe_conv_mve": [
        ("(step - 1) * in.c", "step * in.c"),
        ("x + before * step < 0", "x + before * step < -1"),
        ("(before + inside) * step < in.w", "(before + inside) * step < in.w - 1"),
        ("y += params->dilation.h)", "y++)"),
        ("const int is_row_inside = y >= 0 &&", "const int is_row_inside ="),
        ("int32_t x = column * params->stride.w -", "int32_t x = column -"),
        ("vmladav", "vmladava"),
        ("add %[from], %[from], %[skip]", "add %[from], %[from], #0"),
    ],
    "qe_conv_gather_mve": [
        ("params->padding.w * params->input.c", "0"),
        ("y < params->input.h) {\n            qe_mve_copy", "y < 2) {\n            qe_mve_copy"),
        ("ldr %[from], [%[bases]], #4", "ldr %[from], [%[bases]]"),
        ("[%[offsets]], #16", "[%[offsets]]"),
        ("window += step * params->stride.w", "window += step"),
        ("window += column * params->stride.w * in.c;", ""),
        ("vqadd.s16 %q[c], %q[c], %[a1]", "vqadd.s16 %q[c], %q[c], %[a0]"),
    ],
}
MUTANTS = {
    **{function: ("qe_conv", mutants) for function, mutants in CONV.items()},
    "qe_depthwise_conv_3x3_mve": (
        "qe_depthwise_conv_3x3",
        [
            ("vshl.i32 %q[w10], %q[w00], #8", "vshl.i32 %q[w10], %q[w01], #8"),
            ("vshlc %q[w01], %[a], #32", "vshlc %q[w01], %[a], #31"),
            ("and %[a], %[a], #0x0f0f0f0f", "and %[a], %[a], #0xffffffff"),
            ("cset %[is_shifted], ne", "cset %[is_shifted], eq"),
            ("vmov.32 %q[w00][3], %[a]", "nop"),
            ("fill_columns(strip, params->input_zero_point, before);", ""),
            ("count - until);\n", "count - until - 1);\n"),
            ("step[i] = exists ? in.c : 0;", "step[i] = in.c;"),
            ("ands %[a], %[a], #3", "ands %[a], %[a], #2"),
            ("y + 1 < out.h ? 0xffff", "y < out.h ? 0xffff"),
        ],
    ),
    "qe_depthwise_conv_mve": (
        "qe_depthwise_conv",
        [
            ("vmovlb.s16 %q[x1], %q[x0]", "vmovlt.s16 %q[x1], %q[x0]"),
            ("column += params->dilation.w", "column++"),
            ("column < in.w;", "column <= in.w;"),
            ("record += 4 * pairs + 24;", "record += 4 * pairs + 12;"),
            (
                "finish(sums, record + 4 * pairs, &quantization), lanes);",
                "finish(sums, record + 4 * pairs + 12, &quantization), lanes);",
            ),
            ("scale(sums.odd, tail + 12, output)", "scale(sums.odd, tail, output)"),
        ],
    ),
    "qe_fully_connected_mve": (
        "qe_fully_connected",
        [
            ("bcc 2f", "bcs 2f"),
            ("vldrw.32 %q[w], [%[scale], #16]", "vldrw.32 %q[w], [%[scale]]"),
            ("add %[scale], %[scale], %[step]", "add %[scale], %[scale], #0"),
            ("vand %q[v], %q[y], %q[w]", "vmov %q[v], %q[y]"),
            ("input += inputs;", "input += outputs;"),
            ("%q[y][0], %[s0], %[s2]", "%q[y][0], %[s2], %[s0]"),
        ],
    ),
    "qe_fully_connected_padded_mve": (
        "qe_fully_connected",
        [
            ("padded != NULL ? padded :", "padded != NULL ? padded + 4 :"),
            ("qe_mve_copy(padded, input, inputs);", "qe_mve_copy(padded, input, inputs - 1);"),
            ("vctp.32 %[outputs]", "vctp.16 %[outputs]"),
            ("cbz %[signed_ties], 5f", "b 5f"),
            ("to += outputs;", "to += outputs & ~3;"),
        ],
    ),
    "qe_average_pool_mve": (
        "qe_average_pool",
        [
            ("UINT32_MAX / (uint32_t)count + 1", "UINT32_MAX / (uint32_t)count"),
            ("pixels == 1 ? 2 : 1", "1"),
            ("(uint32_t)count / 2)", "(uint32_t)count / 2 - 1)"),
            ("vcmpltq_n_s32(sums, 0)", "vcmpgtq_n_s32(sums, 0)"),
            ("row * params->stride.h", "row * params->stride.w"),
            ("at_most(left + params->window.w, in.w)", "left + params->window.w"),
        ],
    ),
    "qe_mul_mve": (
        "qe_mul",
        [
            ("local.zero_point2", "local.zero_point1"),
            ("qe_mve_ties_away(y, vdupq_n_s32(local.shift))", "y"),
            ("vdupq_n_s32(local.shift)", "vdupq_n_s32(-1)"),
            ("vqrdmulhq_n_s32", "vqdmulhq_n_s32"),
            ("local.quantization.zero_point), lanes", "0), lanes"),
        ],
    ),
    "qe_add_plane_mve": (
        "qe_add",
        [
            ("vmlas.s32", "vmla.s32"),
            ("vldrb.s32 %q[x2]", "vldrb.u32 %q[x2]"),
            ("vqrdmulh.s32 %q[x1]", "vqdmulh.s32 %q[x1]"),
            ("vqmovnb.s16 %q[x1], %q[x1]", "nop"),
            ("[input2]], #4", "[input2]], #3"),
        ],
    ),
    "qe_add_mve": (
        "qe_add",
        [
            ("vsubq_n_s32(x, by->zero_point)", "vaddq_n_s32(x, by->zero_point)"),
            ("vaddq_s32(x1, x2)", "vsubq_s32(x1, x2)"),
            ("&local.input2, local.left_shift", "&local.input1, local.left_shift"),
            ("vctp32q((uint32_t)left)", "vctp32q((uint32_t)left - 1)"),
            ("local.quantization.zero_point), lanes", "0), lanes"),
        ],
    ),
}
HEADER = "INT8_MIN && output->maximum"
"""A fault in the header that all kernels share."""


def plant(folder, function, stem, mutants):
    """Compile a copy of the kernel's file for each mutant, its functions renamed."""
    kernels = folder / "model/kernels"
    source = (kernels / f"src/mve/{stem}.c").read_text()
    header = next(
        path
        for path in (kernels / "include").glob("*_mve.h")
        if re.search(rf"void {function}\(", path.read_text())
    )
    shared = (kernels / "include/qe_mve.h").read_text()
    public = set(re.findall(r"^void (qe_\w+)\(", source, re.MULTILINE))
    declared = re.search(rf"void {function}\([^;]*;", header.read_text())[0]
    declarations, copies = [], []
    for n, (text, instead) in enumerate(mutants):
        assert (shared if text == HEADER else source).count(text) >= 1, text
        mutated = source.replace(text, instead, 1)
        if text == HEADER:
            (kernels / "include/qe_faulty.h").write_text(shared.replace(text, instead, 1))
            mutated = f'#include "qe_faulty.h"\n{mutated}'
        renamed = "".join(f"#define {name} {name}_{n}\n" for name in sorted(public))
        copies.append(f"model/kernels/src/mve/{stem}_{n}.c")
        (folder / copies[-1]).write_text(renamed + mutated)
        declarations.append(declared.replace(function, f"{function}_{n}", 1))
    text = header.read_text()
    marker = "#endif /* QE_"
    header.write_text(text.replace(marker, "\n".join([*declarations, marker]), 1))
    makefile = folder / "Makefile"
    plain = f"model/kernels/src/mve/{stem}.c"
    makefile.write_text(makefile.read_text().replace(plain, " ".join([plain, *copies]), 1))


@pytest.mark.parametrize("function", MUTANTS)
def test_every_planted_fault_is_caught(function, tmp_path, monkeypatch):
    stem, mutants = MUTANTS[function]
    plain = list(layers(function, LAYERS))
    faulty = [
        replace(case, lowering=replace(case.lowering, function=f"{function}_{n}"))
        for n in range(len(mutants))
        for case in plain
    ]
    seen = wrong(
        [*faulty, *plain],
        tmp_path / "firmware",
        monkeypatch,
        lambda folder: plant(folder, function, stem, mutants),
    )
    names = {case.lowering.function for case in seen}
    assert function not in names, "a mutant has damaged its neighbours"
    survivors = [text for n, (text, _) in enumerate(mutants) if f"{function}_{n}" not in names]
    assert survivors == []
