"""An analysis with a bias: what the configuration says, every engine has."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.cell_values import NOT_ASSESSABLE
from secondline.certainty.flow_reasons import BIASED
from secondline.certainty.flow_tables import find_flows
from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.generalised_least_squares import fit, gaussian_units
from secondline.inference.task import FitTask
from secondline.jobs.bias_settings import biased_contrasts
from secondline.jobs.network_checks import check_networks
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.leaving_out import without
from secondline.project.bias import TakenBias
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.summaries.sensitivity import evidence_digest
from secondline.summaries.settings import ComparisonSettings

from tests.conftest import ROOT
from tests.networks import ABC, Sizes, contrast_row, simulate
from tests.test_methods import methods_of

NOTHING = {"scheme": "ici", "mean": 0.0, "sd": 0.0}
LOOP = [
    contrast_row("s1", "b", "a", -0.6, 0.3),
    contrast_row("s2", "b", "a", -0.1, 0.2),
    contrast_row("s3", "c", "a", 0.2, 0.25),
    contrast_row("s4", "c", "b", 0.3, 0.3),
]


def of_s1(mean: float, sd: float) -> Bias:
    """Bias of the first study of the loop."""
    return Bias(contrasts=(("s1", "b", "a", -1.0),), mean=mean, sd=sd)


@pytest.fixture(scope="module")
def shipped() -> Project:
    """Read the project as it is shipped."""
    return read_project(ROOT / "config/config.yaml")


def taking(project: Project, **asked: object) -> Project:
    """Let the first analysis take a bias."""
    config = project.config
    primary = config.analyses["primary"].model_copy(update={"bias": TakenBias(**asked)})  # pyright: ignore
    analyses = {**config.analyses, "primary": primary}
    return project.model_copy(update={"config": config.model_copy(update={"analyses": analyses})})


def test_an_analysis_takes_the_bias_that_it_asks_for(shipped: Project) -> None:
    """That of its scheme with a size of its own, in fits and summaries of this analysis alone."""
    taken = taking(shipped, scheme="ici", mean=0.2, sd=0.1)
    assert shipped.config.bias is not None
    of_ici = shipped.config.bias.schemes["ici"]
    for outcome in ("os", "orr"):
        bias = fit_settings(taken, "primary", outcome).bias
        assert bias is not None
        assert (bias.mean, bias.sd) == (0.2, 0.1)
        rows = evidence_rows(shipped, "primary", outcome)
        assert bias.contrasts == biased_contrasts(shipped, of_ici, outcome, rows) != ()
        assert summary_settings(taken, outcome, "primary").bias == bias
        assert summary_settings(taken, outcome).bias is None
        assert fit_settings(taken, "four_cohorts", outcome).bias is None
        assert fit_settings(shipped, "primary", outcome).bias is None


def test_a_bias_of_nothing_is_the_analysis_without(shipped: Project) -> None:
    """Data and prior to the last digit, and the digest by which analyses are told apart; another bias is another."""
    rows = evidence_rows(shipped, "primary", "os")
    biases, found = [], []
    for project in (shipped, taking(shipped, **NOTHING), taking(shipped, scheme="ici", mean=0.2)):
        settings = fit_settings(project, "primary", "os")
        biases.append(settings.bias)
        found.append(FitTask.from_rows(rows, settings).fits[shipped.config.headline].data.gaussian.y)
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    digests = [evidence_digest(rows, (), bias) for bias in biases]
    assert digests[0] == digests[1] != digests[2]


def test_the_frequentist_twin_has_the_bias() -> None:
    """A wide one leaves the study out, to 1e-6; a fixed one moves its contrast."""
    predictor = network_data(LOOP, ABC, "contrasts").predictor
    tau = 0.2
    kept = fit(gaussian_units(LOOP[1:], predictor, "contrasts"), tau)
    wide = fit(gaussian_units(LOOP, predictor, "contrasts", bias=of_s1(0.5, 1e5)), tau)
    assert wide.estimates == pytest.approx(kept.estimates, abs=1e-6)
    assert wide.covariance == pytest.approx(kept.covariance, abs=1e-6)
    moved = fit(gaussian_units([contrast_row("s1", "b", "a", -0.4, 0.3), *LOOP[1:]], predictor, "contrasts"), tau)
    found = fit(gaussian_units(LOOP, predictor, "contrasts", bias=of_s1(0.2, 0.0)), tau)
    assert found.estimates == pytest.approx(moved.estimates, abs=1e-12)


def test_flows_are_not_assessed_with_a_bias() -> None:
    """As they would be those of the studies without it; a bias of studies that are not there is none."""
    settings = ComparisonSettings(
        measure="HR", ratio=True, better="lower", margin=1.0, reference="a", not_candidates={}
    )
    others = Bias(contrasts=(("s9", "b", "a", -1.0),), mean=0.2)
    methods = [
        find_flows(LOOP, ABC, "contrasts", settings, bias=bias).flows[0]["method"] for bias in (of_s1(0.2, 0.1), others)
    ]
    assert BIASED in methods[0]
    assert BIASED not in methods[1]


def test_leave_one_out_has_the_bias(shipped: Project) -> None:
    """Of the studies that stay, and none of the one that goes."""
    settings = fit_settings(taking(shipped, scheme="ici", mean=0.3, sd=0.2), "primary", "os")
    rows = evidence_rows(shipped, "primary", "os")
    whole = FitTask.from_rows(rows, settings).fits[shipped.config.headline]
    for study in ("nanchang_2023", "severance_2024"):
        left = without(whole.data, whole.data.studies.index(study))
        again = FitTask.from_rows([row for row in rows if row["study"] != study], settings)
        refitted = again.fits[shipped.config.headline]
        wanted = np.eye(left.n_coefficients)
        expected = exact.posterior(refitted.data, refitted.scales).mixture(wanted).summary()
        assert exact.posterior(left, whole.scales).mixture(wanted).summary() == pytest.approx(expected, abs=1e-9)


def with_analysis(folder: Path, given: str) -> Path:
    """Write the shipped configuration with a bias of its first analysis."""
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8").replace("config/", f"{ROOT}/config/")
    assert "{label: All five studies}" in text
    text = text.replace("{label: All five studies}", f"{{label: All five studies, bias: {given}}}", 1)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder / "config.yaml"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{scheme: icy, mean: 0.2}", "analyses.primary.bias.scheme = 'icy': unknown scheme; allowed: ici"),
        ("{scheme: ici, mean: 0.2, sd: -0.1}", "analyses.primary.bias.sd = -0.1: Input should be greater than or"),
        ("{scheme: ici, sd: 0.1}", "analyses.primary.bias.mean"),
        ("{scheme: ici, mean: 7}", "analyses.primary.bias.mean = 7"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, given: str, message: str) -> None:
    """With the place, the value and what is allowed."""
    with pytest.raises(UserError) as error:
        read_project(with_analysis(tmp_path, given))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bias_that_no_contrast_has_is_refused(shipped: Project) -> None:
    """As it would change nothing."""
    assert shipped.config.bias is not None
    scheme = shipped.config.bias.schemes["ici"]
    nowhere = scheme.model_copy(update={"contrasts": scheme.contrasts.model_copy(update={"component": "nothing"})})
    bias = shipped.config.bias.model_copy(update={"schemes": {"ici": nowhere}})
    config = taking(shipped, scheme="ici", mean=0.2).config.model_copy(update={"bias": bias})
    with contextlib.chdir(ROOT), pytest.raises(UserError, match=r"primary\.bias\.scheme = 'ici'.*no contrast in use"):
        check_networks(shipped.model_copy(update={"config": config}), ROOT / "config/config.yaml")


def test_the_methods_say_it(shipped: Project) -> None:
    """Of the analysis itself with its size and a citation, and of another one in a few words; so of shared patients."""
    taken = taking(shipped, scheme="ici", mean=0.2, sd=0.1)
    label = shipped.config.bias.schemes["ici"].label if shipped.config.bias else ""
    primary = taken.config.analyses["primary"].model_copy(update={"overlap": "best"})
    analyses = {**taken.config.analyses, "primary": primary}
    taken = taken.model_copy(update={"config": taken.config.model_copy(update={"analyses": analyses})})
    with contextlib.chdir(ROOT):
        own, other, none = (
            methods_of(*each)[0] for each in ((taken, "primary"), (taken, "four_cohorts"), (shipped, "primary"))
        )
    texts = [{p.heading: p.text for p in methods.paragraphs} for methods in (own, other, none)]
    model = texts[0]["Statistical model"]
    assert f"the studies were adjusted for a bias: “{label}”" in model
    assert "b ~ N(0.2, 0.1²)" in model
    assert "studies that may share patients (Liu 2022 and Nanchang 2023) were correlated according to the best" in model
    assert sum("Turner RM" in reference for reference in own.references) == 1
    assert f"with the bias “{label}”, b ~ N(0.2, 0.1²)" in texts[1]["Sensitivity analyses"]
    assert "with the best guess of the patients whom studies share" in texts[1]["Sensitivity analyses"]
    assert not any("adjusted for a bias" in text or "share patients" in text for text in texts[2].values())


def notebook(likelihood: str = "binomial_logit") -> tuple[sl.Network, list[dict[str, str]]]:
    """Make a network of a data frame with events, with its rows."""
    rows = simulate(likelihood, ("ab", "ab", "ac", "bc"), {"a": 0.0, "b": 0.4, "c": -0.3}, 0.1, 5, Sizes(n=(80, 120)))
    frame = pd.DataFrame(rows)[["study", "arm", "events", "n"]].astype({"events": int, "n": int})
    return sl.Network.from_arms(frame, study="study", treatment="arm", events="events", n="n", reference="a"), rows


MODEL = sl.Model(likelihood="binomial")


def test_a_notebook_with_a_bias_has_no_flows() -> None:
    """As a run has none; without the bias it has them."""
    network, rows = notebook()
    biased = network.biased("b", mean=0.3, studies=[rows[0]["study"]], better="higher")
    methods = [set(sl.fit(each, MODEL).flows()["method"]) for each in (network, biased)]
    assert methods[1] == {f"{NOT_ASSESSABLE}: {BIASED}"}
    assert not methods[0] & methods[1]


def test_a_notebook_fits_with_a_bias() -> None:
    """That of the network's data with the same bias; every size of it stays in what is added to the network."""
    network, rows = notebook()
    first = rows[0]["study"]
    biased = network.biased("b", mean=0.3, sd=0.2, studies=[first], better="higher")
    found = sl.fit(biased, MODEL).relative_effects().query("comparator == 'a' and treatment == 'b'")
    bias = Bias(contrasts=((first, "b", "a", 1.0),), mean=0.3, sd=0.2)
    priors = sl.Priors()
    data = network_data(rows, ABC, "binomial_logit", bias=bias)
    from secondline.api.assembly import assemble

    scales = assemble(network, MODEL, priors)[1].scales
    expected = exact.posterior(data, scales).mixture(np.eye(1, data.n_coefficients)).summary()
    assert list(found["mean"]) == pytest.approx(expected[0], abs=0.03)
    assert list(found["sd"]) == pytest.approx(expected[1], rel=0.03)
    nothing = sl.fit(network.biased("b", mean=0.0, better="higher"), MODEL).relative_effects()
    pd.testing.assert_frame_equal(nothing, sl.fit(network, MODEL).relative_effects())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"toward": "x", "mean": 0.1, "better": "lower"}, "toward = 'x'.*allowed: a, b, c"),
        ({"toward": "b", "mean": 0.1, "sd": -1.0, "better": "lower"}, "sd = -1.0.*allowed: 0 or more"),
        ({"toward": "b", "mean": float("nan"), "better": "lower"}, "mean = nan.*allowed: a number"),
        ({"toward": "b", "mean": 0.1, "studies": ["z"], "better": "lower"}, "studies = 'z'"),
        ({"toward": "b", "mean": 0.1}, "which direction is better"),
    ],
)
def test_a_notebook_is_told_in_one_line(asked: dict[str, object], message: str) -> None:
    """What is wrong, and what is allowed."""
    with pytest.raises(UserError, match=message) as error:
        notebook()[0].biased(**asked)  # pyright: ignore
    assert "\n" not in str(error.value)


