"""The steps for Firestore: the database, its indexes, and the field by which documents expire."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.steps import Step
from deploy.target import Target

DATABASE = "(default)"
SCOPES = {"COLLECTION": "collection", "COLLECTION_GROUP": "collection-group"}


def region(target: Target) -> Step:
    """The region, looked for before anything is made that would stay behind in a wrong one."""
    name, filtered = target.region, f"--filter=locationId={target.region}"
    where = ("--format=value(locationId)", *target.in_project)
    return Step(
        title=f"Region {name}",
        exists=("firestore", "locations", "list", filtered, *where),
        absent=f"Firestore has no region {name}. Those that there are: gcloud firestore locations "
        f"list --project={target.project}",
    )


def database(target: Target) -> Step:
    """The one Firestore database, in native mode; removing it removes every job."""
    where = (f"--database={DATABASE}", *target.in_project)
    return Step(
        title="Firestore database",
        exists=("firestore", "databases", "describe", *where, "--format=value(name)"),
        create=(
            *("firestore", "databases", "create", f"--location={target.region}"),
            *("--type=firestore-native", *where),
        ),
        remove=("firestore", "databases", "delete", *where),
    )


def indexes(target: Target, declared: Mapping[str, Any]) -> Iterator[Step]:
    """Composite indexes; one that is there already is left alone."""
    for index in declared.get("indexes", ()):
        group = index["collectionGroup"]
        fields = tuple(f"--field-config={_field_config(field)}" for field in index["fields"])
        paths = ", ".join(field["fieldPath"] for field in index["fields"])
        which = (f"--collection-group={group}", f"--query-scope={SCOPES[index['queryScope']]}")
        create = ("firestore", "indexes", "composite", "create", *which, *fields, *_in(target))
        yield Step(f"Index on {group} ({paths})", create)


def fields(target: Target, declared: Mapping[str, Any]) -> Iterator[Step]:
    """Fields by which documents expire, and fields that are not worth an index."""
    for override in declared.get("fieldOverrides", ()):
        path, group = override["fieldPath"], override["collectionGroup"]
        field = (path, f"--collection-group={group}")
        if not override.get("indexes"):
            how = (*field, "--disable-indexes", *_in(target))
            yield Step(
                f"No index on {group}.{path}", ("firestore", "indexes", "fields", "update", *how)
            )
        if override.get("ttl"):
            how = (*field, "--enable-ttl", *_in(target))
            yield Step(
                f"Documents of {group} expire by {path}",
                ("firestore", "fields", "ttls", "update", *how),
            )


def read_indexes() -> Mapping[str, Any]:
    """What firestore.indexes.json declares; Firebase's tools read that file too."""
    file = Path(__file__).with_name("firestore.indexes.json")
    declared: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return declared


def _field_config(field: Mapping[str, str]) -> str:
    if "arrayConfig" in field:
        return f"field-path={field['fieldPath']},array-config={field['arrayConfig'].lower()}"
    return f"field-path={field['fieldPath']},order={field['order'].lower()}"


def _in(target: Target) -> tuple[str, ...]:
    return ("--async", f"--database={DATABASE}", *target.in_project)
