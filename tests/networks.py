"""Networks for the tests: simulated evidence tables and the structures they belong to."""

from collections.abc import Sequence

import numpy as np
from nma.network.design import Structure

HCC = Structure.from_settings(
    {
        "components": ["lenvatinib", "regorafenib", "other_tki", "ici"],
        "regimens": {
            "sorafenib": [],
            "lenvatinib": ["lenvatinib"],
            "regorafenib": ["regorafenib"],
            "other_tki": ["other_tki"],
            "sorafenib_ici": ["ici"],
            "lenvatinib_ici": ["lenvatinib", "ici"],
            "regorafenib_ici": ["regorafenib", "ici"],
            "other_tki_ici": ["other_tki", "ici"],
        },
        "settings": ["sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure"],
    }
)


def plain(treatments: Sequence[str], reference: str | None = None, settings: Sequence[str] = ()) -> Structure:
    """Structure of a plain network: one component for every treatment but the reference."""
    reference = reference or treatments[0]
    components = [t for t in treatments if t != reference]
    return Structure.from_settings(
        {
            "components": components,
            "regimens": {t: [] if t == reference else [t] for t in treatments},
            "settings": list(settings),
        }
    )


def contrast_row(study: str, treatment: str, comparator: str, y: float, se: float, baseline_se: float = 0.0) -> dict:
    """One row of a contrast evidence table, as it reads from CSV."""
    return {
        "study": study,
        "contrast_set": "arms",
        "treatment_arm": treatment,
        "comparator_arm": comparator,
        "treatment_mix": f"{treatment}:10",
        "comparator_mix": f"{comparator}:10",
        "setting_mix": "",
        "n_treatment": "10",
        "n_comparator": "10",
        "log_effect": repr(float(y)),
        "se": repr(float(se)),
        "baseline_se": repr(float(baseline_se)),
        "used": "true",
    }


def arm_row(study: str, treatment: str, events: int, n: int) -> dict:
    """One row of a count evidence table, as it reads from CSV."""
    return {
        "study": study,
        "contrast_set": "arms",
        "arm": treatment,
        "arm_mix": f"{treatment}:{n}",
        "setting_mix": "",
        "events": str(events),
        "n": str(n),
        "used": "true",
    }


def simulate_arms(
    designs: Sequence[Sequence[str]],
    effects: dict[str, float],
    tau: float,
    seed: int,
    n: tuple[int, int] = (30, 120),
    baseline: tuple[float, float] = (-1.0, 0.5),
) -> list[dict]:
    """Simulate counts for studies with the given treatments, arm effects of variance tau^2 / 2."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, treatments in enumerate(designs):
        mu = rng.normal(*baseline)
        for t in treatments:
            eta = mu + effects[t] + tau / np.sqrt(2) * rng.normal()
            size = int(rng.integers(*n))
            rows.append(arm_row(f"study{i:02d}", t, int(rng.binomial(size, 1 / (1 + np.exp(-eta)))), size))
    return rows


def simulate_contrasts(
    designs: Sequence[Sequence[str]], effects: dict[str, float], tau: float, seed: int
) -> list[dict]:
    """Simulate contrasts against the first treatment of every study, with a shared comparator in multi-arm studies."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, treatments in enumerate(designs):
        sd = rng.uniform(0.15, 0.4, len(treatments))
        level = np.array([effects[t] for t in treatments])
        level = level + tau / np.sqrt(2) * rng.normal(size=len(sd)) + sd * rng.normal(size=len(sd))
        for k in range(1, len(treatments)):
            se = float(np.hypot(sd[k], sd[0]))
            rows.append(contrast_row(f"study{i:02d}", treatments[k], treatments[0], level[k] - level[0], se, sd[0]))
    return rows
