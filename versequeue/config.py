"""Settings: the one place where the environment is read, in `VERSEQUEUE_…` variables.

0 or empty switches a limit off. An unreadable value is a StartupError that names the variable.
"""

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from versequeue.errors import StartupError
from versequeue.named_models import NamedModel, read_models

T = TypeVar("T")
S = TypeVar("S", "Settings", "ClientSettings")
PREFIX = "VERSEQUEUE_"
#: Models that `model` can name, the bundles that `python -m lyricist build --preset` makes.
PRESETS = ("default", "tiny")
#: What the host of the page adds to each request that it passes on, with the secret as its value.
PAGE_SECRET_HEADER = "X-VerseQueue-Page"  # noqa: S105 - its name, not the secret
#: How long whoever pushes a message waits for its ack: the longest that Pub/Sub allows, so that a
#: slow start is not taken for a lost message.
ACK_DEADLINE_S = 600


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it is one of {', '.join(allowed)}")
        return text

    return read


def _number_in(text: str, at_least: float, what: str, at_most: float = sys.float_info.max) -> float:
    with suppress(ValueError):
        if at_least <= (number := float(text)) <= at_most:
            return number
    raise ValueError(f"it is {what}")


def _positive(text: str) -> float:
    return _number_in(text, 1e-9, "a number above 0")


def _not_negative(text: str) -> float:
    return _number_in(text, 0, "a number from 0")


def _part(text: str) -> float:
    return _number_in(text, 0, "a number from 0 to 1", at_most=1)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("it is a whole number from 0")
    return int(text)


def _positive_int(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise ValueError("it is a whole number from 1")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("0", "1", "true", "false"):
        raise ValueError("it is 0 or 1")
    return text.lower() in ("1", "true")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word)


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(host_name(word) for word in _words(text))


def _secret(text: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]{16,512}", text):
        # Unlike other values it is not shown.
        raise StartupError(f"{PREFIX}PAGE_SECRET is 16 to 512 visible ASCII characters.")
    return text


def _header_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", text):
        raise ValueError("it is the name of a header")
    return text


def host_name(text: str) -> str:
    """The name or address in a `Host` header or in an entry of X-Forwarded-For, without a port."""
    text = text.strip().strip('"').lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return (text if text.count(":") > 1 else text.partition(":")[0]).rstrip(".")


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("it begins with http:// or https://")
    return text.rstrip("/")


def _contact(text: str) -> str:
    if not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://\S+", text):
        raise ValueError("it begins with mailto: or https://")
    return text


