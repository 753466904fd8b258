"""What other programs call the columns of a table: gemtc, multinma, BUGSnet, netmeta, MetaInsight and CINeMA.

Names are compared without regard to case and to the points, blanks and lines in them: ``std.dev`` is ``StdDev``.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from secondline.errors import UserError

STUDY = {"study": ("study", "studlab", "studlb", "studyn", "studyc", "studyname", "trial")}
TREATMENT = {"treatment": ("treatment", "treat", "trt", "t", "trtn", "trtc", "intervention")}
FIGURES = {
    "events": ("events", "event", "r", "responders"),
    "n": ("n", "samplesize"),
    "time": ("time", "exposure", "e"),
    "mean": ("mean", "y"),
    "sd": ("sd", "stddev"),
    "se": ("se", "stderr"),
}
"""Figures of an arm."""
EFFECTS = {
    "effect": ("effect", "te", "diff", "loghr", "logor", "logrr", "logirr", "lnhr", "lnor", "lnrr", "y", "yi"),
    "se": ("se", "sete", "stderr", "sediff", "diffse", "seloghr", "selogor", "selogrr", "selnhr", "selnor", "selnrr"),
}
"""An effect on the scale on which effects add up."""
VARIANCES = {"variance": ("variance", "var", "vi")}
"""The variance of an effect, in place of its standard error."""
LIMITS = {
    "lower": ("lower", "lowerci", "lowci", "lci", "cilow", "cilower", "lcl", "ll", "lower95", "ci95low"),
    "upper": ("upper", "upperci", "highci", "uci", "cihigh", "ciupper", "ucl", "ul", "upper95", "ci95high"),
}
RATIOS = {
    "HR": ("hr", "hazardratio"),
    "OR": ("or", "oddsratio"),
    "RR": ("rr", "riskratio"),
    "IRR": ("irr", "rateratio"),
}
"""Names of ratios, by measure."""
COMPLETE = (("events", "n"), ("events", "time"), ("mean", "se"), ("mean", "sd", "n"))
"""Figures that say enough of an arm."""
_COVARIATE = re.compile(r"covar\.(.+)")
_JUDGED = {"rob": "risk_of_bias", "indirectness": "indirectness"}


def plain(name: str) -> str:
    """Reduce a name to its letters and digits, in lower case."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


@dataclass(frozen=True)
class Roles:
    """Which column has which of our names; columns that could have one name together are kept apart."""

    column: Mapping[str, str]
    """Column by our name."""
    clashes: Mapping[str, tuple[str, ...]]
    """Columns that may all be one of ours, by our name."""

    @property
    def foreign(self) -> dict[str, str]:
        """Columns under a name that is not ours, by our name."""
        return {ours: column for ours, column in self.column.items() if ours != column}

    def has(self, *ours: str) -> bool:
        """Whether there is a column for every one of these names."""
        return all(name in self.column for name in ours)

    @property
    def is_complete(self) -> bool:
        """Whether the figures say enough of an arm."""
        return any(self.has(*figures) for figures in COMPLETE)

    def check(self, file: str, top: int) -> None:
        """Refuse columns that may both be the same.

        Raises
        ------
        UserError
            Naming all of them.
        """
        for ours, columns in self.clashes.items():
            problem = f"these columns may both be {ours}; say which under columns, and ignore the other"
            raise UserError(problem, file, top, " and ".join(columns))

    def in_words(self) -> str:
        """Say which column was taken for what, where its name is not ours."""
        return ", ".join(f"{column} for {ours}" for ours, column in self.foreign.items())


def roles(columns: Iterable[str], *names: Mapping[str, Collection[str]]) -> Roles:
    """Find our names of columns; a column that has one of ours is it, whatever others are called.

    Parameters
    ----------
    names : mappings
        Plain names in other programs, by our name.
    """
    there, found, clashes = list(columns), {}, {}
    wanted = {ours: called for group in names for ours, called in group.items()}
    for ours, called in wanted.items():
        several = [name for name in there if plain(name) in called and name not in wanted]
        if ours in there:
            found[ours] = ours
        elif several:
            found[ours] = several[0]
            if len(several) > 1:
                clashes[ours] = tuple(several)
    return Roles(found, clashes)


_NUMBERED = re.compile(r"(.*?[^0-9._ \[,-])(?:[ ._-]?([1-9][0-9]?)|\[,([1-9])\])")


def numbered(name: str) -> list[tuple[str, int]]:
    """Split a name such as ``r.2``, ``treat2`` or ``t[,2]`` into its stem and number; nothing for any other."""
    match = _NUMBERED.fullmatch(name)
    return [(match[1], int(match[2] or match[3]))] if match else []


def fact_of_study(column: str) -> str:
    """Our name of a column about the study: MetaInsight and CINeMA write ``covar.`` before a covariate, and ``rob``."""
    if match := _COVARIATE.fullmatch(column):
        return match[1]
    return _JUDGED.get(plain(column), column)
