import pytest

from qembed.errors import QembedError
from qembed.export import folder
from qembed.export.folder import write_folder

FILES = {"a.c": b"1", "kernels/b.c": b"2"}


def listing(path):
    return {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}


def test_a_new_folder_appears_with_its_parents(tmp_path):
    out = tmp_path / "x" / "y"
    write_folder(out, FILES)
    assert listing(out) == {*FILES, folder.MARKER}
    assert (out / "kernels/b.c").read_bytes() == b"2"
    assert [p.name for p in out.parent.iterdir()] == ["y"]


def test_an_earlier_export_is_replaced_with_what_was_built_from_it(tmp_path):
    out = tmp_path / "out"
    write_folder(out, FILES)
    (out / "build").mkdir()
    (out / "build" / "a.o").write_bytes(b"old")
    write_folder(out, {"c.c": b"3"})
    assert listing(out) == {"c.c", folder.MARKER}


def test_an_empty_folder_is_taken(tmp_path):
    write_folder(tmp_path, FILES)
    assert listing(tmp_path) == {*FILES, folder.MARKER}


@pytest.mark.parametrize("name", ["main.c", "kernels/mine.c", ".git/config", "builds/x"])
def test_a_users_file_is_never_lost(tmp_path, name):
    out = tmp_path / "out"
    write_folder(out, FILES)
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine")
    with pytest.raises(QembedError, match=f"holds '{name}', which no export wrote"):
        write_folder(out, FILES)
    assert (out / name).read_text() == "mine"
    assert listing(out) == {*FILES, folder.MARKER, name}


def test_what_was_built_elsewhere_is_not_ours(tmp_path):
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "mine.o").write_text("mine")
    with pytest.raises(QembedError, match=r"holds 'build/mine\.o'"):
        write_folder(tmp_path, FILES)
    assert listing(tmp_path) == {"build/mine.o"}


def test_a_listing_cannot_claim_what_is_not_a_list(tmp_path):
    (tmp_path / "mine.c").write_text("mine")
    for text in ('{"mine.c": 1}', "[1, null]", "\xff", '"mine.c"'):
        (tmp_path / folder.MARKER).write_text(text, encoding="latin-1")
        with pytest.raises(QembedError, match=r"holds 'mine\.c'"):
            write_folder(tmp_path, FILES)


def test_a_file_or_a_link_in_the_way(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "link"):
        with pytest.raises(QembedError, match="is no folder"):
            write_folder(tmp_path / name, FILES)
    with pytest.raises(QembedError, match="cannot be written"):
        write_folder(tmp_path / "file" / "below", FILES)


def test_a_failure_leaves_the_earlier_export(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_folder(out, FILES)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "_fill", full)
    with pytest.raises(QembedError, match="out cannot be written: No space left on device"):
        write_folder(out, {"c.c": b"3"})
    assert listing(out) == {*FILES, folder.MARKER}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failed_swap_puts_the_earlier_export_back(tmp_path, monkeypatch):
    out = tmp_path / "out"
    write_folder(out, FILES)
    fill = folder._fill

    def fill_then_lose(path, files):
        fill(path, files)
        path.rename(path.with_name("gone"))

    monkeypatch.setattr(folder, "_fill", fill_then_lose)
    with pytest.raises(QembedError, match="cannot be written"):
        write_folder(out, {"c.c": b"3"})
    assert listing(out) == {*FILES, folder.MARKER}
