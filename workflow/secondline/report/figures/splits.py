"""Node-split forest: direct, indirect and network estimates of every comparison that can be split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secondline.cell_values import PRIOR_DRIVEN
from secondline.network.arms import Arm
from secondline.report.figures.axis import AXIS_HEIGHT, EffectAxis
from secondline.report.figures.pages import stack_rows
from secondline.report.figures.rows import columns_of
from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    LINE,
    MARGIN,
    WARNING,
    Mark,
    add_axes,
    header_height,
    new_figure,
    styled,
    text_width,
    wrapped,
    write,
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

ROW = 0.15  # inches
GROUP = 4.5  # rows of a comparison: its heading, three estimates, and a gap
_FAILED = 0.5  # inches from a p-value to the word that its fits failed
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
    """Draw the node-splits of an outcome; what cannot be assessed is said in the caption or, alone, in the figure."""
    splits = [split for split in everything if not split.reason]
    caption = _caption(splits, not_assessable(everything, names), names)
    if not splits:
        words = [line for text in not_assessable(everything, names) for line in wrapped(text, COLUMN - 2 * MARGIN)]
        header = header_height(warning)
        with styled():
            figure = new_figure(COLUMN, header + LINE * 1.05 * len(words) + 0.05, *caption, warning)
            for k, line in enumerate(words):
                write(figure, MARGIN, header + LINE * 1.05 * k, line)
        return figure
    shown = [split.rows[evidence] for split in splits for evidence in MARKS]
    axis = EffectAxis.over([(float(row["lower"]), float(row["upper"])) for row in shown], [], names.is_ratio)
    heading = f"{names.measure} (95% CrI)"
    weak = any(split.prior_driven for split in splits)
    labels = [f"{word}, {evidence_words(PRIOR_DRIVEN)}" if weak else word for word in MARKS]
    failed = 0.0 if all(split.converged for split in splits) else _FAILED + text_width(NOT_CONVERGED) * BOLD + 0.15
    columns = columns_of(labels, [[heading, *map(names.estimate, shown)]], (axis, names), least=failed)
    room = columns.left + columns.plot
    titles = [wrapped(_title(split, names), (room - 0.1) / BOLD) for split in splits]
    lines = max(map(len, titles))
    group = ROW * (GROUP + 0.8 * (lines - 1))
    header = header_height(warning)
    parts, height = stack_rows([len(splits)], group, [(LINE + 0.06, AXIS_HEIGHT)], header)
    with styled():
        figure = new_figure(columns.width, height, *caption, warning)
        for part in parts:
            places = range(part.first, part.last)
            axes = add_axes(figure, columns.left, part.top, columns.plot, group * len(places))
            axis.prepare(axes, len(places) * group / ROW)
            place = {"xycoords": "axes fraction", "textcoords": "offset points"}
            axes.annotate(heading, (1, 1), xytext=(9, 3), color=GREY, va="bottom", **place)
            for k in places:
                top = (k - part.first) * group / ROW + 0.8 * (lines - 1)
                _draw_split(axes, axis, top, splits[k], "\n".join(titles[k]), names, columns.left)
            axis.label(axes, names)
    return figure


def _title(split: Split, names: Names) -> str:
    return f"{split.name(names)} ({plural(len(split.studies), 'study', 'studies')})"


def _caption(splits: Sequence[Split], missing: Sequence[str], names: Names) -> tuple[str, str]:
    """Title, what is drawn, and what cannot be assessed."""
    shown = (
        [
            f"{names.effects.words}s ({names.measure}) with 95% equal-tailed credible intervals (CrI); "
            f"{names.direction}. Every comparison is estimated from the studies that make it (direct), from all "
            "others (indirect) and from all together (network), with the number of studies that make it. p: Bayesian, "
            "two-sided, for the difference between direct and indirect evidence."
        ]
        if splits
        else []
    )
    words = " ".join([f"{names.analysis_label}, model “{names.model}”.", *shown, *missing])
    return f"{names.outcome_label}: direct against indirect evidence", words


def _draw_split(axes: Any, axis: EffectAxis, top: float, split: Split, title: str, names: Names, left: float) -> None:
    beside = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    heading = {**beside, "va": "bottom", "weight": "bold", "bbox": box}
    axes.annotate(title, (0, top), xytext=((MARGIN - left) * 72, -3.5), **heading)
    weight, colour = ("bold", WARNING) if split.disagrees else ("normal", INK)
    axes.annotate(p_value(split.p), (1, top), xytext=(9, 0), weight=weight, color=colour, **beside)
    if not split.converged:
        axes.annotate(NOT_CONVERGED, (1, top), xytext=(9 + _FAILED * 72, 0), weight="bold", color=WARNING, **beside)
    for k, (evidence, mark) in enumerate(MARKS.items(), start=1):
        row = split.rows[evidence]
        weak = row.get("label") == PRIOR_DRIVEN
        mark = EVIDENCE[PRIOR_DRIVEN] if weak else mark
        axis.draw_interval(axes, top + k, (float(row["lower"]), float(row["upper"])), mark.colour, 2.2, mark.line)
        axes.plot([float(row["estimate"])], [top + k], mark.marker, color=mark.colour, markersize=4.5, zorder=4)
        words = f"{evidence}, {evidence_words(PRIOR_DRIVEN)}" if weak else evidence
        axes.annotate(words, (0, top + k), xytext=(-9, 0), ha="right", **beside)
        axes.annotate(names.estimate(row), (1, top + k), xytext=(9, 0), **beside)
