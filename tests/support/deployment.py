"""A deployment to talk about in tests: its target, its steps, a cloud that remembers."""

from pathlib import Path
from typing import Any

from deploy.deployment import deployment_steps
from deploy.gcloud import Answer
from deploy.steps import FOUND, Command, Step
from deploy.target import Target

TARGET = Target(
    project="song-shop",
    region="europe-west1",
    project_number="123456789012",
    billing_account="billingAccounts/012345-6789AB-CDEF01",
    model="gs://song-models/smollm2",
    cors_origins=("https://songs.example", "https://two.example"),
)
INDEXES: dict[str, Any] = {
    "indexes": [
        {
            "collectionGroup": "jobs",
            "queryScope": "COLLECTION",
            "fields": [
                {"fieldPath": "batch_id", "order": "ASCENDING"},
                {"fieldPath": "created_at", "order": "DESCENDING"},
                {"fieldPath": "tags", "arrayConfig": "CONTAINS"},
            ],
        }
    ],
    "fieldOverrides": [
        {"collectionGroup": "jobs", "fieldPath": "expires_at", "ttl": True, "indexes": []},
    ],
}


def steps(target: Target = TARGET) -> tuple[Step, ...]:
    return deployment_steps(target, Path("build"), INDEXES)


def created(target: Target = TARGET) -> list[str]:
    return [" ".join(step.create) for step in steps(target) if step.create]


class FakeCloud:
    """Remembers what was made, by the command that would make it."""

    def __init__(self, planned: tuple[Step, ...]) -> None:
        self.planned = planned
        self.there: set[str] = set()
        self.ran: list[Command] = []
        self.given: dict[str, str] = {}

    def __call__(self, command: Command, stdin: str) -> Answer:
        self.ran.append(command)
        for step in self.planned:
            name = step.title.replace(" ", "-")
            if command == step.exists:
                return Answer(0, f"{name}\n" * (step.title in self.there))
            if command == step.create:
                if step.title in self.there and step.exists:
                    return Answer(1, "", "ERROR: ALREADY_EXISTS")
                self.there.add(step.title)
                self.given[step.title] = stdin
                return Answer(0)
            if step.remove and command == tuple(
                name if word == FOUND else word for word in step.remove
            ):
                self.there.discard(step.title)
        return Answer(0)

    def made(self) -> list[Command]:
        made = {step.create for step in self.planned if step.exists}
        return [command for command in self.ran if command in made]
