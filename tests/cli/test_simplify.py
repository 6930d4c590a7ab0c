"""--simplify: the same bytes from a smaller network, wherever a model is taken."""

import numpy as np


def test_outputs_keep_every_byte(qembed, digits, tmp_path):
    for flags, name in (((), "a.npy"), (("--simplify",), "b.npy")):
        assert qembed("simulate", digits, *flags, "-o", name).status == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


def test_the_export_is_of_the_smaller_network(qembed, digits):
    whole, smaller = (
        qembed("export", digits, "--target", "native", *flags, "-o", name, "--json")
        for flags, name in (((), "a"), (("--simplify",), "b"))
    )
    before, after = whole.document["manifest"], smaller.document["manifest"]
    assert after["constant_bytes"] < before["constant_bytes"]
    assert after["hash"] != before["hash"]
    assert "simplified: 2 layers changed" in smaller.stderr


def test_a_board_is_verified_with_it(qembed, digits):
    done = qembed("verify", digits, "--simplify", "--board", "native", "--samples", 3)
    assert done.status == 0
    assert "EQUAL: 3 samples" in done.stdout


def test_info_says_what_would_go(qembed, digits):
    text = qembed("info", digits).stdout
    assert "--simplify" in text and "channel 7" in text and "not proved: kept" in text
    removable = qembed("info", digits, "--json").document["removable"]
    assert {entry["reason"] for entry in removable["removed"]} == {"constant"}
