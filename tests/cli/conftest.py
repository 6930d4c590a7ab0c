import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from qembed.cli import run
from qembed.resources import PACKAGE


@dataclass(frozen=True)
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def document(self):
        """What --json printed: one object, nothing else."""
        document = json.loads(self.stdout)
        assert document["schema"] == 1
        return document

    @property
    def sentence(self):
        """What went wrong: one line on stderr, nothing on stdout, no traceback."""
        assert self.stdout == ""
        (line,) = self.stderr.splitlines()
        assert line.startswith("qembed: ") and "Traceback" not in line
        return line


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """What the tests build: each firmware once. Exports are remembered for one test only."""
    return tmp_path_factory.mktemp("built")


@pytest.fixture
def qembed(capfd, tmp_path, monkeypatch, built):
    """Run a command in an empty folder; whatever fails must leave no file there."""
    monkeypatch.chdir(tmp_path)
    cache = tmp_path.parent / f"{tmp_path.name}-cache"
    (cache / "qembed").mkdir(parents=True)
    for name in ("firmware", "tools"):
        (built / name).mkdir(exist_ok=True)
        (cache / "qembed" / name).symlink_to(built / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))

    def call(*arguments, left=None):
        before = set(tmp_path.rglob("*"))
        status = run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        if status not in (0, 1):
            assert set(tmp_path.rglob("*")) == before, "something half-written is left"
        return Result(status, out, err)

    return call


@pytest.fixture
def needs():
    """Skip where programs are missing; they are the subject of other tests."""

    def require(*programs):
        missing = [p for p in programs if shutil.which(p) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")

    return require


@pytest.fixture
def digits() -> Path:
    return PACKAGE / "data" / "digits.npz"
