import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("long", max_examples=20_000, deadline=None)
settings.load_profile(os.environ.get("QEMBED_HYPOTHESIS", "ci"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real models and data; tests that need it run wherever it is given."""
    folder = os.environ.get("QEMBED_SHARED")
    if not folder:
        pytest.skip("QEMBED_SHARED is not set: no real models here")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what tests build out of the user's cache; all workers of one run share it."""
    base = tmp_path_factory.getbasetemp()
    shared_base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    os.environ["XDG_CACHE_HOME"] = str(shared_base / "cache")
