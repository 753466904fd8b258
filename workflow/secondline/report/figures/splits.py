"""Node-split forest: direct, indirect and network estimates of every comparison that can be split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secondline.cell_values import PRIOR_DRIVEN
from secondline.network.arms import Arm
from secondline.report.figures.axis import EffectAxis
from secondline.report.figures.style import (
    BOLD,
    EVIDENCE,
    GREY,
    INK,
    LINE,
    WARNING,
    Mark,
    add_axes,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from secondline.report.words import (
    NOT_ASSESSABLE,
    NOT_CONVERGED,
    Names,
    Row,
    evidence_words,
    is_true,
    p_value,
    plural,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.23  # inches
GROUP = 4.5  # rows of a comparison: its heading, three estimates, and a gap
PLOT_WIDTH = 3.7
SMALL_P = 0.05
MARKS = {
    "direct": EVIDENCE["direct"],
    "indirect": EVIDENCE["indirect"],
    "network": Mark(INK, "D", "solid", "N"),
}
NO_DIRECT = "no study compares two treatments in whole arms"


@dataclass(frozen=True)
class Split:
    """A comparison with direct evidence; ``reason`` says why it is not assessable, and is empty where it is."""

    treatment: str
    comparator: str
    studies: tuple[str, ...]
    reason: str
    rows: Mapping[str, Row]
    """Rows by evidence: network, and where it is assessable direct, indirect and difference."""

    @property
    def p(self) -> str:
        """Bayesian p-value of the difference between direct and indirect evidence."""
        return self.rows["difference"]["p_value"]

    @property
    def disagrees(self) -> bool:
        """Whether direct and indirect evidence disagree beyond chance."""
        return float(self.p) < SMALL_P

    @property
    def prior_driven(self) -> list[str]:
        """Sides, direct or indirect, that lean on the prior: their difference says little of the data."""
        return [side for side in ("direct", "indirect") if self.rows.get(side, {}).get("label") == PRIOR_DRIVEN]

    @property
    def converged(self) -> bool:
        """Whether its fits passed their checks."""
        return all(is_true(row, "converged") for row in self.rows.values())

    def name(self, names: Names) -> str:
        """Name of the comparison."""
        return f"{names.regimen(self.treatment)} against {names.regimen(self.comparator)}"


def splits_of(rows: Sequence[Row], arms: Sequence[Arm]) -> list[Split]:
    """Gather the rows of node_splits.csv by comparison, in the order of the table."""
    received = {(arm.study, name) for arm in arms for name in arm.regimens if len(arm.regimens) == 1}
    everything = list(dict.fromkeys(arm.study for arm in arms))
    groups: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        groups.setdefault((row["treatment"], row["comparator"]), {})[row["evidence"]] = row
    result = []
    for (treatment, comparator), members in groups.items():
        first = next(iter(members.values()))
        reason = "" if is_true(first, "assessable") else first["reason"] or NOT_ASSESSABLE
        studies = tuple(s for s in everything if {(s, treatment), (s, comparator)} <= received)
        result.append(Split(treatment, comparator, studies, reason, members))
    return result


def not_assessable(splits: Sequence[Split], names: Names) -> list[str]:
    """Say which comparisons are not assessable and why; one sentence per reason."""
    if not splits:
        return [f"Inconsistency is {NOT_ASSESSABLE}: {NO_DIRECT}."]
    reasons = dict.fromkeys(split.reason for split in splits if split.reason)
    everything = all(split.reason for split in splits)
    result = []
    for reason in reasons:
        members = [split.name(names) for split in splits if split.reason == reason]
        start = f"Inconsistency is {NOT_ASSESSABLE}" if everything else NOT_ASSESSABLE.capitalize()
        result.append(f"{start} ({reason}): {'; '.join(members)}.")
    return result


def draw_splits(everything: Sequence[Split], names: Names, warning: str = "") -> "Figure":
    """Draw the node-splits of an outcome, and list in words what cannot be assessed."""
    splits = [split for split in everything if not split.reason]
    shown = [split.rows[evidence] for split in splits for evidence in MARKS]
    axis = EffectAxis.over([(float(row["lower"]), float(row["upper"])) for row in shown], [], names.is_ratio)
    heading = f"{names.measure} (95% CrI)"
    longest = [f"{word}, {evidence_words(PRIOR_DRIVEN)}" for word in MARKS]
    left = max(*(text_width(word) + 0.35 for word in longest), axis.left_of_axis(names, PLOT_WIDTH) + 0.1)
    titles = [f"{split.name(names)} ({plural(len(split.studies), 'study', 'studies')})" for split in splits]
    left = max([left, *(text_width(title) * BOLD + 0.2 - PLOT_WIDTH for title in titles)])
    right = max(
        *map(text_width, [heading, *map(names.estimate, shown)]),
        0.0 if all(split.converged for split in splits) else text_width(NOT_CONVERGED) * BOLD + 0.6,
        axis.right_of_axis(names, PLOT_WIDTH),
    )
    title = f"{names.outcome_label}: direct against indirect evidence"
    subtitle = f"{names.analysis_label}, model “{names.model}”."
    subtitle += " p: Bayesian, two-sided, for the difference between the two." if splits else ""
    width = max(left + PLOT_WIDTH + right + 0.3, text_width(subtitle) + 0.3)
    words = [line for text in not_assessable(everything, names) for line in wrapped(text, width - 0.3)]
    header, footer = 0.85 if splits else 0.55, 0.78 if splits else 0.0
    height = ROW * (GROUP * len(splits) - 0.5) if splits else 0.0
    with styled():
        note = LINE * len(words) * 1.05 + 0.2 if words else 0.0
        figure = new_figure(width, header + height + footer + note, title, subtitle, warning)
        if splits:
            axes = add_axes(figure, left, header, PLOT_WIDTH, height)
            axis.prepare(axes, height / ROW)
            axes.set_ylim(height / ROW - 0.5, -0.5)
            place = {"xycoords": ("axes fraction", "axes fraction"), "textcoords": "offset points"}
            axes.annotate(heading, (1, 1), xytext=(9, 10), color=GREY, va="center", **place)
            for k, (split, text) in enumerate(zip(splits, titles, strict=True)):
                _draw_split(axes, axis, GROUP * k, split, text, names, left)
            axis.label(axes, names)
        for k, line in enumerate(words):
            total = figure.get_size_inches()[1]
            figure.text(
                0.12 / figure.get_size_inches()[0],
                (0.1 + LINE * 1.05 * (len(words) - k - 0.5)) / total,
                line,
                va="center",
                color=INK,
            )
    return figure


def _draw_split(axes: Any, axis: EffectAxis, top: float, split: Split, title: str, names: Names, left: float) -> None:
    beside = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    axes.annotate(title, (0, top), xytext=((0.12 - left) * 72, 0), weight="bold", bbox=box, **beside)
    weight, colour = ("bold", WARNING) if split.disagrees else ("normal", INK)
    axes.annotate(p_value(split.p), (1, top), xytext=(9, 0), weight=weight, color=colour, **beside)
    if not split.converged:
        axes.annotate(NOT_CONVERGED, (1, top), xytext=(9 + 0.55 * 72, 0), weight="bold", color=WARNING, **beside)
    for k, (evidence, mark) in enumerate(MARKS.items(), start=1):
        row = split.rows[evidence]
        weak = row.get("label") == PRIOR_DRIVEN
        mark = EVIDENCE[PRIOR_DRIVEN] if weak else mark
        axis.draw_interval(axes, top + k, (float(row["lower"]), float(row["upper"])), mark.colour, 2.6, mark.line)
        axes.plot([float(row["estimate"])], [top + k], mark.marker, color=mark.colour, markersize=5.5, zorder=4)
        words = f"{evidence}, {evidence_words(PRIOR_DRIVEN)}" if weak else evidence
        axes.annotate(words, (0, top + k), xytext=(-9, 0), ha="right", **beside)
        axes.annotate(names.estimate(row), (1, top + k), xytext=(9, 0), **beside)
