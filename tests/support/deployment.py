"""A deployment to talk about in tests: its target and its steps."""

from pathlib import Path
from typing import Any

from deploy.deployment import deployment_steps
from deploy.steps import Step
from deploy.target import Target
from versequeue.named_models import read_models

TARGET = Target(
    project="song-shop",
    region="europe-west1",
    project_number="123456789012",
    models=read_models("gs://song-models/smollm2"),
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
