"""The axis of relative effects: logarithmic for ratios, linear for differences, and which side favours whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log, log10
from statistics import median
from typing import Any

from secondline.report.figures.style import GREY, INK, LIGHT, text_width
from secondline.report.words import Names

Ends = tuple[float, float]

WIDEST_RATIO = log(500)  # an axis of ratios never reaches further from 1 than this; longer intervals end in an arrow
WIDEST_DIFFERENCE = 10  # nor one of differences further from 0 than this many typical intervals
FAVOURS_GAP = 5 / 72  # inches between the line of no effect and the words under it
AXIS_HEIGHT = 0.43  # inches under an axis with its ticks, its words and its label
MOST_TICKS, TICK_WIDTH = 8, 0.3  # ticks of an axis, and inches from one to the next at least
STEPS = [1, 2, 2.5, 5, 10]


@dataclass(frozen=True)
class EffectAxis:
    """Axis of relative effects between two limits, which stand on the link scale as all arguments do."""

    ratio: bool
    low: float
    high: float

    @classmethod
    def over(cls, intervals: Sequence[Ends], predictive: Sequence[Ends], ratio: bool) -> "EffectAxis":
        """Make room for all credible intervals, and for the predictive ones if they leave these room."""
        low = min([0.0, *(lower for lower, _ in intervals)])
        high = max([0.0, *(upper for _, upper in intervals)])
        reach = [max(abs(lower), abs(upper)) for lower, upper in intervals]
        widest = WIDEST_RATIO if ratio else WIDEST_DIFFERENCE * (median(reach) if any(reach) else 1.0)
        low, high = max(low, -widest), min(high, widest)
        room = 0.25 * (high - low)
        low, high = (
            max(min([low, *(lower for lower, _ in predictive)]), low - room),
            min(max([high, *(upper for _, upper in predictive)]), high + room),
        )
        margin = 0.05 * (high - low) or 0.1
        return cls(ratio, low - margin, high + margin)

    def natural(self, value: float) -> float:
        """Effect on the natural scale, where it is drawn."""
        return exp(value) if self.ratio else value

    @property
    def none(self) -> float:
        """No effect, natural scale."""
        return self.natural(0.0)

    def share(self, value: float = 0.0) -> float:
        """Place of an effect along the axis, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def left_of_axis(self, names: Names, width: float) -> float:
        """Inches that the words under an axis of some width need to its left."""
        return text_width(_favours(names)[0][1]) + FAVOURS_GAP - self.share() * width

    def right_of_axis(self, names: Names, width: float) -> float:
        """Inches that the words under an axis of some width need to its right."""
        return text_width(_favours(names)[1][1]) + FAVOURS_GAP - (1 - self.share()) * width

    def prepare(self, axes: Any, rows: float) -> None:
        """Set scale, limits and grid for some rows, the first on top, and draw the line of no effect."""
        axes.set_xscale("log" if self.ratio else "linear")
        axes.set_xlim(self.natural(self.low), self.natural(self.high))
        axes.set_ylim(rows - 0.5, -0.5)
        axes.axvline(self.none, color=GREY, linewidth=0.9, zorder=0)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        self._ticks(axes)

    def _ticks(self, axes: Any) -> None:
        ticks = self.mark(axes.xaxis, _most_ticks(axes))
        axes.vlines(ticks, 0, 1, transform=axes.get_xaxis_transform(), color=LIGHT, linewidth=0.5, zorder=-1)

    def mark(self, axis: Any, most: int = MOST_TICKS, *, with_labels: bool = True) -> list[float]:
        """Set ticks on an axis of a panel, x or y, not many more than some; they are given back, natural scale."""
        from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

        ticks = self.tick_values(most)
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: tick_label(value) if with_labels else ""))
        return ticks

    def tick_values(self, most: int = MOST_TICKS) -> list[float]:
        """Ticks on the natural scale, not many more than some."""
        low, high = self.natural(self.low), self.natural(self.high)
        ticks = _log_ticks(low, high, most) if self.ratio else []
        return ticks if len(ticks) > 2 else linear_ticks(low, high, min(most, 6) if self.ratio else most)

    def draw_interval(self, axes: Any, y: float, ends: Ends, colour: str, width: float, line: Any = "solid") -> None:
        """Draw an interval; an end beyond the axis becomes an arrow head."""
        shown = [self.natural(min(max(end, self.low), self.high)) for end in ends]
        style = {
            "color": colour,
            "linewidth": width,
            "linestyle": line,
            "solid_capstyle": "butt",
            "dash_capstyle": "butt",
        }
        axes.plot(shown, [y, y], zorder=3 if width > 2 else 2, **style)
        if width > 2:  # the last dash of a dashed line may end before the interval does
            axes.plot(shown, [y, y], "|", color=colour, markersize=5.5, markeredgewidth=1, zorder=3)
        for gap, limit, marker in ((self.low - ends[0], self.low, "<"), (ends[1] - self.high, self.high, ">")):
            if gap > 0:
                axes.plot([self.natural(limit)], [y], marker, color=colour, markersize=4, clip_on=False, zorder=3)

    def label(self, axes: Any, names: Names) -> None:
        """Say under the axis what it shows, and which side favours whom."""
        place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top", "color": INK}
        gap = FAVOURS_GAP * 72
        for (who, words), shift, align in zip(_favours(names), (-gap, gap), ("right", "left"), strict=True):
            axes.annotate(words, (self.none, 0), xytext=(shift, -13), ha=align, gid=f"favours-{who}", **place)
        axes.set_xlabel(names.effects.axis_label, labelpad=10)


def tick_label(value: float) -> str:
    """Write a tick: no digits that say nothing, and a minus that is one."""
    return f"{value:g}".replace("-", "−")


def _favours(names: Names) -> tuple[tuple[str, str], tuple[str, str]]:
    """Whom the left and the right side of the axis favour, and the words for it."""
    left, right = ("treatment", "comparator") if names.lower_is_better else ("comparator", "treatment")
    return (left, f"← favours {left}"), (right, f"favours {right} →")


def _most_ticks(axes: Any) -> int:
    """Count the ticks for whose numbers an axis has room."""
    width = axes.get_figure().get_size_inches()[0] * axes.get_position().width
    return min(max(int(width / TICK_WIDTH), 3), MOST_TICKS)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    decades = log10(high / low)
    steps = (1, 2, 5) if decades < min(2, most / 3) else (1, 3) if decades < min(3.2, most / 2) else (1,)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two limits."""
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(nbins=most, steps=STEPS).tick_values(low, high)
    return [float(tick) for tick in ticks if low <= tick <= high]
