"""Heterogeneity of a model: none, one of all studies, or one of every group of studies."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from secondline.project.documents import Strict, fail
from secondline.project.figures import Identifier


class UnequalHeterogeneity(Strict):
    """Heterogeneity that differs between groups of studies, each with a standard deviation of its own.

    A study belongs to one group, by what it compares, so that the random effects of a study with several arms keep
    their correlation of 0.5. All groups have the prior of tau; a group of few studies may stay close to it.
    """

    by: Literal["class", "comparison"]
    """What divides the studies: `class`, the classes of the treatments that a study compares; `comparison`, whether it
    has an inactive control."""
    inactive: Annotated[list[Identifier], Field(max_length=50)] = Field(default_factory=list)
    """The regimens that are inactive controls, by comparison; by default the reference."""


_FLAG: TypeAdapter[bool] = TypeAdapter(bool)


def _read(value: Any) -> bool | UnequalHeterogeneity:
    """Read true, false, or how the studies are divided; a mistake is reported with the key that it is in."""
    try:
        given = UnequalHeterogeneity.model_validate(value) if isinstance(value, dict) else value
        if isinstance(given, UnequalHeterogeneity):
            if given.by == "class" and given.inactive:
                fail("inactive", ", ".join(given.inactive), "allowed: with by: comparison")
            return given
        return _FLAG.validate_python(value)
    except ValidationError as problems:
        first = problems.errors(include_url=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "bad_value":
        fail((*first["loc"], *context["key"]), context["shown"], context["problem"])
    problem = first["msg"] if first["loc"] else f"{first['msg']}; or a mapping, by: class or by: comparison"
    fail(tuple(first["loc"]), None if first["type"] == "missing" else first["input"], problem)


Heterogeneity = Annotated[
    bool | UnequalHeterogeneity, BeforeValidator(_read, json_schema_input_type=bool | UnequalHeterogeneity)
]
"""Whether effects vary between studies, and how studies are divided where they do not vary alike in all."""