def _setting(default: T, read: Callable[[str], T], variable: str = "") -> T:
    """A field that `read` reads from `variable`, by default the one with the field's name."""
    about = {"read": read, "variable": variable}
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Settings:
    """How the job system behaves; the defaults are those of one machine."""

    #: `sqlite` (embedded), or `gcp` (Firestore and Pub/Sub; on their emulators where
    #: `versequeue up --backend emulators` has set it)
    backend: str = _setting("sqlite", _choice("sqlite", "gcp"))
    data_dir: Path = _setting(Path(".versequeue"), Path)  # noqa: RUF009 - never changed
    #: each `default`, `tiny`, a bundle's folder, or gs://bucket/prefix, by commas; with a name
    #: before it, name=PATH. The first is written with where none is asked for
    models: tuple[NamedModel, ...] = _setting(read_models("default"), read_models, "MODEL")
    #: threads of the network; 0: as many as the machine has to spare, which in the cloud are more
    #: while an instance starts than it keeps
    model_threads: int = _setting(0, _count)
    #: address of a Cloud Storage emulator, for a model in gs://
    storage_url: str = ""
    #: Google Cloud project of the `gcp` backend
    project: str = _setting("", str)
    #: a worker that has not reported for this long has lost its job
    lease_s: float = _setting(30.0, _positive)
    #: one attempt may not take longer, however often it reports
    attempt_limit_s: float = _setting(540.0, _positive)
    #: a worker that lives but has drawn no token for so long hangs
    stall_limit_s: float = _setting(60.0, _positive)
    max_attempts: int = _setting(5, _positive_int)
    #: an unfinished job expires after this time
    deadline_s: float = _setting(86_400.0, _positive)
    retention_days: float = _setting(30.0, _positive)
    #: seconds between two writes of progress of one job
    progress_interval_s: float = _setting(1.0, _not_negative)
    #: seconds between two ticks of the sweep (the scheduler's period in the cloud)
    sweep_interval_s: float = _setting(60.0, _positive)
    #: a worker that was seen within this time is taken to be warm
    warm_s: float = _setting(900.0, _positive)
    rate_per_minute: int = _setting(0, _count)
    daily_budget: int = _setting(0, _count)
    #: requests that may wait for a job at one time; others that ask for it are answered at once
    waiters: int = _setting(8, _count)
    #: documents of the store that one process reads a minute for one client
    reads_per_minute: int = _setting(0, _count)
    #: part of the daily budget that one client may use, where clients need no key
    client_share: float = _setting(0.25, _part)
    api_keys: tuple[str, ...] = _setting((), _words)
    cors_origins: tuple[str, ...] = _setting((), _words)
    #: secret of the keyed hash under which a client's address is stored
    hash_key: str = _setting("", str)
    #: proxies in front of the server that add to X-Forwarded-For; the address before them counts
    trusted_proxies: int = _setting(0, _count)
    #: what the host of the page sends along to show that it has passed a request on
    page_secret: str = _setting("", _secret)
    #: header in which that host names the caller; read only beside the secret
    page_address_header: str = _setting("X-Nf-Client-Connection-Ip", _header_name)
    #: names and addresses that this server answers to; none: to all
    hosts: tuple[str, ...] = _setting((), _hosts)
    #: one or two `whsec_…` secrets, the newest first
    webhook_secrets: tuple[str, ...] = _setting((), _words, "WEBHOOK_SECRET")
    #: base64 of the 32 bytes of the key that pushes are signed with; empty: none are sent
    push_key: str = _setting("", str)
    #: a mailto: or https: address at which a push service may complain; else that of submit
    push_contact: str = _setting("", _contact)
    webhook_allow_private: bool = _setting(False, _flag)
    #: public base URLs, where submit and results do not share the origin of the caller
    submit_url: str = _setting("", _base_url)
    results_url: str = _setting("", _base_url)
    #: name of this worker, given by whoever started it; made up if empty
    worker: str = _setting("", str)
    #: jobs have the options of a model that writes no songs, and those of a song are not known
    own_options: bool = _setting(False, _flag)
    #: this worker takes batches only, so it does not report that it is warm: visitors never get it
    bulk_only: bool = _setting(False, _flag)
    log_level: str = _setting("INFO", str.upper)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Settings from `VERSEQUEUE_…` variables. Raises StartupError naming a bad one."""
        given = os.environ if environ is None else environ
        settings = _read(
            cls,
            given,
            storage_url=given.get("STORAGE_EMULATOR_HOST", ""),
            project=given.get("GOOGLE_CLOUD_PROJECT", ""),
            waiters=_threads(given) // 3,
        )
        settings._check_times()
        if settings.own_options and len(settings.models) > 1:
            raise StartupError("VERSEQUEUE_OWN_OPTIONS is for a server with one model.")
        return settings

    @property
    def model_names(self) -> tuple[str, ...]:
        """What a job may ask for, the default one first."""
        return tuple(model.name for model in self.models)

    def model_of(self, asked: str) -> NamedModel | None:
        """The model that a job with this option is written with; None if there is no such model."""
        if not asked:
            return self.models[0]
        return next((model for model in self.models if model.name == asked), None)

    def told_model(self, asked: str) -> str:
        """The option as a job keeps it: empty where there is nothing to choose from."""
        return (asked or self.models[0].name) if len(self.models) > 1 else ""

    def check_hash_key(self) -> None:
        """Raise StartupError if a function in the cloud would hash callers' addresses without it.

        Each address could be found again from such a hash by trying all there are.
        """
        if self.backend == "gcp" and not self.hash_key:
            raise StartupError("VERSEQUEUE_HASH_KEY is needed by submit and results.")

    def _check_times(self) -> None:
        """Raise StartupError unless each time fits into the next, the deadline into retention."""
        chain = (
            ("VERSEQUEUE_PROGRESS_INTERVAL_S", self.progress_interval_s),
            ("VERSEQUEUE_LEASE_S", self.lease_s),
            ("VERSEQUEUE_ATTEMPT_LIMIT_S", self.attempt_limit_s),
            ("the queue's ack deadline", ACK_DEADLINE_S),
        )
        for (short, short_s), (long, long_s) in pairwise(chain):
            if short_s >= long_s:
                rule = f"must be shorter than {long} ({long_s:g} s)."
                raise StartupError(f"{short} ({short_s:g} s) {rule}")
        retention_s = self.retention_days * 86_400
        if self.deadline_s > retention_s:
            raise StartupError(
                f"VERSEQUEUE_DEADLINE_S ({self.deadline_s:g} s) must not be longer than "
                f"VERSEQUEUE_RETENTION_DAYS ({retention_s:g} s)."
            )


@dataclass(frozen=True)
class ClientSettings:
    """What the client and the command line need to reach a server."""

    url: str = _setting("http://127.0.0.1:8080", _base_url)
    api_key: str = _setting("", str)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "ClientSettings":
        """Client settings from `VERSEQUEUE_URL` and `VERSEQUEUE_API_KEY`."""
        return _read(cls, os.environ if environ is None else environ)


def variables(of: type[Settings] | type[ClientSettings]) -> dict[str, str]:
    """The variable of each field of `of` that has one."""
    return {
        each.name: PREFIX + (each.metadata["variable"] or each.name.upper())
        for each in fields(of)
        if each.metadata
    }


def _read(cls: type[S], environ: Mapping[str, str], **defaults: Any) -> S:
    readers = {each.name: each.metadata["read"] for each in fields(cls) if each.metadata}
    for name, variable in variables(cls).items():
        if text := environ.get(variable, "").strip():
            try:
                defaults[name] = readers[name](text)
            except ValueError as error:
                raise StartupError(f"{variable}={text!r} is not valid: {error}.") from error
    return cls(**defaults)


def _threads(environ: Mapping[str, str]) -> int:
    """Requests that this function's server works on at one time: functions-framework's rule."""
    text = environ.get("THREADS", "")
    return int(text) if text.isdecimal() else 4 * (os.cpu_count() or 1)
