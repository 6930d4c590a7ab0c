"""qembed bench --host."""

from qembed import container


def test_layers_batches_and_who_did_not_run(qembed, digits):
    result = qembed("bench", digits, "--host", "--json")
    assert result.status == 0
    told = result.document
    assert [row["batch"] for row in told["contenders"]] == [1, 16, 64, 256]
    assert all(row["microseconds"] > 0 for row in told["contenders"])
    nodes = container.load(digits).nodes
    assert [row["name"] for row in told["layers"]] == [node.name for node in nodes]


def test_the_table(qembed, digits):
    result = qembed("bench", digits, "--host")
    assert result.status == 0
    assert "GMAC/s" in result.stdout and "not run: LiteRT" in result.stdout