def test_one_network_has_one_bias() -> None:
    """A second one is refused; a sum of networks keeps the bias in the studies that had it."""
    network, rows = notebook()
    biased = network.biased("b", mean=0.2, better="lower")
    with pytest.raises(UserError, match="has a bias already"):
        biased.biased("c", mean=0.2, better="lower")
    frame = pd.DataFrame([{"study": "new", "arm": arm, "events": 20, "n": 50} for arm in ("a", "b")])
    other = sl.Network.from_arms(frame, study="study", treatment="arm", events="events", n="n", reference="a")
    both = biased + other
    assert both.bias is not None
    own = {study for study, *_ in both.bias.of(both.evidence(MODEL.arms)).contrasts}
    assert own == {row["study"] for row in rows if row["arm"] == "b"}


@pytest.mark.slow
def test_the_sampler_has_the_bias_of_the_exact_engine() -> None:
    """Counts with a column for every biased study, and contrasts in which the bias is integrated out."""
    network, _ = notebook()
    frame = pd.DataFrame(LOOP)[["study", "treatment_arm", "comparator_arm", "effect", "se"]]
    contrasts = sl.Network.from_contrasts(
        frame.astype({"effect": float, "se": float}),
        study="study",
        treatment="treatment_arm",
        comparator="comparator_arm",
        effect="effect",
        se="se",
        reference="a",
        measure="OR",
    )
    for each, model in ((network, MODEL), (contrasts, sl.Model(likelihood="normal"))):
        biased = each.biased(["b", "c"], mean=0.3, sd=0.4, better="higher")
        exactly, sampled = (sl.fit(biased, model, engine=engine).relative_effects() for engine in ("exact", "nuts"))
        sd = exactly["sd"].to_numpy()
        gap = (sampled["mean"].to_numpy() - exactly["mean"].to_numpy()) / sd
        assert np.abs(gap).max() < 0.1
        assert sampled["sd"].to_numpy() == pytest.approx(sd, rel=0.1)
        without_bias = sl.fit(each, model).relative_effects()["mean"].to_numpy()
        assert np.abs(without_bias - exactly["mean"].to_numpy()).max() > 0.1
