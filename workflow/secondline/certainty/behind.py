"""The table studies_behind.csv: how many studies and participants stand behind every effect, and how much is direct.

A study stands behind an effect if it has at least `LEAST_SHARE` of it. Direct are the studies of one setting alone of
which one arm wholly received the first treatment and another the second, as the label ``direct`` has it; their share
is that of the evidence of the studies, without the share of the prior. A study of several arms is direct for each
comparison between them, although its other arms may contribute to the effect as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondline.certainty.inputs import Names, Weighed, shares_in_posterior
from secondline.network.arms import Arm, used_arms
from secondline.tables import read_table, write_table

LEAST_SHARE = 0.01
"""Share of an effect below which a study is not counted among those behind it."""
COLUMNS = (
    *("model", "setting", "treatment", "comparator", "studies", "participants"),
    *("direct_studies", "direct_participants", "direct_share", "prior_share", "least_share"),
)
Row = Mapping[str, str]


@dataclass(frozen=True)
class Behind:
    """What stands behind one effect; None is not known."""

    studies: tuple[str, ...] | None
    direct: tuple[str, ...]
    direct_share: float | None
    prior_share: float | None


def write_studies_behind(contributions: str, evidence: str, output: str) -> None:
    """Write studies_behind.csv of one outcome."""
    write_table(output, studies_behind(read_table(contributions), read_table(evidence)), COLUMNS)


def studies_behind(contributions: Sequence[Row], evidence: Sequence[Row]) -> list[dict[str, Any]]:
    """List what stands behind every effect of every model of which contributions are known.

    Parameters
    ----------
    contributions, evidence : rows
        contributions.csv and evidence.csv of one outcome.

    Returns
    -------
    rows
        Shares between 0 and 1. ``studies`` is empty where contributions are not assessable, ``participants`` also where
        a study does not say how many it had.
    """
    arms = used_arms(evidence)
    wholly: dict[str, Mapping[str, set[str]]] = {}
    rows = []
    for model in dict.fromkeys(row["model"] for row in contributions):
        for names, weighed in shares_in_posterior(contributions, model).items():
            if names[0] not in wholly:
                wholly[names[0]] = _wholly_received(arms, names[0])
            behind = behind_effect(names, weighed, wholly[names[0]])
            known = behind.studies is not None
            rows.append(
                {
                    **dict(zip(("model", "setting", "treatment", "comparator"), (model, *names), strict=True)),
                    "studies": len(behind.studies) if behind.studies is not None else None,
                    "participants": participants(arms, behind.studies or ()) if known else None,
                    "direct_studies": len(behind.direct) if known else None,
                    "direct_participants": participants(arms, behind.direct) if known else None,
                    "direct_share": behind.direct_share,
                    "prior_share": behind.prior_share,
                    "least_share": LEAST_SHARE,
                }
            )
    return rows


def behind_effect(names: Names, weighed: Weighed, wholly: Mapping[str, set[str]]) -> Behind:
    """Find the studies behind one effect, and the share of those that compare the two treatments.

    Parameters
    ----------
    wholly : mapping
        Treatments that whole arms of every study received, of the studies of the setting alone.
    """
    if not weighed.studies:
        return Behind(None, (), None, None)
    studies = tuple(name for name, share in weighed.studies.items() if share >= LEAST_SHARE)
    _, *pair = names
    comparing = {name for name in weighed.studies if set(pair) <= wholly.get(name, set())}
    direct = tuple(name for name in studies if name in comparing)
    total = sum(weighed.studies.values())
    shared = sum(share for name, share in weighed.studies.items() if name in comparing)
    return Behind(studies, direct, shared / total if total else None, weighed.prior)


def _wholly_received(arms: Sequence[Arm], setting: str) -> dict[str, set[str]]:
    """Collect the treatments that whole arms received, by study; only of studies that have no setting but this one."""
    found: dict[str, set[str]] = {}
    for arm in arms:
        if len(arm.regimens) == 1 and arm.setting_share(setting) == 1:
            found.setdefault(arm.study, set()).update(arm.regimens)
    return found


def participants(arms: Sequence[Arm], studies: Iterable[str]) -> int | None:
    """Count the patients of the arms of some studies; None where an arm does not say how many it had."""
    here = [arm.n for study in studies for arm in arms if arm.study == study]
    return round(sum(here)) if all(here) else None
