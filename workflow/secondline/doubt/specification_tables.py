"""The tables of a specification curve."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from secondline.doubt.batch import REASONS
from secondline.doubt.curve import Curve
from secondline.doubt.factorial import Ints, neighbours
from secondline.doubt.shares import variance_shares
from secondline.inference.kernels import contest
from secondline.network.structure import Floats

NUMBERS = {
    "sucra": contest.SUCRA,
    "p_best": contest.P_BEST,
    "p_better": contest.P_BETTER,
    "effect": contest.EFFECT,
    "lower": contest.LOWER,
    "upper": contest.UPPER,
    "reference_effect": contest.TO_REFERENCE,
    "reference_lower": contest.REFERENCE_LOWER,
    "reference_upper": contest.REFERENCE_UPPER,
    "lead_p_better": contest.LEAD_P_BETTER,
    "lead_effect": contest.LEAD,
    "lead_lower": contest.LEAD_LOWER,
    "lead_upper": contest.LEAD_UPPER,
    "lead_reference_effect": contest.LEAD_TO_REFERENCE,
    "lead_reference_lower": contest.LEAD_REFERENCE_LOWER,
    "lead_reference_upper": contest.LEAD_REFERENCE_UPPER,
}
"""Columns of numbers of specifications.csv.gz, by their place in the answers."""
AXIS = "axis_"
"""How the column of an axis begins in specifications.csv.gz."""
LEVEL_COLUMNS = (
    "setting", "axis", "level", "label", "declared", "n", "weight", "treatment", "share_first", "share_of_placed",
    "share_named",    "lead", "lead_comparator", "lead_p_better_median", "lead_share_certain",
)  # fmt: skip
SHARE_COLUMNS = (
    "setting", "quantity", "treatment", "comparator", "axis", "first_order", "total", "variance", "weight", "method",
)  # fmt: skip
FLIP_COLUMNS = (
    "setting", "change", "size", "axis_1", "level_1", "axis_2", "level_2", "specification", "declared_first", "first",
    "not_named", "p_better", "lead_effect", "lead_p_better",
)  # fmt: skip
COUNT_COLUMNS = (
    "axes", "product", "combinations", "invalid", "invalid_because", "duplicates", "specifications", "sampled",
    "engine",
)  # fmt: skip
ANOTHER, NOBODY, SOMEBODY = "another_first", "nobody_placed", "somebody_placed"
"""How a choice changes who is first."""
_DIGITS = 6  # decimals of specifications.csv.gz: its numbers are exact to about as many
_CERTAIN = 0.95


def specifications_csv(curve: Curve) -> Iterator[str]:
    """Write specifications.csv.gz line by line: a row for every specification and setting."""
    yield _header(curve)
    yield from _lines(curve, range(len(curve.combinations)))


def steps_csv(curve: Curve) -> Iterator[str]:
    """Write specification_steps.csv: the declared rows of specifications.csv.gz, and those that make one other choice.

    The first column says which choice that is; it is empty where all are declared.
    """
    steps = np.flatnonzero(np.count_nonzero(curve.combinations, axis=1) <= 1).tolist()
    others = [curve.factorial.axes[axis].name for axis in np.argmax(curve.combinations[steps] != 0, axis=1)]
    axes = [name if k else "" for k, name in zip(steps, others, strict=True) for _ in curve.settings]
    yield f"axis,{_header(curve)}"
    yield from (f"{axis},{line}" for axis, line in zip(axes, _lines(curve, steps), strict=True))


def _header(curve: Curve) -> str:
    fixed = ["specification", "declared", "weight", *(AXIS + axis.name for axis in curve.factorial.axes)]
    names = ["setting", "placed", "first", "named", "not_named", "runner_up", "reference"]
    return _line([*fixed, *names, *NUMBERS, "engine", "error"])


def _lines(curve: Curve, specifications: Sequence[int]) -> Iterator[str]:
    """Write some specifications, a line for every setting."""
    axes, sums = curve.factorial.axes, _weights_of_specifications(curve)
    regimens, levels = [*curve.regimens, ""], [[level.name for level in axis.levels] for axis in axes]
    chosen_rows = slice(None) if len(specifications) == len(curve.combinations) else list(specifications)
    numbers = np.round(curve.answers.numbers[chosen_rows][:, :, list(NUMBERS.values())], _DIGITS) + 0.0
    combinations, decided = curve.combinations[chosen_rows].tolist(), curve.answers.places[chosen_rows].tolist()
    for i, (k, combination, places) in enumerate(zip(specifications, combinations, decided, strict=True)):
        chosen = [levels[a][level] for a, level in enumerate(combination)]
        start = _line([str(k + 1), "true" if k == 0 else "false", repr(float(sums[k])), *chosen])[:-1]
        for s, setting in enumerate(curve.settings):
            first, runner_up, placed, reason = places[s]
            named = "true" if first >= 0 and not reason else "false"
            reference = regimens[curve.references[k, s]]
            words = [setting, str(placed), regimens[first], named, REASONS[reason], regimens[runner_up], reference]
            cells = ["" if value != value else repr(value) for value in numbers[i, s].tolist()]
            error = curve.errors[k, s]
            yield ",".join([start, *words, *cells, curve.engine, "" if error != error else repr(float(error))]) + "\n"


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _weights_of_specifications(curve: Curve) -> Floats:
    """Weight of every specification: the sum of those of its combinations, over that of all that are valid."""
    valid = curve.distinct.of >= 0
    weights = np.bincount(curve.distinct.of[valid], curve.factorial.weights[valid], minlength=len(curve.distinct.first))
    return np.asarray(weights / weights.sum())


def level_rows(curve: Curve) -> list[dict[str, Any]]:
    """Rows of specification_levels.csv: who is first how often, by level of every axis and (without an axis) at all."""
    valid = curve.distinct.of >= 0
    of, weights = curve.distinct.of[valid], curve.factorial.weights[valid]
    groups: list[tuple[dict[str, Any], Any]] = [
        ({"axis": "", "level": "", "label": "", "declared": ""}, np.ones(len(of), bool))
    ]
    for a, axis in enumerate(curve.factorial.axes):
        for k, level in enumerate(axis.levels):
            words = {"axis": axis.name, "level": level.name, "label": level.label, "declared": k == 0}
            groups.append((words, curve.factorial.levels[valid, a] == k))
    return [
        {"setting": setting, **words, **row}
        for s, setting in enumerate(curve.settings)
        for words, here in groups
        if here.any()
        for row in _first_by_treatment(curve, s, of[here], weights[here], weights.sum())
    ]


def _first_by_treatment(curve: Curve, s: int, of: Ints, weights: Floats, all_weight: float) -> list[dict[str, Any]]:
    first, reason = (curve.answers.places[of, s, column] for column in (contest.FIRST, contest.REASON))
    total = weights.sum()
    share = np.bincount(first + 1, weights, minlength=len(curve.regimens) + 1) / total if total else np.zeros(0)
    named = np.bincount(first + 1, weights * (reason == contest.NAMED), minlength=len(curve.regimens) + 1)
    p_better = curve.answers.numbers[of, s, contest.LEAD_P_BETTER]
    known = ~np.isnan(p_better) & (weights > 0)
    lead = {
        "lead": _name(curve, curve.lead[s, 0]),
        "lead_comparator": _name(curve, curve.lead[s, 1]),
        "lead_p_better_median": _median(p_better[known], weights[known]),
        "lead_share_certain": float(weights[known] @ (p_better[known] > _CERTAIN) / weights[known].sum())
        if known.any()
        else None,
    }
    shown = {"n": len(np.unique(of)), "weight": total / all_weight, **lead}
    return [
        {
            **shown,
            "treatment": _name(curve, int(k) - 1),
            "share_first": share[k],
            "share_of_placed": share[k] / (1 - share[0]) if k else None,
            "share_named": named[k] / total,
        }
        for k in np.flatnonzero(share)
    ]


def _median(values: Floats, weights: Floats) -> float | None:
    if not len(values):
        return None
    order = np.argsort(values, kind="stable")
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)])


def _name(curve: Curve, place: int) -> str:
    return curve.regimens[place] if place >= 0 else ""


def share_rows(curve: Curve) -> list[dict[str, Any]]:
    """Rows of specification_shares.csv: what of the variance of each result every axis explains."""
    rows = []
    of, valid = curve.distinct.of, curve.distinct.of >= 0
    for s, setting in enumerate(curve.settings):
        first, second, reference = curve.lead[s]
        if first < 0:
            continue
        numbers = curve.answers.numbers[:, s]
        is_first = (curve.answers.places[:, s, contest.FIRST] == first).astype(float)
        for quantity, comparator, values in (
            ("lead_effect", second, numbers[:, contest.LEAD]),
            ("lead_p_better", second, numbers[:, contest.LEAD_P_BETTER]),
            ("lead_reference_effect", reference, numbers[:, contest.LEAD_TO_REFERENCE]),
            ("first", -1, is_first),
        ):
            found = variance_shares(curve.factorial, np.where(valid, values[of], np.nan))
            rows += [
                {
                    "setting": setting,
                    "quantity": quantity,
                    "treatment": _name(curve, first),
                    "comparator": _name(curve, comparator),
                    "axis": axis.name,
                    "first_order": float(found.first_order[a]),
                    "total": float(found.total[a]),
                    "variance": found.variance,
                    "weight": found.weight,
                    "method": "sample" if curve.factorial.sampled else "factorial",
                }
                for a, axis in enumerate(curve.factorial.axes)
            ]
    return rows


def flip_rows(curve: Curve) -> list[dict[str, Any]]:
    """Rows of specification_flips.csv: choices other than the declared that change who is first, alone or in pairs.

    The ``change`` is `ANOTHER`, where another candidate is first, or `NOBODY`, where the data no longer link the
    candidates; `SOMEBODY` where they do not in the declared analysis. Of pairs, those of which neither choice makes the
    same change alone.
    """
    near = neighbours(curve.factorial.sizes)
    specification = curve.distinct.of[curve.factorial.places(near)]
    rows: list[dict[str, Any]] = []
    for s, setting in enumerate(curve.settings):
        declared = curve.answers.places[0, s, contest.FIRST]
        alone: set[tuple[str, int, int]] = set()
        for row, k in zip(near, specification, strict=True):
            first = curve.answers.places[k, s, contest.FIRST]
            if k < 0 or first == declared:
                continue
            change = NOBODY if first < 0 else ANOTHER if declared >= 0 else SOMEBODY
            choices = [(change, int(a), int(row[a])) for a in np.flatnonzero(row)]
            if alone & set(choices):
                continue
            if len(choices) == 1:
                alone.add(choices[0])
            rows.append({"setting": setting, "change": change, **_flip(curve, s, int(k), [c[1:] for c in choices])})
    return rows


def _flip(curve: Curve, s: int, k: int, choices: Sequence[tuple[int, int]]) -> dict[str, Any]:
    number, place = curve.answers.numbers[k, s], curve.answers.places[k, s]
    axes = curve.factorial.axes
    words = [(axes[a].name, axes[a].levels[level].name) for a, level in choices] + [("", "")]
    return {
        "size": len(choices),
        "axis_1": words[0][0],
        "level_1": words[0][1],
        "axis_2": words[1][0],
        "level_2": words[1][1],
        "specification": k + 1,
        "declared_first": _name(curve, curve.answers.places[0, s, contest.FIRST]),
        "first": _name(curve, place[contest.FIRST]),
        "not_named": REASONS[place[contest.REASON]],
        "p_better": float(number[contest.P_BETTER]),
        "lead_effect": float(number[contest.LEAD]),
        "lead_p_better": float(number[contest.LEAD_P_BETTER]),
    }


def count_rows(curve: Curve) -> list[dict[str, Any]]:
    """Give the row of specification_counts.csv: combinations are specifications, duplicates and invalid ones."""
    listed, rows = len(curve.distinct.of), len(curve.distinct.first)
    invalid = int((curve.distinct.of < 0).sum())
    return [
        {
            "axes": len(curve.factorial.axes),
            "product": curve.factorial.product,
            "combinations": listed,
            "invalid": invalid,
            "invalid_because": "; ".join(f"{n}: {reason}" for reason, n in curve.invalid.items()),
            "duplicates": listed - invalid - rows,
            "specifications": rows,
            "sampled": curve.factorial.sampled,
            "engine": curve.engine,
        }
    ]
