"""Classes in a model: none, with one standard deviation that all share, or with one of every class."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from secondline.project.documents import Strict, fail


class ClassEffects(Strict):
    """Effects that are exchangeable within their class, and the standard deviations of the classes.

    Every standard deviation omega has the same prior. That of a class with few members stays close to its prior, and
    that of a class with a single member practically at it.
    """

    sd: Literal["shared", "own"] = "shared"
    """Standard deviation of effects within a class: `shared`, one for all classes, as with `classes: true`; `own`, one
    for every class."""


_FLAG: TypeAdapter[bool] = TypeAdapter(bool)


def _read(value: Any) -> bool | ClassEffects:
    """Read true, false, or whose the standard deviations are; a mistake is reported with the key that it is in."""
    try:
        given = ClassEffects.model_validate(value) if isinstance(value, dict) else value
        return given if isinstance(given, ClassEffects) else _FLAG.validate_python(value)
    except ValidationError as problems:
        first = problems.errors(include_url=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "bad_value":
        fail((*first["loc"], *context["key"]), context["shown"], context["problem"])
    problem = first["msg"] if first["loc"] else f"{first['msg']}; or a mapping, sd: shared or sd: own"
    fail(tuple(first["loc"]), first["input"], problem)


Classes = Annotated[bool | ClassEffects, BeforeValidator(_read, json_schema_input_type=bool | ClassEffects)]
"""Whether effects are exchangeable within classes, and whether every class has its own standard deviation."""
