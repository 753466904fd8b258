"""The table certainty.csv: what is judged of every comparison, by which rule, from what, and by whom."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from secondline.cell_values import OVERALL, PRIOR_DRIVEN
from secondline.cells import values_cell
from secondline.certainty.features import LEVELS, MIXED, UNTESTED
from secondline.certainty.inputs import Inputs, Names
from secondline.certainty.judgements import COLUMNS, DESIGNS, SHARES, judged, rule_of, said_of
from secondline.certainty.settings import (
    DOMAINS,
    HETEROGENEITY,
    IMPRECISION,
    INCOHERENCE,
    INDIRECTNESS,
    OVERALL_CERTAINTY,
    REPORTING,
    START,
    WITHIN,
    CertaintySettings,
)
from secondline.certainty.stability import Words, judged_in_draws, shares_of

__all__ = ["COLUMNS", "certainty_rows"]
_PATTERNS = ("none", "some", "major", "not assessable")
Row = dict[str, Any]


def certainty_rows(inputs: Inputs, settings: CertaintySettings) -> list[Row]:
    """Judge every comparison of which contributions are known: its start, the six domains, and its certainty."""
    return [row for names in inputs.weighed for row in _of_comparison(names, inputs, settings)]


def _of_comparison(names: Names, inputs: Inputs, settings: CertaintySettings) -> Iterator[Row]:
    effect = inputs.effects[names]
    shared = {
        **dict(zip(("setting", "treatment", "comparator"), names, strict=True)),
        "evidence": effect["evidence"],
    }
    rows: dict[str, Row] = {}
    for domain, found in _inputs(names, effect, inputs, settings).items():
        about = {**shared, "domain": domain, "version": settings.versions[domain], "note": _note(domain, names, effect)}
        rows[domain] = judged({**about, **found}, settings.said)
    rows[INCOHERENCE]["note"] = _coherence_note(names, inputs, rows[INCOHERENCE])
    judgements = {domain: rows[domain]["judgement"] for domain in (START, *DOMAINS)}
    about = {**shared, "domain": OVERALL_CERTAINTY, "version": settings.versions[OVERALL_CERTAINTY]}
    rows[OVERALL_CERTAINTY] = judged(
        {**about, "note": _note(OVERALL_CERTAINTY, names, effect), **judgements}, settings.said
    )
    _count_draws(rows, inputs, names)
    yield from rows.values()


def _inputs(names: Names, effect: Mapping[str, str], inputs: Inputs, settings: CertaintySettings) -> dict[str, Row]:
    """Collect the inputs of every domain of one comparison, in the order of the table."""
    weighed = inputs.weighed[names]
    designs = weighed.by(settings.randomised, (True, False))
    equivalence = dict(zip(("range_lower", "range_upper"), settings.equivalence, strict=True))
    columns = ("lower", "upper", "predictive_lower", "predictive_upper")
    interval = {"estimate": _number(effect["median"])} | {column: _number(effect[column]) for column in columns}
    split = inputs.split(*names[1:])
    direct, indirect = split.direct or (None, None), split.indirect or (None, None)
    setting, treatment, comparator = names
    pair = {"setting": setting, "treatment": treatment, "comparator": comparator}
    said = said_of(settings.said, REPORTING, pair)
    reported = {"given": said.judgement, "reason": said.reason, "judge": said.judge} if said else {"given": None}
    return {
        START: dict(zip(DESIGNS, designs, strict=True)),
        WITHIN: dict(zip(SHARES, [*weighed.by(settings.risk_of_bias, LEVELS), weighed.prior], strict=True)),
        REPORTING: reported,
        INDIRECTNESS: dict(zip(SHARES, [*weighed.by(settings.indirectness, LEVELS), weighed.prior], strict=True)),
        IMPRECISION: {**interval, **equivalence},
        HETEROGENEITY: {**interval, **equivalence},
        INCOHERENCE: {
            "kind": split.kind,
            **dict(zip(("direct_lower", "direct_upper"), direct, strict=True)),
            **dict(zip(("indirect_lower", "indirect_upper"), indirect, strict=True)),
            "p_split": split.p,
            "p_design": inputs.p_design,
            **equivalence,
        },
    }


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _note(domain: str, names: Names, effect: Mapping[str, str]) -> str:
    """Say what has to be known of a judgement beside its rule."""
    said = []
    if effect["evidence"] == PRIOR_DRIVEN and domain in (IMPRECISION, HETEROGENEITY, OVERALL_CERTAINTY):
        said.append("the data do not determine the effect: its interval depends on a prior")
    if effect["evidence"] == "extrapolated" and domain in (INDIRECTNESS, OVERALL_CERTAINTY):
        said.append(f"extrapolated: one of the two was not given in {names[0]}")
    if effect["converged"] == "false" and domain in (IMPRECISION, HETEROGENEITY):
        said.append("the fit has not converged")
    return "; ".join(said)


def _coherence_note(names: Names, inputs: Inputs, row: Row) -> str:
    """Say what the test of coherence is about, and why there is none."""
    if row["kind"] == MIXED:
        return "" if names[0] == OVERALL else "tested in all settings together"
    if row["kind"] == UNTESTED:
        return "node-splits were not computed"
    if row["p_design"] is not None:
        return "tested in the network as a whole"
    if not inputs.tested_by_design:
        return "networks with counts have no design-by-treatment test"
    return "no loop of the network tests coherence"


def _count_draws(rows: Mapping[str, Row], inputs: Inputs, names: Names) -> None:
    """Count the judgements over the draws, of imprecision, heterogeneity and the certainty as a whole."""
    draws = inputs.drawn(names)
    if draws is None:
        return
    found = {domain: judged_in_draws(rows[domain], draws) for domain in (IMPRECISION, HETEROGENEITY)}
    for domain, words in found.items():
        _say(rows[domain], words)
    # A judgement of a person does not depend on the draws.
    used = {
        domain: np.full(len(draws), rows[domain]["override"]) if rows[domain]["override"] else words
        for domain, words in found.items()
    }
    _say(rows[OVERALL_CERTAINTY], _certainty_in_draws(rows[OVERALL_CERTAINTY], used))


def _certainty_in_draws(row: Row, judgements: Mapping[str, Words]) -> Words:
    """Judge the certainty with the imprecision and the heterogeneity of every draw; each combination once."""
    result = np.empty(len(next(iter(judgements.values()))), dtype=object)
    for imprecision in _PATTERNS:
        for heterogeneity in _PATTERNS:
            here = (judgements[IMPRECISION] == imprecision) & (judgements[HETEROGENEITY] == heterogeneity)
            if here.any():
                result[here] = rule_of({**row, IMPRECISION: imprecision, HETEROGENEITY: heterogeneity}).judgement
    return result.astype(str)


def _say(row: Row, words: Words) -> None:
    shares = shares_of(words)
    row["draws"] = values_cell(shares)
    row["differs_in_draws"] = 1.0 - shares.get(row["by_rule"], 0.0)
