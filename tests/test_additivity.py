"""Additivity of components: its degrees of freedom, and the interactions that a network can show."""

from math import sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.doubt.additivity import COLUMNS, additivity_rows
from secondline.doubt.held_out import Model
from secondline.evidence.selection import evidence_rows
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.task import Fit
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import used_arms
from secondline.network.data import network_data
from secondline.network.loops import direct_comparisons
from secondline.network.predictor import Effects
from secondline.network.structure import Structure, Treatments
from secondline.project.read import read_project
from secondline.report.prose.additivity import additivity_sentence
from secondline.report.settings import Labels
from secondline.report.words import Names
from secondline.summaries.freedom import freedom_rows
from secondline.tables import read_back

FACTORIAL = Structure.of(
    Treatments(components=("a", "b"), regimens={"none": (), "a": ("a",), "b": ("b",), "a+b": ("a", "b")})
)
NAMES = Names(Labels(measures={"x": "HR"}, components={"a": "Alpha", "b": "Beta"}), "main", "x")


def contrast(study: str, treatment: str, effect: float, se: float) -> dict[str, str]:
    """Evidence on a treatment against none."""
    return {
        "study": study,
        "treatment_arm": treatment,
        "comparator_arm": "none",
        "treatment_mix": f"{treatment}:10",
        "comparator_mix": "none:10",
        "setting_mix": "",
        "n_treatment": "10",
        "n_comparator": "10",
        "effect": repr(effect),
        "se": repr(se),
        "used": "true",
    }


def factorial(tau: float, *treatments: str) -> list[dict[str, object]]:
    """Rows of a network in which studies of standard error 0.1, 0.2, 0.3 compare treatments with none."""
    effects = {"a": -0.4, "b": -0.3, "a+b": -0.2}
    rows = [contrast(f"s{i}", t, effects[t], 0.1 * (i + 1)) for i, t in enumerate(treatments)]
    scales = PriorScales(effect=10.0, tau=tau, omega=0.0, baseline=10.0, slope=10.0, cutpoint=10.0)
    fit = Fit(network_data(rows, FACTORIAL, "contrasts", Effects()), scales)
    return additivity_rows(rows, fit, "contrasts", solve(fit.data, scales).posterior)


def test_an_interaction_by_hand() -> None:
    """It is y(a+b) - y(a) - y(b), with the root of the sum of the variances as standard error."""
    total, row = factorial(0.0, "a", "b", "a+b")
    assert (total["regimen_effects"], total["component_effects"], total["df"]) == (3, 2, 1)
    se = sqrt(0.01 + 0.04 + 0.09)
    assert row["estimate"] == pytest.approx(-0.2 + 0.4 + 0.3)
    assert row["sd"] == pytest.approx(se)
    assert row["z"] == pytest.approx(0.5 / se)
    assert row["detectable"] == pytest.approx(2.8015852 * se)
    assert (row["name"], row["estimable"], row["df"], row["tau"]) == ("a*b", True, 1, 0.0)


def test_heterogeneity_takes_power() -> None:
    """Every one of the three contrasts has the variance tau^2 more; its estimate stays."""
    _, row = factorial(0.5, "a", "b", "a+b")
    assert row["estimate"] == pytest.approx(0.5)
    assert row["detectable"] > 2.8015852 * sqrt(0.14 + 3 * float(np.asarray(row["tau"])) ** 2)
    assert row["sd"] == pytest.approx(float(np.asarray(row["detectable"])) / 2.8015852)


def test_additivity_that_nothing_can_contradict() -> None:
    """Without studies of b alone the interaction is confounded with b."""
    total, row = factorial(0.5, "a", "a+b")
    assert (total["df"], row["estimable"], row.get("estimate")) == (0, False, None)
    assert "cannot contradict" in additivity_sentence(read_back([total, row], COLUMNS), NAMES)


def test_a_network_without_combinations_has_nothing_to_say() -> None:
    """Additivity is then no assumption."""
    rows = factorial(0.5, "a", "b")
    assert [row["kind"] for row in rows] == ["total"]
    assert additivity_sentence(read_back(rows, COLUMNS), NAMES) == ""


def test_the_sentence_has_the_numbers_of_the_table() -> None:
    """One line: degrees of freedom, estimate, and what could be detected."""
    said = additivity_sentence(read_back(factorial(0.0, "a", "b", "a+b"), COLUMNS), NAMES)
    assert "on 1 degree of freedom only" in said
    assert "interaction of Alpha and Beta" in said
    assert "0.50 (standard deviation 0.37, z = 1.34)" in said
    assert "80% power is 1.05, a ratio of 2.85," in said
    said = additivity_sentence(read_back(factorial(0.5, "a", "b", "a+b"), COLUMNS), NAMES)
    assert "80% power, allowing for heterogeneity, is " in said


@pytest.mark.parametrize("outcome", ["os", "pfs", "orr"])
def test_the_shipped_network_has_one_degree_of_freedom(outcome: str) -> None:
    """Two interactions and two node-splits are one test; without tau it is that of degrees_of_freedom.csv."""
    project = read_project(Path(__file__).parents[1] / "config/config.yaml")
    evidence = evidence_rows(project, "primary", outcome)
    settings, summary = fit_settings(project, "primary", outcome), summary_settings(project, outcome)
    model = Model.of(evidence, settings, summary, "fixed")
    likelihood, posterior = settings.likelihood, model.solution.posterior
    total, *interactions = additivity_rows(evidence, model.fit, likelihood, posterior)
    assert (total["regimen_effects"], total["component_effects"], total["df"]) == (5, 4, 1)
    first, second, third = interactions
    assert [row["name"] for row in interactions] == ["lenvatinib*ici", "regorafenib*ici", "other_tki*ici"]
    assert first["estimate"] == pytest.approx(-second["estimate"])
    assert first["detectable"] == pytest.approx(second["detectable"])
    assert first["same_interactions"] == "regorafenib*ici"
    assert first["node_splits"] == "lenvatinib_ici against regorafenib; regorafenib_ici against regorafenib"
    assert not third["estimable"]
    if outcome == "orr":
        assert "approximation" in first["estimator"]
        return
    structure = Structure.of(settings.treatments)
    comparisons = direct_comparisons(used_arms(evidence), structure)
    effects = settings.models["fixed"].effects
    tests = freedom_rows(evidence, structure, likelihood, effects, comparisons)
    plain = next(row for row in tests if row.get("name") == "lenvatinib*ici")
    for key, other in (("estimate", "estimate"), ("sd", "se"), ("detectable", "detectable"), ("p_value", "p_value")):
        assert first[key] == pytest.approx(plain[other], rel=1e-6)


def test_the_library_gives_the_table() -> None:
    """A plain network has the total alone."""
    rows = [("s1", "b", "a", -0.5, 0.2), ("s2", "c", "a", 0.3, 0.2)]
    names = ["study", "treatment", "comparator", "effect", "se"]
    columns = dict(zip(names, names, strict=True))
    frame = pd.DataFrame(rows, columns=names)
    net = sl.Network.from_contrasts(frame, **columns, reference="a", measure="HR")
    table = sl.fit(net, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(0.5))).additivity()
    assert list(table.columns) == list(COLUMNS)
    assert list(table["kind"]) == ["total"]
