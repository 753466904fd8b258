"""Judgements of one comparison: each a row whose inputs suffice to compute it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from secondline.cell_values import NOT_JUDGED, PRIOR_DRIVEN
from secondline.certainty.features import MIXED, agreements, concern_features, crossings, points
from secondline.certainty.rules import Feature, Rule, judge, versions_of
from secondline.certainty.settings import (
    DOMAINS,
    HETEROGENEITY,
    IMPRECISION,
    INCOHERENCE,
    INDIRECTNESS,
    JUDGED,
    OVERALL_CERTAINTY,
    REPORTING,
    START,
    WITHIN,
    Said,
)

SHARES = ("share_low", "share_some", "share_high", "share_not_judged", "share_prior")
DESIGNS = ("share_randomised", "share_non_randomised", "share_design_unknown")
INTERVALS = (
    *("estimate", "lower", "upper", "predictive_lower", "predictive_upper"),
    *("range_lower", "range_upper"),
)
TESTS = (
    *("kind", "direct_lower", "direct_upper", "indirect_lower", "indirect_upper"),
    *("p_split", "p_design"),
)
INPUTS: dict[str, tuple[str, ...]] = {
    START: DESIGNS,
    WITHIN: SHARES,
    REPORTING: ("given",),
    INDIRECTNESS: SHARES,
    IMPRECISION: INTERVALS,
    HETEROGENEITY: INTERVALS,
    INCOHERENCE: (*TESTS, "range_lower", "range_upper"),
    OVERALL_CERTAINTY: (START, *DOMAINS),
}
"""Columns that a judgement is computed from, by domain."""
COLUMNS = (
    *("setting", "treatment", "comparator", "domain", "version", "judgement", "by_rule", "rule", "rule_source"),
    *("draws", "differs_in_draws", "other_versions", "override", "reason", "judge", "evidence", "note"),
    *dict.fromkeys(column for domain in JUDGED for column in INPUTS[domain]),
)
Row = Mapping[str, Any]
"""A row of certainty.csv, as it is written or as it reads back."""


def rule_of(row: Row, version: str | None = None) -> Rule:
    """Find the rule that holds of a row of certainty.csv, from the row alone.

    Parameters
    ----------
    row : mapping
        ``domain``, ``version``, ``evidence`` and the inputs of the domain.
    version : str, optional
        Another version of the rules than that of the row.
    """
    return judge(row["domain"], version or row["version"], _FEATURES[row["domain"]](row))


def _number(row: Row, column: str) -> float | None:
    cell = row.get(column)
    return None if cell in (None, "") else float(cell)


def _numbers(row: Row, columns: Sequence[str]) -> list[float]:
    """Read numbers of a row; those that are missing are 0."""
    return [_number(row, column) or 0.0 for column in columns]


def _interval(row: Row, name: str) -> tuple[float, float]:
    lower, upper = _numbers(row, (f"{name}lower", f"{name}upper"))
    return lower, upper


def _start(row: Row) -> dict[str, Feature]:
    shares = _numbers(row, DESIGNS)
    total = sum(shares)
    found = [share / total for share in shares] if total else [None, None]
    return {"randomised": found[0], "non_randomised": found[1]}


def _concern(row: Row) -> dict[str, Feature]:
    *shares, not_judged, _ = _numbers(row, SHARES)
    return concern_features(shares, not_judged)


def _crossed(row: Row) -> dict[str, Feature]:
    predictive = None if _number(row, "predictive_lower") is None else _interval(row, "predictive_")
    return crossings(
        _number(row, "estimate") or 0.0, _interval(row, ""), predictive, _interval(row, "range_")
    ).features()


def _coherence(row: Row) -> dict[str, Feature]:
    split = row["kind"] == MIXED
    agreed = agreements(_interval(row, "direct_"), _interval(row, "indirect_"), _interval(row, "range_"))
    return {
        "kind": row["kind"],
        "p_split": _number(row, "p_split"),
        "agreements": float(agreed) if split else None,
        "p_design": _number(row, "p_design"),
    }


def _reported(row: Row) -> dict[str, Feature]:
    return {"given": row.get("given") or None}


def _overall(row: Row) -> dict[str, Feature]:
    unknown = row[START] not in ("high", "low") or NOT_JUDGED in (row[domain] for domain in DOMAINS)
    return {
        "start": row[START],
        "points": float(points({domain: row[domain] for domain in DOMAINS})),
        "open": "yes" if unknown else "no",
        "prior_driven": "yes" if row["evidence"] == PRIOR_DRIVEN else "no",
    }


_FEATURES = {
    START: _start,
    WITHIN: _concern,
    REPORTING: _reported,
    INDIRECTNESS: _concern,
    IMPRECISION: _crossed,
    HETEROGENEITY: _crossed,
    INCOHERENCE: _coherence,
    OVERALL_CERTAINTY: _overall,
}


def judged(row: Row, said: Sequence[Said]) -> dict[str, Any]:
    """Judge a row by its rule, and by the person who judged in place of it; say what other versions would judge.

    Parameters
    ----------
    row : mapping
        Names, domain, version and inputs.
    said : sequence of Said
        What persons judged in place of rules; of reporting bias it is an input.
    """
    rule = rule_of(row)
    versions = versions_of(row["domain"]) if row["domain"] != OVERALL_CERTAINTY else ()  # a sum, or a person
    others = {version: rule_of(row, version).judgement for version in versions}
    differing = [f"{version}: {found}" for version, found in others.items() if found != rule.judgement]
    person = said_of(said, row["domain"], row)
    return {
        **row,
        "judgement": person.judgement if person else rule.judgement,
        "by_rule": rule.judgement,
        "rule": rule.condition,
        "rule_source": rule.source,
        "other_versions": "; ".join(differing),
        "override": person.judgement if person else None,
        "reason": person.reason if person else row.get("reason"),
        "judge": person.judge if person else row.get("judge"),
    }


def said_of(said: Sequence[Said], domain: str, row: Row) -> Said | None:
    """Find what a person judged of a domain of a comparison; what is said of less goes before what is said of more."""
    pair = row["setting"], row["treatment"], row["comparator"]
    found = [one for one in said if one.domain == domain and one.applies(*pair)]
    return max(found, key=lambda one: one.precedence) if found else None
