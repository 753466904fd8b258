"""Settings of summaries, for tests that need only some of them."""

from typing import Any

from secondline.network.structure import Treatments
from secondline.summaries.settings import SummarySettings

ABC = Treatments(components=("b", "c"), regimens={"a": (), "b": ("b",), "c": ("c",)})


def summary(**given: Any) -> SummarySettings:
    """Make settings of a hazard ratio of three treatments, lower being better, but for what is given."""
    settings = {"outcome": "y", "likelihood": "contrasts", "measure": "HR", "ratio": True, "better": "lower"}
    return SummarySettings(**{**settings, "margin": 0.8, "reference": "a", "treatments": ABC, **given})
