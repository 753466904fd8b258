"""The table studies_behind.csv: how many studies and participants stand behind every effect, and how much is direct.

A study stands behind an effect if it has at least `LEAST_SHARE` of it. Direct are the studies of one setting alone of
which one arm wholly received the first treatment and another the second, as the label ``direct`` has it; their share
is that of the evidence of the studies, without the share of the prior. A study of several arms is direct for each
comparison between them, although its other arms may contribute to the effect as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secondline.cell_values import OVERALL
from secondline.certainty.inputs import Names, Weighed, shares_in_posterior
from secondline.network.arms import Arm, used_arms

LEAST_SHARE = 0.01
"""Share of an effect below which a study is not counted among those behind it."""
COLUMNS = (
    *("setting", "treatment", "comparator", "studies", "participants", "direct_studies", "direct_participants"),
    *("direct_share", "prior_share", "least_share"),
)
Row = Mapping[str, str]


@dataclass(frozen=True)
class Behind:
    """What stands behind one effect; None is not known."""

    studies: tuple[str, ...] | None
    direct: tuple[str, ...]
    direct_share: float | None
    prior_share: float | None


def studies_behind(contributions: Sequence[Row], evidence: Sequence[Row], model: str) -> list[dict[str, Any]]:
    """List what stands behind every effect of which contributions are known.

    Parameters
    ----------
    contributions, evidence : rows
        contributions.csv and evidence.csv of one outcome.
    model : str
        The model whose effects are meant.

    Returns
    -------
    rows
        Shares between 0 and 1. ``studies`` is empty where contributions are not assessable, ``participants`` also where
        a study does not say how many it had.
    """
    arms = used_arms(evidence)
    rows = []
    for names, weighed in shares_in_posterior(contributions, model).items():
        behind = behind_effect(names, weighed, arms)
        known = behind.studies is not None
        rows.append(
            {
                **dict(zip(("setting", "treatment", "comparator"), names, strict=True)),
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


def behind_effect(names: Names, weighed: Weighed, arms: Sequence[Arm]) -> Behind:
    """Find the studies behind one effect, and the share of those that compare the two treatments."""
    if not weighed.studies:
        return Behind(None, (), None, None)
    studies = tuple(name for name, share in weighed.studies.items() if share >= LEAST_SHARE)
    setting, *pair = names
    comparing = {name for name in weighed.studies if _compares(name, pair, setting, arms)}
    direct = tuple(name for name in studies if name in comparing)
    total = sum(weighed.studies.values())
    shared = sum(share for name, share in weighed.studies.items() if name in comparing)
    return Behind(studies, direct, shared / total if total else None, weighed.prior)


def _compares(study: str, pair: Iterable[str], setting: str, arms: Sequence[Arm]) -> bool:
    """Whether a study has an arm wholly on each of two treatments, and no setting but this one."""
    wholly = {
        next(iter(arm.regimens))
        for arm in arms
        if arm.study == study and len(arm.regimens) == 1 and (setting == OVERALL or arm.setting_share(setting) == 1)
    }
    return set(pair) <= wholly


def participants(arms: Sequence[Arm], studies: Iterable[str]) -> int | None:
    """Count the patients of the arms of some studies; None where an arm does not say how many it had."""
    here = [arm.n for study in studies for arm in arms if arm.study == study]
    return round(sum(here)) if all(here) else None
