"""Models on the Hugging Face hub, fetched by its own client into its own cache."""

import fnmatch
from collections.abc import Callable
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)

from lyricist.checkpoints.files import HUB, PATTERNS, PICKLES
from lyricist.errors import BuildError

_MIB = 1 << 20
#: In a repository's folders stands what is for other runtimes.
_UNWANTED = "*/*"


def fetch(name: str, say: Callable[[str], None]) -> Path:
    """The folder of `hf:owner/name`, fetched unless it is in the cache as it is on the hub; if the
    hub cannot be asked, as it was fetched last.

    `say` is told, before anything is fetched, what it is, how much, and under which licence. Raises
    BuildError.
    """
    repository = name.removeprefix(HUB)
    try:
        about = HfApi().model_info(repository, files_metadata=True)
        files = [file for file in about.siblings or () if _is_wanted(file.rfilename)]
        names = {file.rfilename for file in files}
        if not any(each.endswith(".safetensors") for each in names):
            raise BuildError(_without_weights(name, [f.rfilename for f in about.siblings or ()]))
        licence = about.card_data.get("license") if about.card_data else None
        size = sum(file.size or 0 for file in files) / _MIB
        say(
            f"Fetching {repository} from {constants.ENDPOINT}: {len(files)} files, "
            f"{size:.0f} MiB, licence {licence or 'unknown'}."
        )
        return _snapshot(repository)
    except GatedRepoError as error:
        raise BuildError(
            f"{name} asks its users to agree to a licence first: do so on its page, then set "
            "HF_TOKEN to a token of yours."
        ) from error
    except RepositoryNotFoundError as error:
        raise BuildError(f"There is no {repository} on {constants.ENDPOINT}.") from error
    except HFValidationError as error:
        raise BuildError(f"{name!r} is no name of a model: hf:owner/name is one.") from error
    except (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        httpx2.HTTPError,
        OSError,
        ValueError,
    ) as error:
        kept = cached(name)
        if kept is None:
            raise BuildError(
                f"{name} cannot be fetched from {constants.ENDPOINT}: {error}"
            ) from error
        say(f"{constants.ENDPOINT} cannot be asked: {repository} is taken as it was last fetched.")
        return kept


def cached(name: str) -> Path | None:
    """The folder of `hf:owner/name` in the cache, as it was last fetched; the hub is not asked."""
    try:
        return _snapshot(name.removeprefix(HUB), is_cached=True)
    except (HfHubHTTPError, HFValidationError, OSError, ValueError):
        return None


def _snapshot(repository: str, *, is_cached: bool = False) -> Path:
    return Path(
        snapshot_download(
            repository,
            allow_patterns=list(PATTERNS),
            ignore_patterns=[_UNWANTED],
            local_files_only=is_cached,
        )
    )


def _is_wanted(file: str) -> bool:
    return any(fnmatch.fnmatchcase(file, pattern) for pattern in PATTERNS) and "/" not in file


def _without_weights(name: str, files: list[str]) -> str:
    if any(fnmatch.fnmatchcase(file, pattern) for file in files for pattern in PICKLES):
        return (
            f"{name} has its weights in pickles only, which are never read, since that would run "
            "code from them."
        )
    return f"{name} has no safetensors, so nothing was fetched."
