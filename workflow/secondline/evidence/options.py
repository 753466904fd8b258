"""The levels of an axis of doubt, as automatic ones and those of the configuration give them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.specifications import DoubtAxis, Level

DECLARED = "declared"
"""Name of the level that the declared analysis makes, where no other level of its axis is it."""


@dataclass(frozen=True, kw_only=True)
class Option[C]:
    """A level of an axis.

    Parameters
    ----------
    name, label, reason : str
    weight : float
        Plausibility relative to the other levels.
    declared : bool
        Whether the declared analysis makes this choice.
    content : C
        What is chosen.
    select : str
        How the configuration of an analysis would choose it from one study, as JSON; empty where it cannot.
    """

    name: str
    content: C
    label: str
    reason: str
    weight: float = 1.0
    declared: bool = False
    select: str = ""


def selected(selection: Selection | None) -> str:
    """Write a selection as JSON of the keys that it sets."""
    return selection.model_dump_json(exclude_defaults=True) if selection else ""


def in_words(name: str) -> str:
    """Write the name of a level or an axis as a label."""
    return name.replace("_", " ")


def options_of[C, K](
    axis: DoubtAxis, automatic: Mapping[str, Option[C]], make: Callable[[Level], C], declared: C, key: Callable[[C], K]
) -> list[Option[C]]:
    """List the levels of an axis, the declared one among them, each choice once.

    Parameters
    ----------
    automatic : mapping
        Automatic levels, by name.
    make : callable
        What a level chooses that says so itself.
    declared : C
        What the declared analysis chooses.
    key : callable
        What makes two choices the same. The first level keeps the place, and its reason names the others.

    Raises
    ------
    KeyError
        The declared level has weight 0; its name.
    """
    found: dict[K, Option[C]] = {}
    for option in _given(axis, automatic, make):
        there = found.get(key(option.content))
        if there is None:
            found[key(option.content)] = replace(option, declared=key(option.content) == key(declared))
        elif option.weight:
            same = replace(there, reason=f"{there.reason}; {option.name} gives the same")
            found[key(option.content)] = same if there.weight else option
    if key(declared) not in found:
        reason = "what the declared analysis takes"
        own = Option(name=DECLARED, content=declared, label=DECLARED, reason=reason, declared=True)
        found = {key(declared): own, **found}
    if not found[key(declared)].weight:
        raise KeyError(found[key(declared)].name)
    return [option for option in found.values() if option.weight]


def _given[C](axis: DoubtAxis, automatic: Mapping[str, Option[C]], make: Callable[[Level], C]) -> list[Option[C]]:
    """Take the automatic levels with their weights, or the levels of the configuration in their order."""
    if axis.levels is None:
        return [replace(option, weight=axis.weights.get(name, 1.0)) for name, option in automatic.items()]
    given: list[Option[C]] = []
    for name, level in axis.levels.items():
        if level.chosen:
            label = level.label or in_words(name)
            reason, select = level.reason or "", selected(level.select)
            given.append(
                Option(name=name, content=make(level), label=label, reason=reason, weight=level.weight, select=select)
            )
        elif name in automatic:
            base = automatic[name]
            reason, label = level.reason or base.reason, level.label or base.label
            given.append(replace(base, reason=reason, label=label, weight=level.weight))
    return given


def for_outcome(axis: DoubtAxis, outcome: str) -> DoubtAxis:
    """Keep the levels that an outcome has."""
    if axis.levels is None:
        return axis
    kept = {name: level for name, level in axis.levels.items() if not level.outcomes or outcome in level.outcomes}
    return axis.model_copy(update={"levels": kept})


def axes_of(project: Project) -> dict[str, DoubtAxis]:
    """Axes of the configuration or, where it names none, those that its studies and treatments suggest."""
    specifications = project.config.specifications
    if specifications is None or specifications.axes:
        return {} if specifications is None else specifications.axes
    primary = [name for name, sheet in project.sheets.items() if not sheet.secondary_report]
    axes = {study: DoubtAxis(of="study") for study in primary}
    further = ["structure", "mixed_arms", "heterogeneity"]
    if len(primary) < len(project.sheets):
        further = ["secondary_reports", *further]
    if any(study.study not in project.sheets for study in project.tables):
        further = ["left_out", *further]
    return axes | {kind: DoubtAxis.model_validate({"of": kind}) for kind in further}
