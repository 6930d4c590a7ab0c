"""The networks of the package pymicro-wakeword, which need not be imported for that."""

import importlib.util
from pathlib import Path

WAKE_WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")


def wake_word(name: str) -> Path:
    spec = importlib.util.find_spec("pymicro_wakeword")
    return Path(spec.submodule_search_locations[0]) / f"models/{name}.tflite"
