"""Which export a board was made from: told by what it reports, never guessed."""

import dataclasses

import pytest

from qembed import container
from qembed.errors import DeviceError
from qembed.export.manifest import manifest
from qembed.export.model import model_sources
from qembed.protocol.messages import Model
from qembed.resources import PACKAGE
from qembed.targets import load_target
from qembed.verify.exports import keep, layers_on, model_on
from qembed.verify.layers import layers_of


@pytest.fixture
def graph(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return container.load(PACKAGE / "data" / "digits.npz")


@pytest.fixture
def exported(graph):
    """An export: how it is described, what its layers are, what a board with it reports."""
    target = load_target("cortex-m4")
    sources = model_sources(graph, target)
    document = manifest(graph, target, sources)
    layers = layers_of(sources)
    digest = container.graph_hash(graph)
    model = Model(
        digest, document["arena_bytes"], len(layers), (64,), (10,), "digits", sources.export_id
    )
    return document, layers, model


def test_the_board_tells_its_model_and_export(graph, exported):
    document, layers, model = exported
    keep(graph, document)
    found = model_on([model])
    assert container.graph_hash(found) == container.graph_hash(graph)
    assert layers_on(found, model) == layers
    keep(graph, document)
    assert layers_on(found, model) == layers


def test_another_export_of_the_model_is_not_taken(graph, exported):
    document, _, model = exported
    keep(graph, document)
    for other in ("", "cortex-m4-000000000000"):
        with pytest.raises(DeviceError, match=f"is of export '{other}', which was not made on"):
            layers_on(graph, dataclasses.replace(model, export_id=other))


def test_exports_of_one_size_are_told_apart_by_their_name(graph, exported):
    """Same model, target, arena and number of layers; another kernel."""
    document, layers, model = exported
    keep(graph, document)
    rows = [dict(row) for row in document["layers"]]
    rows[0]["variant"], rows[0]["function"] = "other", "qe_other"
    keep(graph, {**document, "layers": rows, "export_id": "cortex-m4-other"})
    assert layers_on(graph, model) == layers
    other = layers_on(graph, dataclasses.replace(model, export_id="cortex-m4-other"))
    assert other[0].function == "qe_other" and other[1:] == layers[1:]


def test_the_name_of_an_export_follows_target_and_kernels(graph):
    names = [model_sources(graph, load_target(t)).export_id for t in ("cortex-m4", "native")]
    assert names[0].startswith("cortex-m4-") and names[1].startswith("native-")
    odd = dataclasses.replace(load_target("native"), name='my "chip" %s')
    assert model_sources(graph, odd).export_id == "my__chip___s-" + names[1][-12:]


def test_what_is_damaged_or_foreign_is_as_if_it_were_not_there(graph, exported, tmp_path):
    document, layers, model = exported
    keep(graph, document)
    (folder,) = (tmp_path / "qembed" / "exports").iterdir()
    for name, text in (("a", "{"), ("b", "[]"), ("c", "[" * 100_000), ("d", '{"hash": 3}')):
        (folder / f"{name}.json").write_text(text)
    assert layers_on(graph, model) == layers


def test_boards_with_several_or_unknown_models(graph, exported):
    _, _, model = exported
    with pytest.raises(DeviceError, match="was not exported on this computer"):
        model_on([model])
    with pytest.raises(DeviceError, match=r"holds 2 models \('digits', 'other'\)"):
        model_on([model, dataclasses.replace(model, name="other")])
    with pytest.raises(DeviceError, match="holds 0 models"):
        model_on([])


def test_a_model_file_that_is_not_what_its_folder_says(graph, exported, tmp_path):
    document, _, model = exported
    keep(graph, document)
    (path,) = (tmp_path / "qembed" / "exports").glob("*/model.npz")
    container.save(dataclasses.replace(graph, nodes=graph.nodes[:-1], outputs=(10,)), path)
    with pytest.raises(DeviceError, match="is not the model that its folder is named after"):
        model_on([model])
