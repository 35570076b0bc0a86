"""Records that take no unknown field, and what is said of one that does not fit."""

from __future__ import annotations

import reprlib
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["Strict", "explain"]


class Strict(BaseModel):
    """A record that takes no unknown field and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def explain(error: ValidationError) -> str:
    """Return the problems of a validation in one line: each field, what was found, what is expected or was meant."""
    problems: dict[str, list[Any]] = {}
    for problem in error.errors():
        problems.setdefault(".".join(map(str, problem["loc"][:1])), []).append(problem)
    found = []
    for of_field in problems.values():
        # Of a field that takes several forms (`tfs`, `split`), the problems of the form that was meant.
        meant = [problem for problem in of_field if problem["type"] not in _OF_OTHER_FORMS]
        found += meant or of_field[:1]
    said = list(dict.fromkeys(_said(problem, error.title) for problem in found))
    more = [f"{len(said) - _MOST_SAID} more"] if len(said) > _MOST_SAID else []
    return "; ".join([*said[:_MOST_SAID], *more])


def _said(problem: Any, title: str) -> str:
    field = ".".join(str(part) for part in problem["loc"] if "[" not in str(part) and part not in _FORMS) or "file"
    # What the message quotes itself is not quoted again, and a list of thousands not at all.
    quoted = problem["type"] in {"missing", "extra_forbidden"} or problem.get("ctx", {}).get("error") is not None
    found = "" if quoted else f" (found {_shortened(problem['input'])})"
    near = get_close_matches(str(problem["loc"][-1]), _fields(title, problem["loc"]), n=2) if problem["loc"] else []
    meant = f"; did you mean {' or '.join(near)}?" if near and problem["type"] == "extra_forbidden" else ""
    return f"field {field!r}: {problem['msg']}{found}{meant}"


def _fields(title: str, place: tuple[int | str, ...]) -> list[str]:
    """Return the names of the fields that there are where a fault is, in the record of that title."""
    records = {record for record in _descendants(Strict) if record.__name__ == title}
    for part in place[:-1]:
        fields = (record.model_fields.get(str(part)) for record in records)
        records = {inner for field in fields if field for inner in _records_in(field.annotation)} or records
    return sorted({name for record in records for name in record.model_fields})


def _descendants(record: type[BaseModel]) -> list[type[BaseModel]]:
    return [each for child in record.__subclasses__() for each in (child, *_descendants(child))]


def _records_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the records that a field may hold, whatever is around them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [record for inner in get_args(annotation) for record in _records_in(inner)]


def _shortened(value: Any) -> str:
    text = reprlib.repr(value)
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}..."


_LONGEST_SAID, _MOST_SAID = 120, 6
_OF_OTHER_FORMS = {"literal_error", "model_type", "tuple_type"}
_FORMS = {"SplitConfig", "MostResolved", "Related", "names", "all"}
"""What pydantic puts between the names of a field and of its own fields, where a field takes several forms."""
