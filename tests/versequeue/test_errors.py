"""Every error as a problem document."""

import jsonschema
import pytest

from tests.support.errors import error_tree
from tests.support.paths import ROOT
from versequeue.api.schemas import schemas
from versequeue.errors import FieldError, Problem, ValidationFailed, VerseQueueError
from versequeue.records import from_record


@pytest.mark.parametrize("kind", error_tree())
def test_every_error_makes_a_document_as_described(kind: type[VerseQueueError]) -> None:
    problem = kind().problem("/v1/jobs")
    document = problem.document()
    jsonschema.validate(document, schemas()["Problem"])
    assert from_record(Problem, document) == problem
    assert problem.slug == kind.slug


def test_no_two_errors_share_a_name_for_different_things() -> None:
    told = {(kind.slug, kind.title, kind.status) for kind in error_tree()}
    assert len({slug for slug, *_ in told}) == len(told)


def test_a_document_names_each_fault_and_leaves_out_what_there_is_not() -> None:
    fault = FieldError("/options/lines", "Too many.")
    document = ValidationFailed("One field is not valid.", errors=[fault]).problem().document()
    assert document["errors"] == ({"pointer": "/options/lines", "detail": "Too many."},)
    assert "instance" not in document
    assert set(VerseQueueError().problem().document()) == {"type", "title", "status", "detail"}


def test_no_problem_is_made_anywhere_else() -> None:
    files = [file for name in ("versequeue", "worker_fn") for file in (ROOT / name).rglob("*.py")]
    by_hand = [file.name for file in files if "/problems/" in file.read_text()]
    assert by_hand == ["errors.py"]
