"""Exchangeable interactions, effects by regimen and the class contrast: fits against what they must equal."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.fitted import solved as solved_draws
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.task import FitTask
from secondline.inference.textbook import textbook_model
from secondline.inference.widening import prior_covariances
from secondline.jobs.report_settings import figure_labels
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import arms_of, used_arms
from secondline.network.data import network_data
from secondline.network.graph import label_contrasts
from secondline.network.loops import direct_comparisons
from secondline.network.mixed_arms import CLASS_CONTRAST
from secondline.network.predictor import Effects
from secondline.network.slopes import Slopes
from secondline.network.structure import Floats, Structure, Treatments
from secondline.project.read import read_project
from secondline.report.words import Names
from secondline.summaries.coefficients import coefficient_rows
from secondline.summaries.frequentist import write_frequentist
from secondline.summaries.mixed_arm_error import marginal_log_hazard_ratio, mixture_errors
from secondline.summaries.posterior import posterior_of
from secondline.summaries.relative_effects import relative_effects
from secondline.tables import read_table

from tests.conftest import CONFIG
from tests.networks import HCC, contrast_row
from tests.settings import summary

TREATMENTS = Treatments(
    components=("b", "c", "x"),
    regimens={"a": (), "b": ("b",), "c": ("c",), "x": ("x",), "bx": ("b", "x"), "cx": ("c", "x")},
)
BACKBONES = Structure.of(TREATMENTS)
FIXED = PriorScales(effect=1.5, tau=0.0, omega=0.0, baseline=2.5)
VAGUE = replace(FIXED, effect=1000.0)
CONTRASTS = (
    ("b", "a", -0.3, 0.2),
    ("x", "a", -0.5, 0.3),
    ("bx", "b", -0.2, 0.25),
    ("cx", "c", -0.9, 0.3),
    ("c", "a", 0.1, 0.2),
    ("bx", "a", -0.4, 0.4),
)


def network(contrasts: Sequence[tuple[str, str, float, float]] = CONTRASTS) -> list[dict[str, str]]:
    """One two-arm study for every contrast."""
    return [contrast_row(f"s{k}", *contrast) for k, contrast in enumerate(contrasts)]


def mixed(study: str, treatment: str, comparator: str, effect: float, se: float, n: int = 40) -> dict[str, str]:
    """Contrast of two arms by their compositions, such as ``bx:30 cx:10``."""
    cells = {"treatment_arm": "t", "comparator_arm": "c", "treatment_mix": treatment, "comparator_mix": comparator}
    return contrast_row(study, "t", "c", effect, se) | cells | {"n_treatment": str(n), "n_comparator": str(n)}


def solved(
    rows: list[dict[str, str]], effects: Effects, scales: PriorScales, structure: Structure = BACKBONES
) -> Floats:
    """Mean and sd of the effect of every regimen but the reference, (2, regimens)."""
    data = network_data(rows, structure, "contrasts", effects)
    return np.asarray(exact.posterior(data, scales).summary(data.predictor.effect_rows()[0, 1:])[0][:2])


@pytest.mark.parametrize("sd", [0.05, 0.3, 2.0])
def test_exchangeable_interactions_are_a_variance_between_regimens(sd: float) -> None:
    """By hand: effects of regimens are normal with covariance M M' effect^2 + Z Z' sd^2, updated by the studies."""
    held = BACKBONES.matrix[:, [BACKBONES.components.index("x")]]
    prior = 1.5**2 * BACKBONES.matrix @ BACKBONES.matrix.T + sd**2 * np.diag(held[:, 0])
    index = BACKBONES.regimens.index
    rows = np.array([np.eye(6)[index(t)] - np.eye(6)[index(c)] for t, c, *_ in CONTRASTS])
    y, error = np.array([c[2] for c in CONTRASTS]), np.diag([c[3] ** 2 for c in CONTRASTS])
    gain = prior @ rows.T @ np.linalg.inv(rows @ prior @ rows.T + error)
    mean, covariance = gain @ y, prior - gain @ rows @ prior
    found = solved(network(), Effects(varying="x"), replace(FIXED, interaction=sd))
    assert found[0] == pytest.approx(mean[1:], abs=1e-9)
    assert found[1] == pytest.approx(np.sqrt(np.diag(covariance))[1:], abs=1e-9)


def test_no_variance_between_regimens_is_additivity() -> None:
    """The limit of a small standard deviation."""
    found = solved(network(), Effects(varying="x"), replace(FIXED, interaction=1e-6))
    assert found == pytest.approx(solved(network(), Effects(), FIXED), abs=1e-9)


def test_a_large_variance_leaves_the_interactions_free() -> None:
    """The limit of a large one: free interactions, and here effects by regimen, as priors are vague."""
    found = solved(network(), Effects(varying="x"), replace(VAGUE, interaction=1000.0))
    free = solved(network(), Effects(interactions=(("b", "x"), ("c", "x"))), VAGUE)
    assert found == pytest.approx(free, abs=1e-4)
    assert found == pytest.approx(solved(network(), Effects(regimen_level=True), VAGUE), abs=1e-4)


def test_regimen_level_is_the_plain_network_of_the_regimens() -> None:
    """Nothing of what regimens are made of remains."""
    plain = Structure.plain(BACKBONES.regimens, "a")
    found = solved(network(), Effects(regimen_level=True), FIXED)
    assert found.tolist() == solved(network(), Effects(), FIXED, plain).tolist()


def test_the_class_contrast_compares_what_is_common() -> None:
    """A study with mixed arms says what x adds, whatever the mix; a plain arm is compared with the pool."""
    rows = [mixed("s0", "bx:30 cx:10", "b:10 c:30", -0.7, 0.2), *network((("b", "a", -2.0, 0.1), ("c", "a", 0.5, 0.1)))]
    found = solved(rows, Effects(mixed_arms=CLASS_CONTRAST), VAGUE)
    assert found[:, BACKBONES.regimens.index("x") - 1] == pytest.approx([-0.7, 0.2], abs=1e-4)
    by_patients = solved(rows, Effects(), VAGUE)
    expected = -0.7 - (0.5 * -2.0 - 0.5 * 0.5)  # the arms differ by one half in the share of b
    assert by_patients[0, BACKBONES.regimens.index("x") - 1] == pytest.approx(expected, abs=1e-4)


def test_the_class_contrast_equals_evidence_of_one_mix() -> None:
    """The same posterior as from a table in which both arms have the pooled mix."""
    rows = [mixed("s0", "bx:30 cx:10", "b:10 c:30", -0.7, 0.2), *network()[1:]]
    same = [mixed("s0", "bx:40 cx:40", "b:40 c:40", -0.7, 0.2), *rows[1:]]
    assert solved(rows, Effects(mixed_arms=CLASS_CONTRAST), FIXED).tolist() == solved(same, Effects(), FIXED).tolist()


@pytest.mark.parametrize(
    "effects", [Effects(varying="x"), Effects(regimen_level=True), Effects(mixed_arms=CLASS_CONTRAST)], ids=str
)
def test_the_textbook_has_the_same_density(effects: Effects) -> None:
    """Differences of its log density between points are those of the exact normal posterior."""
    rows = [*network(), mixed("m", "bx:30 cx:10", "b:10 c:30", -0.7, 0.2)]
    scales = replace(FIXED, interaction=0.3 if effects.varying else 0.0)
    data = network_data(rows, BACKBONES, "contrasts", effects)
    grid = exact.posterior(data, scales)
    units = np.eye(data.n_coefficients)
    mean, root = grid.mixture(units).mean(), grid.roots[0]
    points = np.random.default_rng(1).normal(size=(4, data.n_coefficients))
    model = textbook_model(data, scales)
    assert [variable.name for variable in model.free_RVs] == ["effect"]
    density = model.compile_logp()
    textbook = np.array([float(density({"effect": point})) for point in points])
    precision = np.linalg.inv(root.T @ root)
    by_hand = np.array([-0.5 * (point - mean) @ precision @ (point - mean) for point in points])
    assert np.diff(textbook) == pytest.approx(np.diff(by_hand), rel=1e-6)


def labels(
    rows: list[dict[str, str]], effects: Effects, structure: Structure = BACKBONES
) -> dict[tuple[str, str], str]:
    """Structure of every pair, overall."""
    arms = list({(arm.study, arm.name): arm for row in rows for arm in arms_of(row)}.values())
    found = label_contrasts(arms, structure, effects)
    return {(row["treatment"], row["comparator"]): row["structure"] for row in found if row["setting"] == "overall"}


def test_estimability_is_judged_by_the_columns_of_the_model() -> None:
    """What additivity estimates through components, free interactions and regimens do not."""
    rows = network((("b", "a", 0.0, 0.2), ("x", "a", 0.0, 0.2), ("c", "a", 0.0, 0.2), ("cx", "bx", 0.0, 0.2)))
    assert labels(rows, Effects())["bx", "a"] == "indirect"
    assert labels(rows, Effects(varying="x"))["bx", "a"] == "indirect"
    for effects in (Effects(interactions=(("b", "x"), ("c", "x"))), Effects(regimen_level=True)):
        found = labels(rows, effects)
        assert found["bx", "a"] == found["cx", "x"] == "not_estimable"
        assert found["cx", "bx"] == "direct"
        assert found["b", "x"] == "indirect"
    one = Effects(interactions=(("b", "x"),))
    assert labels(rows, one)["bx", "a"] == "indirect"  # through cx, which is additive


def test_a_slope_has_to_be_estimated_too() -> None:
    """Studies of one age say nothing of the effect at another."""
    rows = [{**row, "covariates": "age:70"} for row in network((("b", "a", 0.0, 0.2), ("c", "b", 0.0, 0.2)))]
    assert labels(rows, Effects(slopes=(Slopes("age", 70.0),)))["b", "a"] == "direct"
    found = labels(rows, Effects(slopes=(Slopes("age", 60.0),)))
    assert found["b", "a"] == found["c", "a"] == "not_estimable"
    assert found["c", "b"] == "direct"
    two = [*rows, contrast_row("other", "b", "a", 0.0, 0.2, covariates="age:50")]
    assert labels(two, Effects(slopes=(Slopes("age", 60.0),)))["c", "a"] == "indirect"


def test_a_loop_through_components_is_none_through_regimens() -> None:
    """Additivity estimates bx against a from b and x; without it the study of that comparison is alone."""
    rows = network((("b", "a", 0.0, 0.2), ("x", "a", 0.0, 0.2), ("bx", "a", 0.0, 0.2)))
    arms = [arm for row in rows for arm in arms_of(row)]
    additive = {(c.treatment, c.comparator): c.reason for c in direct_comparisons(arms, BACKBONES)}
    regimens = {
        (c.treatment, c.comparator): c.reason for c in direct_comparisons(arms, BACKBONES, Effects(regimen_level=True))
    }
    assert additive["bx", "a"] == ""
    assert regimens["bx", "a"].startswith("no closed loop")


def test_the_shipped_regimens_can_all_be_pooled() -> None:
    """Every drug of the shipped network is declared with and without an inhibitor: a class contrast always exists."""
    rows = [mixed("m", "lenvatinib_ici:3 sorafenib_ici:1", "regorafenib:2 other_tki:2", 0.0, 0.2)]
    data = network_data(rows, HCC, "contrasts", Effects(mixed_arms=CLASS_CONTRAST))
    assert data.gaussian.rows * 0.2 == pytest.approx(np.array([[0.0, 0, 0, 1]]))


def test_errors_of_mixtures_are_those_of_the_mix_in_the_model() -> None:
    """Under the class contrast both arms have 40 patients of each drug, so x alone is what the linear mean compares."""
    rows = [mixed("m", "bx:30 cx:10", "b:10 c:30", -0.7, 0.2)]
    theta = np.array([0.0, -1.0, 0.4, -0.5, -1.5, -0.1])
    settings = summary(treatments=TREATMENTS)
    (by_patients,) = mixture_errors(rows, BACKBONES, theta, settings)
    assert by_patients["linear"] == pytest.approx(0.75 * -1.5 + 0.25 * -0.1 - (0.25 * -1.0 + 0.75 * 0.4))
    (pooled,) = mixture_errors(rows, BACKBONES, theta, settings, Effects(mixed_arms=CLASS_CONTRAST))
    assert pooled["linear"] == pytest.approx(-0.5)
    half = np.array([0, 0, 0, 0, 0.5, 0.5]), np.array([0, 0.5, 0.5, 0, 0, 0])
    assert pooled["marginal"] == pytest.approx(marginal_log_hazard_ratio(*half, theta, 0.5))


def test_the_frequentist_twin_follows_the_headline_model(tmp_path: Path) -> None:
    """Effects by regimen, without priors: the loop of three two-arm studies by generalised least squares."""
    rows = network((("bx", "a", -0.4, 0.1), ("cx", "bx", 0.3, 0.2), ("x", "a", 0.2, 0.2)))
    write_frequentist(rows, summary(treatments=TREATMENTS), tmp_path, Effects(regimen_level=True))
    cells = {(r["treatment"], r["comparator"]): r for r in read_table(tmp_path / "relative_effects.csv")}
    assert float(cells["bx", "a"]["effect"]) == pytest.approx(-0.4)
    assert float(cells["cx", "a"]["effect"]) == pytest.approx(-0.1)
    assert float(cells["cx", "a"]["se"]) == pytest.approx(np.hypot(0.1, 0.2))


def test_models_of_a_configuration(edit: Callable[[str, str, str], int]) -> None:
    """The shipped network under each of them, from the configuration to coefficients and labels."""
    edit(
        "config.yaml",
        "  setting: {heterogeneity: true, settings: true}",
        "  varying: {heterogeneity: true, exchangeable_interactions: {component: ici, sd: 0.000001}}\n"
        "  regimens: {heterogeneity: true, regimen_level: true}\n"
        "  contrast: {heterogeneity: true, mixed_arms: class_contrast}",
    )
    project = read_project(CONFIG)
    rows = evidence_rows(project, "primary", "os")
    task, settings = FitTask.from_rows(rows, fit_settings(project, "primary", "os")), summary_settings(project, "os")
    found = {}
    for name, fit in task.fits.items():
        solution = solve(fit.data, fit.scales)
        assert solution.posterior is not None
        covariances = prior_covariances(fit.data, fit.scales, solution.posterior)
        assert covariances is not None
        posterior = posterior_of(solved_draws(fit, solution, covariances, 20_000, 1))
        effects = fit.data.predictor.effects
        relative = relative_effects(posterior, used_arms(rows), task.structure, settings, False, effects)
        found[name] = {(r["treatment"], r["comparator"]): r for r in relative if r["setting"] == "overall"}
        shown = {row["parameter"]: row["prior"] for row in coefficient_rows(posterior)}
        names = Names(figure_labels(project), "primary", "os", name)
        if name == "varying":
            assert shown["interaction[lenvatinib_ici]"] == "normal(0, 1e-06)"
            assert names.coefficient("interaction[lenvatinib_ici]") == "interaction in Lenvatinib + ICI"
        if name == "regimens":
            assert shown["beta[lenvatinib_ici]"] == "normal(0, 1.5)"
            assert names.coefficient("beta[lenvatinib_ici]") == "Lenvatinib + ICI"
    first, second = "regorafenib_ici", "lenvatinib_ici"
    pooled, varying = found["pooled"][first, second], found["varying"][first, second]
    assert varying["mean"] == pytest.approx(pooled["mean"], abs=0.02)
    assert found["contrast"][first, second]["mean"] != pytest.approx(pooled["mean"], abs=0.02)
    assert {row["evidence"] for row in found["regimens"].values()} >= {"prior_driven"}
    assert found["regimens"]["other_tki_ici", "sorafenib"]["evidence"] == "prior_driven"
