"""The first candidate against the runner-up as every table of a run has it: one row for each variation.

summary/sensitivity.csv has other models, other analyses and every study left out. Where a run writes them, the tables
under doubt/ add single other choices, patients whom studies share, biases and priors, and those under frequentist/ the
twin without priors. Nothing is computed here; a pair that a table has the other way round is turned.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, isclose, log
from pathlib import Path

from secondline.cell_values import NOT_PLACED, PRIOR_DRIVEN
from secondline.cells import left_out_study
from secondline.report.doubt import Doubt
from secondline.report.page.states import Links
from secondline.report.prose.doubt import axis_label
from secondline.report.prose.robustness import ANALYSIS, MODEL, STUDY, Variation
from secondline.report.words import Names, Row, listed, number

READING, CHOICE, OVERLAP, BIAS, PRIOR, TWIN = "reading", "choice", "overlap", "bias", "prior", "twin"
HEADINGS = {
    STUDY: "Studies left out",
    READING: "Other figures of a study",
    MODEL: "Other models",
    CHOICE: "Other choices",
    OVERLAP: "Patients whom two studies share",
    PRIOR: "Other priors",
    BIAS: "Biases removed",
    ANALYSIS: "Other analyses",
    TWIN: "Without priors",
}
"""What the variations of a kind have in common, in the order of the page."""
SENSITIVITY, STEPS = "summary/sensitivity.csv", "specification_steps"
_KINDS = {"structure": MODEL, "mixed_arms": MODEL, "heterogeneity": PRIOR, "overlap": OVERLAP}
"""Kinds of the choices of a specification curve; those between figures of a study are readings."""
_OMITTED = "left_out"  # the level that leaves out the study of its choice
_WITHOUT = "without_"  # and of a choice of all studies, that which leaves out one
_CLOSE = 1e-3  # limits of two rows that are one analysis, link scale
_AXIS = "axis_"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The first candidate against the runner-up in one variation."""

    kind: str
    """A key of `HEADINGS`; empty for the declared analysis."""
    label: str
    table: str
    line: int
    """Line of the table, the header being the first; 0 where the table is not read by lines."""
    figures: Mapping[str, str] | None
    """``estimate``, ``estimate_lower`` and ``estimate_upper`` on the natural scale."""
    missing: str = "not in this table"
    """Why there are no figures."""
    driven: bool = False
    first: str | None = None
    """The treatment that may be named first, empty where none is; None where the table does not say."""
    ranked: bool = True
    p_first: str = ""
    """Probability that the first candidate of the declared analysis ranks first."""
    study: str = ""
    """The study that is left out."""
    address: str = ""

    def same_as(self, other: "Compared", names: Names) -> bool:
        """Whether two rows are one analysis: one state of the page, one study left out, or the same limits."""
        if self.address and self.address == other.address:
            return True
        if self.study or other.study:
            return self.study == other.study
        if not self.figures or not other.figures or other.kind not in (MODEL, ANALYSIS):
            return False
        ends = ("estimate_lower", "estimate_upper")
        pairs = [(float(self.figures[end]), float(other.figures[end])) for end in ends]
        if names.is_ratio:
            pairs = [(log(a), log(b)) if a > 0 and b > 0 else (a, b) for a, b in pairs]
        return all(isclose(a, b, rel_tol=0, abs_tol=_CLOSE) for a, b in pairs)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is compared: the first candidate of a setting against the runner-up, and where the page can repeat it."""

    setting: str
    first: str
    runner_up: str
    links: Links
    kinds: Mapping[str, str]
    """Kinds of the choices of the specification curve, by name."""
    names: Names

    def turned(self, pair: tuple[str, str], effect: Sequence[str]) -> dict[str, str] | None:
        """Figures of the pair from an effect with its limits on the link scale; None of another pair or without any."""
        if not all(effect) or set(pair) != {self.first, self.runner_up}:
            return None
        mean, lower, upper = map(float, effect)
        if pair != (self.first, self.runner_up):
            mean, lower, upper = -mean, -upper, -lower
        natural = [exp(value) if self.names.is_ratio else value for value in (mean, lower, upper)]
        return dict(zip(("estimate", "estimate_lower", "estimate_upper"), map(repr, natural), strict=True))


def compared(
    varied: Sequence[Variation], lines: Mapping[int, int], folder: Path, doubt: Doubt | None, asked: Asked
) -> list[Compared]:
    """List every variation once, those of sensitivity.csv first.

    Parameters
    ----------
    varied : sequence
        From `secondline.report.prose.robustness.variations`.
    lines : mapping
        Lines of the rows of sensitivity.csv, by their `id`.
    folder : path
        results/<analysis>/<outcome>
    doubt : Doubt, optional
    """
    found = [_of_sensitivity(variation, lines, asked) for variation in varied]
    further = [*(_of_doubt(doubt, asked) if doubt else ()), *_of_twin(folder, asked)]
    for row in further:
        if not any(row.same_as(other, asked.names) for other in found):
            found.append(row)
    return found


def _of_sensitivity(variation: Variation, lines: Mapping[int, int], asked: Asked) -> Compared:
    row, ranked = variation.effect(asked.first, asked.runner_up), variation.rank(asked.first)
    shown = row or variation.rows[0]
    analysis = variation.rows[0]["analysis"]
    said = variation.label[0].upper() + variation.label[1:]
    return Compared(
        kind=variation.kind,
        label=said if variation.kind else "The declared analysis",
        table=SENSITIVITY,
        line=lines.get(id(shown), 0),
        figures=row,
        missing="not in the network",
        driven=bool(row) and row.get("evidence") == PRIOR_DRIVEN if row else False,
        first=variation.first["treatment"] if variation.first else "",
        ranked=bool(variation.ranked),
        p_first=ranked["candidate_p_best"] if ranked else "",
        study=left_out_study(analysis, asked.names.analysis) if variation.kind == STUDY else "",
        address=asked.links.address(variation, asked.setting, asked.runner_up, asked.names),
    )


def _of_doubt(doubt: Doubt, asked: Asked) -> Iterator[Compared]:
    choices = list(_of_choices(doubt, asked))
    yield from choices
    if not any(row.kind == OVERLAP for row in choices):
        yield from _of_overlap(doubt, asked)
    yield from _of_priors(doubt, asked)
    yield from _of_biases(doubt, asked)


def _of_choices(doubt: Doubt, asked: Asked) -> Iterator[Compared]:
    """Take the specifications in which one choice is another than the declared one."""
    levels = [row for row in doubt.rows("specification_levels") if row["setting"] == asked.setting]
    lead = next(((row["lead"], row["lead_comparator"]) for row in levels if not row["axis"]), ("", ""))
    labels = {(row["axis"], row["level"]): asked.names.level(row) for row in levels if row["axis"]}
    for k, row in enumerate(doubt.rows(STEPS)):
        axis = row["axis"]
        if row["setting"] != asked.setting or not axis:
            continue
        level = row[_AXIS + axis]
        label, study = labels.get((axis, level), level), _study_without(axis, level, doubt)
        is_reading = axis in doubt.facts.studies
        words = f"{axis_label(doubt, axis)}: {label}"
        address = ""
        if study or is_reading:
            address = asked.links.choice(
                study or axis, "" if study else label, asked.setting, asked.runner_up, asked.names
            )
        own = row["first"] == asked.first
        yield Compared(
            kind=STUDY if study else READING if is_reading else _KINDS.get(asked.kinds.get(axis, ""), CHOICE),
            label=f"Leaving out {asked.names.study(study)}" if study else words[0].upper() + words[1:],
            table=_place(asked, "doubt", f"{STEPS}.csv"),
            line=k + 2,
            figures=asked.turned(lead, [row[f"lead_{end}"] for end in ("effect", "lower", "upper")]),
            missing="cannot be estimated",
            driven=row["not_named"] == PRIOR_DRIVEN and {row["first"], row["runner_up"]} == set(lead),
            first=row["first"] if row["named"] == "true" else "",
            ranked=row["placed"] != "0",
            p_first=row["p_best"] if own else "",
            study=study,
            address=address,
        )


def _study_without(axis: str, level: str, doubt: Doubt) -> str:
    """Name the study that a choice leaves out; empty where it makes another choice."""
    if axis in doubt.facts.studies:
        return axis if level == _OMITTED else ""
    return level.removeprefix(_WITHOUT) if level.startswith(_WITHOUT) else ""


def _of_overlap(doubt: Doubt, asked: Asked) -> Iterator[Compared]:
    for k, row in enumerate(doubt.rows("overlap")):
        if row.get("setting") == asked.setting and row["level"] in ("best", "bound"):
            studies = listed(map(asked.names.study, row["studies"].split()))
            found = Compared(
                kind=OVERLAP,
                label=f"{studies} share {float(row['patients']):g} patients",
                table=_place(asked, "doubt", "overlap.csv"),
                line=k + 2,
                figures=asked.turned(
                    (row["first"], row["runner_up"]), [row[key] for key in ("mean", "lower", "upper")]
                ),
            )
            yield _decided(found, row, "", asked)


def _decided(found: Compared, row: Row, p_first: str, asked: Asked) -> Compared:
    """Add who may be named first by a table of decisions."""
    first, ranked = row["first"], bool(row["first"]) and row["not_named"] != NOT_PLACED
    return replace(
        found,
        first="" if row["not_named"] else first,
        ranked=ranked,
        p_first=p_first if ranked and first == asked.first else "",
    )


def _of_biases(doubt: Doubt, asked: Asked) -> Iterator[Compared]:
    """Take of every bias the smallest size that puts another candidate first, or else the largest."""
    again = {row["scheme"] for row in doubt.rows("bias_tipping") if row.get("same_as")}
    rows = list(enumerate(doubt.rows("bias_fan")))
    for scheme in dict.fromkeys(row["scheme"] for _, row in rows):
        own = [(k, row) for k, row in rows if row["scheme"] == scheme and row.get("setting") == asked.setting]
        if scheme in again or not own:
            continue
        least = min(float(row["bias_sd"]) for _, row in own)
        own = [(k, row) for k, row in own if float(row["bias_sd"]) == least]
        start = next((row["first"] for _, row in own if not float(row["bias_mean"])), asked.first)
        larger = sorted(
            ((k, row) for k, row in own if float(row["bias_mean"]) > 0), key=lambda each: float(each[1]["bias_mean"])
        )
        if larger:
            k, row = next((each for each in larger if each[1]["first"] != start), larger[-1])
            pair = row["declared_first"], row["declared_runner_up"]
            size = f"by {number(row['bias_mean'])} ({asked.names.link_scale})"
            found = Compared(
                kind=BIAS,
                label=f"{doubt.facts.schemes.get(scheme, scheme)}, {size}",
                table=_place(asked, "doubt", "bias_fan.csv"),
                line=k + 2,
                figures=asked.turned(pair, [row[f"declared_{key}"] for key in ("mean", "lower", "upper")]),
            )
            yield _decided(found, row, row.get("candidate_p_best", ""), asked)


def _of_priors(doubt: Doubt, asked: Asked) -> Iterator[Compared]:
    """Take the priors of τ; their table compares with the reference alone."""
    rows = [(k, row) for k, row in enumerate(doubt.rows("prior_fan")) if row.get("setting") == asked.setting]
    for k, row in rows:
        if row["declared"] == "true" or row["treatment"] != asked.first:
            continue
        other = next(
            each for _, each in rows if (each["prior"], each["treatment"]) == (row["prior"], asked.runner_up)
        )  # fmt: skip
        against = row if row["reference"] == asked.runner_up else other
        yield Compared(
            kind=PRIOR,
            label=f"τ: {row['prior']}",
            table=_place(asked, "doubt", "prior_fan.csv"),
            line=k + 2,
            figures=asked.turned(
                (against["treatment"], against["reference"]), [against[key] for key in ("mean", "lower", "upper")]
            ),
            p_first=row["p_best"],
        )


def _of_twin(folder: Path, asked: Asked) -> Iterator[Compared]:
    """Take the effect by generalised least squares, which is the same in every setting."""
    file = folder / "frequentist" / "relative_effects.csv"
    if not file.exists():
        return
    with file.open(encoding="utf-8", newline="") as handle:
        for k, row in enumerate(csv.DictReader(handle)):
            if (row["treatment"], row["comparator"]) == (asked.first, asked.runner_up) and row["estimate"]:
                where = ", all settings together" if asked.names.has_settings else ""
                yield Compared(
                    kind=TWIN,
                    label=f"Frequentist analysis{where}",
                    table=_place(asked, "frequentist", "relative_effects.csv"),
                    line=k + 2,
                    figures=row,
                )


def _place(asked: Asked, *parts: str) -> str:
    return "/".join([asked.names.outcome, *parts])
