"""The project in memory: what is in it, who may do what, what its owner and organization allow."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.gcloud.texts import TEXTS


class Refusal(Exception):
    """What a command ends with instead of its effect: a row of the table, filled in."""

    def __init__(self, row: str, **words: object) -> None:
        super().__init__(row)
        self.row, self.words = row, words

    def said(self, known: dict[str, object]) -> str:
        """gcloud's sentence, without its head."""
        return TEXTS[self.row].said.format(**known | self.words)


@dataclass
class Cloud:
    """Everything that outlives a command. The fields up to `dies_at` are a test's to set."""

    project: str = "song-shop"
    number: str = "123456789012"
    region: str = "europe-west1"
    #: how long a new right or identity, or a service just enabled, is not known yet
    iam_spread_s: float = 0.0
    api_spread_s: float = 0.0
    #: the id of the billing account, or nothing
    billing: str = "012345-6789AB-CDEF01"
    has_billing_rights: bool = True
    allows_everybody: bool = True
    allows_unasked: bool = True
    allows_identities: bool = True
    builds_here: bool = True
    #: where Firestore can be
    regions: list[str] = field(default_factory=lambda: ["europe-west1", "us-central1", "nam5"])
    #: how long a change of a field's indexes goes on after its command has ended
    field_change_s: float = 0.0
    #: all that a region gives, in vCPUs of all instances together
    processors: float = 200.0
    #: number of the command, from 1, whose network fails: before the service hears of it, or after
    lost_before: int = 0
    lost_after: int = 0
    #: from that command on, nothing goes through
    stays_lost: bool = False
    #: number of the command that is never answered, since the whole machine dies over it
    dies_at: int = 0

    now_s: float = 0.0
    ran: list[str] = field(default_factory=list)
    #: kind -> name -> what is kept of the thing
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    #: "kind name member role" -> when it is known everywhere
    rights: dict[str, float] = field(default_factory=dict)
    #: API -> when it is known everywhere
    apis: dict[str, float] = field(default_factory=dict)
    #: name -> when its name may be used again
    resting: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "Cloud":
        """The project as the last command left it."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))

    def save(self, file: Path) -> None:
        """Keep it for the next command; a machine that dies leaves the old state or the new."""
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(file)

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The things of a kind, by their names."""
        return self.things.setdefault(kind, {})

    def thing(self, kind: str, name: str, row: str = "") -> dict[str, Any]:
        """What is kept of a thing. Raises Refusal if it is not there."""
        if name not in self.of(kind):
            raise Refusal(row or f"no {kind}", name=name)
        return self.of(kind)[name]

    def may(self, kind: str, name: str, member: str, role: str) -> bool:
        """Whether a right was given and is known everywhere by now."""
        return self.rights.get(f"{kind} {name} {member} {role}", self.now_s + 1) <= self.now_s

    def knows(self, member: str) -> bool:
        """Whether an identity is there and known everywhere by now."""
        name = member.removeprefix("serviceAccount:")
        identity = self.of("iam service-accounts").get(name)
        return identity is not None and identity["known_at_s"] <= self.now_s

    def check_api(self, api: str) -> None:
        """Raise Refusal if an API is off, or was switched on a moment ago."""
        if self.apis.get(api, self.now_s + 1) > self.now_s:
            raise Refusal("service is off", api=api, name="x")

    @property
    def is_offline(self) -> bool:
        """Whether no request gets through any more."""
        lost = self.lost_before or self.lost_after
        return self.stays_lost and 0 < lost <= len(self.ran)

    def remaining(self) -> dict[str, list[str]]:
        """The names of all that there is, but for what Google itself keeps."""
        return {
            kind: sorted(name for name in things if "gcp-sa-" not in name)
            for kind, things in self.things.items()
            if any("gcp-sa-" not in name for name in things)
        }

    def shape(self) -> str:
        """What all complete deployments have in common, whatever happened on the way."""
        kept = {
            kind: [
                (
                    "" if kind == "billing budgets" else name,
                    thing.get("flags"),
                    thing.get("versions"),
                )
                for name, thing in sorted(things.items())
            ]
            for kind, things in self.things.items()
        }
        return json.dumps([kept, sorted(self.rights)], sort_keys=True)
