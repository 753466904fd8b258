"""Priors of standard deviations in a configuration: as its keys write them, with their mistakes in one line."""

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from secondline.project.documents import fail
from secondline.sd_prior import LEAST_SCALE, MOST_SCALE, MisreadError, SdPrior
from secondline.sd_prior_forms import FAMILIES, FAMILY, NONE, SOURCE, WRITTEN, allowed, read_sd_prior


def _read(value: Any) -> SdPrior:
    if isinstance(value, SdPrior):
        return value
    try:
        return read_sd_prior(value)
    except MisreadError as error:
        fail(error.path, error.value, error.problem)


def _schema() -> dict[str, Any]:
    """JSON schema: a number, `none`, one key with what follows it, or ``family`` with its parameters."""
    long = {FAMILY: {"enum": [NONE, *FAMILIES]}, "scale": {"type": "number"}, "location": {"type": "number"}}
    names = {key for family in FAMILIES.values() for key in family.kind.parameters()}
    long |= {key: {"type": "number"} for key in sorted(names)} | {SOURCE: {"type": "string"}}
    number = {"type": "number", "minimum": LEAST_SCALE, "maximum": MOST_SCALE}
    return {
        "anyOf": [
            number | {"errorMessage": "a number above 0, the scale of a half-normal"},
            {"enum": [NONE]},
            {
                "type": "object",
                "properties": {**{name: {} for name in WRITTEN}, **long},
                "additionalProperties": False,
                "errorMessage": f"one of {allowed()}",
            },
        ]
    }


GivenSdPrior = Annotated[SdPrior, PlainValidator(_read), PlainSerializer(SdPrior.given), WithJsonSchema(_schema())]
"""A prior of tau or omega."""
