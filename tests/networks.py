"""Networks for the tests: structures, rows of evidence tables, and simulated networks of every likelihood."""

from collections.abc import Mapping, Sequence

import numpy as np
from secondline.network.predictor import Effects
from secondline.network.structure import Structure, Treatments

from scripts.calibrate import Model, Sizes, Truth, arm_row, contrast_row, design_rows, plain, redraw

__all__ = ["ABC", "HCC", "Sizes", "arm_row", "component_truth", "contrast_row", "plain", "simulate", "simulate_mixed"]

HCC = Structure.of(
    Treatments(
        components=("lenvatinib", "regorafenib", "other_tki", "ici"),
        regimens={
            "sorafenib": [],
            "lenvatinib": ["lenvatinib"],
            "regorafenib": ["regorafenib"],
            "other_tki": ["other_tki"],
            "sorafenib_ici": ["ici"],
            "lenvatinib_ici": ["lenvatinib", "ici"],
            "regorafenib_ici": ["regorafenib", "ici"],
            "other_tki_ici": ["other_tki", "ici"],
        },
        settings=("sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure"),
    )
)
ABC = plain("abc")

Designs = Sequence[Sequence[str]]


def component_truth(effects: Mapping[str, float], tau: float = 0.0, **more: float) -> Truth:
    """Truth of a plain network from the effects of its treatments; other coefficients by name, cutpoints included."""
    values = {f"beta[{name}]": value for name, value in effects.items()}
    return Truth({**values, "log_distance[2]": 0.3, "log_distance[3]": 0.1, **more}, tau)


def simulate(
    likelihood: str,
    designs: Designs,
    effects: Mapping[str, float],
    tau: float,
    seed: int,
    sizes: Sizes | None = None,
    baseline: tuple[float, float] = (-0.5, 0.5),
) -> list[dict[str, str]]:
    """Simulate the rows of a plain network with arm effects of variance tau^2 / 2.

    Parameters
    ----------
    designs : sequence of sequences of str
        Treatments of every study.
    effects : mapping
        Effect of every treatment on the link scale, 0 for the reference.
    baseline : tuple of float
        Mean and standard deviation of the study baselines.
    """
    rng = np.random.default_rng(seed)
    truth = component_truth(effects, tau)
    model = Model(plain(list(effects)), Effects())
    rows = design_rows(designs, likelihood, rng, sizes)
    return redraw(rows, likelihood, model, Truth(truth.values, tau, 0.0, baseline), rng)


def simulate_mixed(
    likelihood: str, designs: Designs, effects: Mapping[str, float], tau: float, seed: int
) -> list[dict[str, str]]:
    """Simulate a network in which every other study gives contrasts instead of arms."""
    arms = simulate(likelihood, designs, effects, tau, seed)
    contrasts = simulate("contrasts", designs, effects, tau, seed + 1)
    studies = list(dict.fromkeys(row["study"] for row in arms))
    return [row for k, s in enumerate(studies) for row in (contrasts if k % 2 else arms) if row["study"] == s]
