"""Settings: the one place where the environment is read.

Every setting is a `VERSEQUEUE_…` variable, listed in the README. 0 or empty switches a limit off.
An unreadable value is a StartupError that names the variable.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from versequeue.errors import StartupError

T = TypeVar("T")
PREFIX = "VERSEQUEUE_"
#: Models that `model` can name, the bundles that `python -m lyricist build --preset` makes.
PRESETS = ("default", "tiny")
#: What the host of the page adds to each request that it passes on, with the secret as its value.
PAGE_SECRET_HEADER = "X-VerseQueue-Page"  # noqa: S105 - its name, not the secret
#: How long whoever pushes a message waits for its ack: the longest that Pub/Sub allows, so that a
#: slow start is not taken for a lost message.
ACK_DEADLINE_S = 600


@dataclass(frozen=True)
class Settings:
    """How the job system behaves; the defaults are those of one machine."""

    #: `sqlite` (embedded), or `gcp` (Firestore and Pub/Sub; on their emulators where
    #: `versequeue up --backend emulators` has set it)
    backend: str = "sqlite"
    data_dir: Path = Path(".versequeue")
    #: `default`, `tiny`, a bundle's folder, or gs://bucket/prefix
    model: str = "default"
    #: address of a Cloud Storage emulator, for a model in gs://
    storage_url: str = ""
    #: Google Cloud project of the `gcp` backend
    project: str = ""
    #: a worker that has not reported for this long has lost its job
    lease_s: float = 30.0
    #: one attempt may not take longer, however often it reports
    attempt_limit_s: float = 540.0
    #: a worker that lives but has drawn no token for so long hangs
    stall_limit_s: float = 60.0
    max_attempts: int = 5
    #: an unfinished job expires after this time
    deadline_s: float = 86_400.0
    retention_days: float = 30.0
    #: seconds between two writes of progress of one job
    progress_interval_s: float = 1.0
    #: seconds between two ticks of the sweep (the scheduler's period in the cloud)
    sweep_interval_s: float = 60.0
    #: a worker that was seen within this time is taken to be warm
    warm_s: float = 900.0
    rate_per_minute: int = 0
    daily_budget: int = 0
    #: requests that may wait for a job at one time; others that ask for it are answered at once
    waiters: int = 8
    #: part of the daily budget that one client may use, where clients need no key
    client_share: float = 0.25
    #: documents of the store that one process reads a minute for one client
    reads_per_minute: int = 0
    api_keys: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    #: secret of the keyed hash under which a client's address is stored
    hash_key: str = ""
    #: proxies in front of the server that add to X-Forwarded-For; the address before them counts
    trusted_proxies: int = 0
    #: what the host of the page sends along to show that it has passed a request on
    page_secret: str = ""
    #: header in which that host names the caller; read only beside the secret
    page_address_header: str = "X-Nf-Client-Connection-Ip"
    #: names and addresses that this server answers to; none: to all
    hosts: tuple[str, ...] = ()
    #: one or two `whsec_…` secrets, the newest first
    webhook_secrets: tuple[str, ...] = ()
    webhook_allow_private: bool = False
    #: public base URLs, where submit and results do not share the origin of the caller
    submit_url: str = ""
    results_url: str = ""
    #: name of this worker, given by whoever started it; made up if empty
    worker: str = ""
    #: this worker takes batches only, so it does not report that it is warm: visitors never get it
    bulk_only: bool = False
    log_level: str = "INFO"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Settings from `VERSEQUEUE_…` variables. Raises StartupError naming a bad one."""
        read = _Reader(os.environ if environ is None else environ)
        standard = cls()
        settings = cls(
            backend=read.one("BACKEND", _choice("sqlite", "gcp"), standard.backend),
            data_dir=read.one("DATA_DIR", Path, standard.data_dir),
            model=read.one("MODEL", str, standard.model),
            storage_url=read.plain("STORAGE_EMULATOR_HOST"),
            project=read.one("PROJECT", str, read.plain("GOOGLE_CLOUD_PROJECT")),
            lease_s=read.one("LEASE_S", _positive, standard.lease_s),
            attempt_limit_s=read.one("ATTEMPT_LIMIT_S", _positive, standard.attempt_limit_s),
            stall_limit_s=read.one("STALL_LIMIT_S", _positive, standard.stall_limit_s),
            max_attempts=read.one("MAX_ATTEMPTS", _positive_int, standard.max_attempts),
            deadline_s=read.one("DEADLINE_S", _positive, standard.deadline_s),
            retention_days=read.one("RETENTION_DAYS", _positive, standard.retention_days),
            progress_interval_s=read.one(
                "PROGRESS_INTERVAL_S", _not_negative, standard.progress_interval_s
            ),
            sweep_interval_s=read.one("SWEEP_INTERVAL_S", _positive, standard.sweep_interval_s),
            warm_s=read.one("WARM_S", _positive, standard.warm_s),
            rate_per_minute=read.one("RATE_PER_MINUTE", _count, 0),
            daily_budget=read.one("DAILY_BUDGET", _count, 0),
            waiters=read.one("WAITERS", _count, read.threads() // 3),
            reads_per_minute=read.one("READS_PER_MINUTE", _count, 0),
            client_share=read.one("CLIENT_SHARE", _part, standard.client_share),
            api_keys=read.one("API_KEYS", _words, ()),
            cors_origins=read.one("CORS_ORIGINS", _words, ()),
            hash_key=read.one("HASH_KEY", str, ""),
            trusted_proxies=read.one("TRUSTED_PROXIES", _count, 0),
            page_secret=read.one("PAGE_SECRET", _secret, ""),
            page_address_header=read.one(
                "PAGE_ADDRESS_HEADER", _header_name, standard.page_address_header
            ),
            hosts=read.one("HOSTS", _hosts, ()),
            webhook_secrets=read.one("WEBHOOK_SECRET", _words, ()),
            webhook_allow_private=read.one("WEBHOOK_ALLOW_PRIVATE", _flag, False),
            submit_url=read.one("SUBMIT_URL", _base_url, ""),
            results_url=read.one("RESULTS_URL", _base_url, ""),
            worker=read.one("WORKER", str, ""),
            bulk_only=read.one("BULK_ONLY", _flag, False),
            log_level=read.one("LOG_LEVEL", str.upper, standard.log_level),
        )
        settings._check_times()
        return settings

    def check_hash_key(self) -> None:
        """Raise StartupError if a function in the cloud would hash callers' addresses without it.

        Each address could be found again from such a hash by trying all there are.
        """
        if self.backend == "gcp" and not self.hash_key:
            raise StartupError("VERSEQUEUE_HASH_KEY is needed by submit and results.")

    def _check_times(self) -> None:
        """Raise StartupError where two times cannot work together: each fits into the next.

        A job has to end before it is deleted.
        """
        chain = (
            ("VERSEQUEUE_PROGRESS_INTERVAL_S", self.progress_interval_s),
            ("VERSEQUEUE_LEASE_S", self.lease_s),
            ("VERSEQUEUE_ATTEMPT_LIMIT_S", self.attempt_limit_s),
            ("the queue's ack deadline", ACK_DEADLINE_S),
        )
        for (short, short_s), (long, long_s) in pairwise(chain):
            if short_s >= long_s:
                raise StartupError(
                    f"{short} ({short_s:g} s) must be shorter than {long} ({long_s:g} s)."
                )
        retention_s = self.retention_days * 86_400
        if self.deadline_s > retention_s:
            raise StartupError(
                f"VERSEQUEUE_DEADLINE_S ({self.deadline_s:g} s) must not be longer than "
                f"VERSEQUEUE_RETENTION_DAYS ({retention_s:g} s)."
            )


@dataclass(frozen=True)
class ClientSettings:
    """What the client and the command line need to reach a server."""

    url: str = "http://127.0.0.1:8080"
    api_key: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "ClientSettings":
        """Client settings from `VERSEQUEUE_URL` and `VERSEQUEUE_API_KEY`."""
        read = _Reader(os.environ if environ is None else environ)
        return cls(
            url=read.one("URL", _base_url, cls.url), api_key=read.one("API_KEY", str, cls.api_key)
        )


class _Reader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def plain(self, name: str) -> str:
        return self._environ.get(name, "")

    def threads(self) -> int:
        """Requests that this function's server works on at one time: functions-framework's rule."""
        text = self.plain("THREADS")
        return int(text) if text.isdecimal() else 4 * (os.cpu_count() or 1)

    def one(self, name: str, read: Callable[[str], T], default: T) -> T:
        text = self._environ.get(PREFIX + name, "").strip()
        if not text:
            return default
        try:
            return read(text)
        except ValueError as error:
            raise StartupError(f"{PREFIX}{name}={text!r} is not valid: {error}.") from error


def _choice(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it is one of {', '.join(allowed)}")
        return text

    return read


def _number_in(text: str, at_least: float, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not at_least <= number < float("inf"):
        raise ValueError(f"it is {what}")
    return number


def _positive(text: str) -> float:
    return _number_in(text, 1e-9, "a number above 0")


def _not_negative(text: str) -> float:
    return _number_in(text, 0, "a number from 0")


def _part(text: str) -> float:
    number = _number_in(text, 0, "a number from 0 to 1")
    if number > 1:
        raise ValueError("it is a number from 0 to 1")
    return number


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
