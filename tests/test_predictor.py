"""The linear predictor: coefficients and rows by hand for every model of the effects."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.cells import parse_mix, parse_values
from secondline.errors import UserError
from secondline.inference.priors import PriorScales
from secondline.jobs.settings import treatments_of
from secondline.likelihoods import OWN_LIKELIHOODS
from secondline.network.arms import Arm
from secondline.network.mixed_arms import CLASS_CONTRAST
from secondline.network.predictor import CUT, EFFECT, EXCHANGEABLE, INTERACTION, SLOPE, Effects, Predictor, node
from secondline.network.slopes import BY_CLASS, INDEPENDENT, Slopes
from secondline.network.structure import Structure, Treatments
from secondline.project.config import Project

from scripts.calibrate import CASES, Model, Truth
from tests.networks import ABC, HCC, plain

COMBINATIONS = Structure.of(
    Treatments(
        components=("x", "y", "z"),
        regimens={"p": [], "x": ["x"], "xy": ["x", "y"], "yz": ["y", "z"]},
        settings=(),
    )
)


def arm(regimens: dict[str, int], study: str = "s", settings: dict[str, int] | None = None, **covariates: float) -> Arm:
    """Return an arm of a study; its name is what it received."""
    return Arm(study, "+".join(regimens), regimens, settings or {}, float(sum(regimens.values())), covariates)


def whole(treatments: Sequence[str], study: str = "s", **covariates: float) -> list[Arm]:
    """Return the arms of a study, each wholly on one treatment."""
    return [arm({name: 10}, study, None, **covariates) for name in treatments]


def test_components_add_up() -> None:
    """An arm is the sum of its components, weighted by the patients of its regimens."""
    predictor = Predictor.build(COMBINATIONS, Effects(), [])
    assert predictor.names == ["beta[x]", "beta[y]", "beta[z]"]
    assert predictor.rows([arm({"p": 5}), arm({"xy": 5}), arm({"x": 3, "yz": 1})]).tolist() == [
        [0, 0, 0],
        [1, 1, 0],
        [0.75, 0.25, 0.25],
    ]
    assert predictor.effect_rows().tolist() == [[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1]]]
    assert set(predictor.kinds) == {EFFECT}


def test_a_plain_network_is_the_identity() -> None:
    """One component for every treatment but the reference: effects are the coefficients themselves."""
    assert Predictor.build(ABC, Effects(), []).effect_rows().tolist() == [[[0, 0], [1, 0], [0, 1]]]


def test_settings_have_departures() -> None:
    """Component rows stand first, then once per setting with the share of the study's patients there."""
    structure = plain("abc", settings=("s", "t"))
    predictor = Predictor.build(structure, Effects(settings=True), [])
    assert predictor.names == ["beta[b]", "beta[c]", "delta[s,b]", "delta[s,c]", "delta[t,b]", "delta[t,c]"]
    assert predictor.kinds.tolist() == [EFFECT] * 2 + [EXCHANGEABLE] * 4
    assert predictor.rows([arm({"b": 2, "c": 6}, settings={"s": 30, "t": 10})]).tolist() == [
        [0.25, 0.75, 0.75 * 0.25, 0.75 * 0.75, 0.25 * 0.25, 0.25 * 0.75]
    ]
    assert predictor.rows([arm({"b": 2})]).tolist() == [[1, 0, 0, 0, 0, 0]]
    overall, first, second = predictor.effect_rows()
    assert overall[1].tolist() == [1, 0, 0, 0, 0, 0]
    assert first[1].tolist() == [1, 0, 1, 0, 0, 0]
    assert second[2].tolist() == [0, 1, 0, 0, 0, 1]
    assert Predictor.build(structure, Effects(), []).effect_rows()[2].tolist() == [[0, 0], [1, 0], [0, 1]]


def test_effects_of_the_shipped_regimens(project: Project) -> None:
    """A regimen's effect is the sum of its components, and in a setting their departures too."""
    structure = Structure.of(treatments_of(project))
    rows = Predictor.build(structure, Effects(settings=True), []).effect_rows()
    assert rows.shape == (4, 8, 16)
    index = structure.regimens.index("regorafenib_ici")
    components = [0, 1, 0, 1]  # lenvatinib, regorafenib, other_tki, ici
    nothing = [0] * 4
    assert rows[0, index].tolist() == [*components, *nothing, *nothing, *nothing]
    assert rows[1, index].tolist() == [*components, *components, *nothing, *nothing]
    assert rows[3, index].tolist() == [*components, *nothing, *nothing, *components]
    assert not rows[:, structure.regimens.index("sorafenib")].any()


def test_classes_are_a_mean_and_departures() -> None:
    """A component of a class is the class mean plus its departure; a component without a class stays what it is."""
    structure = plain("abcde")
    predictor = Predictor.build(structure, Effects(classes={"b": "one", "d": "two", "e": "one"}), [])
    names = ["beta[c]", "class[one]", "class[two]", "departure[b]", "departure[d]", "departure[e]"]
    assert predictor.names == names
    assert predictor.kinds.tolist() == [EFFECT] * 3 + [EXCHANGEABLE] * 3
    assert predictor.rows(whole("abcde")).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 1, 0],
        [0, 1, 0, 0, 0, 1],
    ]
    assert predictor.effect_rows()[0].tolist() == predictor.rows(whole("abcde")).tolist()


def test_classes_of_components() -> None:
    """A combination of two components of one class has twice its mean, and both departures."""
    predictor = Predictor.build(COMBINATIONS, Effects(classes={"y": "one", "z": "one"}), [])
    assert predictor.names == ["beta[x]", "class[one]", "departure[y]", "departure[z]"]
    assert predictor.rows([arm({"yz": 1}), arm({"xy": 1, "x": 1})]).tolist() == [[0, 2, 1, 1], [1, 0.5, 0.5, 0]]


def test_interactions_come_with_both_components() -> None:
    """Only regimens that hold both components of a pair have its interaction; mixtures have their share of it."""
    predictor = Predictor.build(COMBINATIONS, Effects(interactions=(("x", "y"),)), [])
    assert predictor.names == ["beta[x]", "beta[y]", "beta[z]", "beta[x*y]"]
    rows = predictor.rows([arm({"x": 1}), arm({"xy": 1}), arm({"yz": 1}), arm({"xy": 1, "yz": 3})])
    assert rows.tolist() == [[1, 0, 0, 0], [1, 1, 0, 1], [0, 1, 1, 0], [0.25, 1, 0.75, 0.25]]


def test_interactions_beside_classes_and_settings() -> None:
    """An interaction belongs to no class and has no departures."""
    structure = Structure(("x", "y"), ("p", "x", "y", "xy"), ("s",), np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]]))
    effects = Effects(settings=True, classes={"x": "one"}, interactions=(("x", "y"),))
    predictor = Predictor.build(structure, effects, [])
    assert predictor.names == [
        *("beta[y]", "beta[x*y]", "class[one]", "departure[x]"),
        *("delta[s,x]", "delta[s,y]"),
    ]
    assert predictor.rows([arm({"xy": 1}, settings={"s": 4})]).tolist() == [[1, 1, 1, 1, 1, 1]]


def test_exchangeable_interactions_belong_to_regimens() -> None:
    """Every regimen with the component has a departure of its own, also the one with the reference drug."""
    predictor = Predictor.build(HCC, Effects(varying="ici"), [])
    assert predictor.names == [
        *("beta[lenvatinib]", "beta[regorafenib]", "beta[other_tki]", "beta[ici]"),
        *("interaction[sorafenib_ici]", "interaction[lenvatinib_ici]"),
        *("interaction[regorafenib_ici]", "interaction[other_tki_ici]"),
    ]
    assert predictor.kinds.tolist() == [EFFECT] * 4 + [INTERACTION] * 4
    arms = [arm({"lenvatinib_ici": 3, "regorafenib_ici": 1}), arm({"sorafenib": 1, "sorafenib_ici": 1})]
    assert predictor.rows(arms).tolist() == [[0.75, 0.25, 0, 1, 0, 0.75, 0.25, 0], [0, 0, 0, 0.5, 0.5, 0, 0, 0]]
    assert predictor.effect_rows()[0, HCC.regimens.index("sorafenib_ici")].tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    scales = PriorScales(1.5, 0.5, 0.25, 2.5, interaction=0.3)
    assert scales.coefficients(predictor, 0.2).tolist() == [1.5] * 4 + [0.3] * 4
    assert scales.all_doubled()["interaction_doubled"] == replace(scales, interaction=0.6)


def test_regimen_level_ignores_what_regimens_are_made_of() -> None:
    """Every regimen but the reference has a coefficient, and departures by setting of its own."""
    predictor = Predictor.build(replace(COMBINATIONS, settings=("s",)), Effects(regimen_level=True, settings=True), [])
    assert predictor.names == [
        *("beta[x]", "beta[xy]", "beta[yz]"),
        *("delta[s,x]", "delta[s,xy]", "delta[s,yz]"),
    ]
    rows = predictor.rows([arm({"p": 1}), arm({"xy": 3, "yz": 1}, settings={"s": 2})])
    assert rows.tolist() == [[0] * 6, [0, 0.75, 0.25, 0, 0.75, 0.25]]
    assert predictor.effect_rows()[1].tolist() == [[0] * 6, *np.hstack([np.eye(3), np.eye(3)]).tolist()]


def test_the_class_contrast_gives_mixed_arms_one_mix() -> None:
    """By hand: 30 + 20 patients with lenvatinib and 10 + 40 with regorafenib are a mix of one half each."""
    arms = [
        arm({"lenvatinib_ici": 30, "regorafenib_ici": 10}),
        arm({"lenvatinib": 20, "regorafenib": 40}),
        arm({"sorafenib": 15}),
    ]
    by_patients = Predictor.build(HCC, Effects(), []).rows(arms)
    assert by_patients.tolist() == [[0.75, 0.25, 0, 1], pytest.approx([1 / 3, 2 / 3, 0, 0]), [0] * 4]
    predictor = Predictor.build(HCC, Effects(mixed_arms=CLASS_CONTRAST), [])
    assert predictor.rows(arms).tolist() == [[0.5, 0.5, 0, 1], [0.5, 0.5, 0, 0], [0, 0, 0, 0]]
    assert predictor.rows(arms[1:]).tolist() == by_patients[1:].tolist()  # one mixed arm alone keeps its own mix
    assert [a.regimens for a in predictor.entering(arms)] == [
        {"lenvatinib_ici": 50, "regorafenib_ici": 50},
        {"lenvatinib": 50, "regorafenib": 50},
        {"sorafenib": 15},
    ]


def test_the_class_contrast_mixes_the_reference_too() -> None:
    """A drug that is no component varies like the others."""
    arms = [arm({"sorafenib_ici": 10, "regorafenib_ici": 10}), arm({"sorafenib": 10, "regorafenib": 50})]
    rows = Predictor.build(HCC, Effects(mixed_arms=CLASS_CONTRAST), []).rows(arms)
    assert rows.tolist() == [[0, 0.75, 0, 1], [0, 0.75, 0, 0]]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"xy": 1, "yz": 1}, {"p": 1, "x": 1}, "arm xy+yz of s patients with y, which is not a regimen"),
        ({"x": 2, "xy": 1}, {"xy": 2, "yz": 1}, "arm x+xy of s patients with x and x, which is not a regimen"),
    ],
)
def test_a_class_contrast_that_is_no_regimen(first: dict[str, int], second: dict[str, int], words: str) -> None:
    """A pool that an arm cannot have is refused in one line."""
    predictor = Predictor.build(COMBINATIONS, Effects(mixed_arms=CLASS_CONTRAST), [])
    with pytest.raises(UserError, match=re.escape(words)):
        predictor.rows([arm(first), arm(second)])


def test_covariates_move_every_treatment_but_the_reference() -> None:
    """The slope takes the distance from the centre, by the share of patients who are not on the reference."""
    predictor = Predictor.build(ABC, Effects(slopes=(Slopes("age", 60.0),)), [])
    assert predictor.names == ["beta[b]", "beta[c]", "slope[age]"]
    assert predictor.kinds.tolist() == [EFFECT, EFFECT, SLOPE]
    arms = [*whole("abc", age=62.0), arm({"a": 1, "b": 3}, age=62.0)]
    assert predictor.rows(arms).tolist() == [[0, 0, 0], [1, 0, 2], [0, 1, 2], [0.75, 0, 1.5]]
    assert predictor.effect_rows()[0].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_unrelated_effects_have_a_coefficient_for_every_compared_pair() -> None:
    """Each study against its first arm; a pair is named by the order of the treatments, whichever came first."""
    arms = [*whole("abc", "one"), *whole("cb", "two"), *whole("ac", "three")]
    predictor = Predictor.build(plain("abcd"), Effects(unrelated=True), arms)
    assert predictor.names == ["d[b,a]", "d[c,a]", "d[c,b]"]
    assert predictor.rows(arms).tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, -1],
        [0, 0, 0],
        [0, 1, 0],
    ]
    with pytest.raises(ValueError, match="pairs"):
        predictor.effect_rows()


def test_unrelated_effects_of_mixtures() -> None:
    """An arm that mixes regimens is a treatment of its own."""
    arms = [arm({"a": 5}), arm({"c": 1, "b": 4})]
    predictor = Predictor.build(ABC, Effects(unrelated=True), arms)
    assert node(arms[1], ABC) == "b+c"
    assert predictor.names == ["d[b+c,a]"]
    assert predictor.rows(arms).tolist() == [[0], [1]]


def test_split_gives_direct_evidence_its_own_coefficient() -> None:
    """Only where a study has both arms wholly: there the treatment is the comparator plus the direct effect."""
    predictor = Predictor.build(plain("abcd"), Effects(split=("c", "b")), [])
    assert predictor.names == ["beta[b]", "beta[c]", "beta[d]", "direct[c,b]"]
    rows = predictor.rows([*whole("bc", "one"), *whole("abcd", "two"), *whole("ac", "three")])
    one, two, three = rows[:2], rows[2:6], rows[6:]
    assert (one[1] - one[0]).tolist() == [0, 0, 0, 1]
    assert two.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]
    assert three.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0]]
    mixed = predictor.rows([arm({"b": 9}, "four"), arm({"c": 8, "d": 1}, "four")])
    assert mixed[1] == pytest.approx([0, 8 / 9, 1 / 9, 0])


def test_split_effects_are_those_of_the_indirect_evidence() -> None:
    """The effect of a regimen does not touch the direct coefficient."""
    predictor = Predictor.build(plain("abc"), Effects(split=("c", "a"), slopes=(Slopes("age", 1.0),)), [])
    assert predictor.names == ["beta[b]", "beta[c]", "direct[c,a]", "slope[age]"]
    assert predictor.effect_rows()[0].tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    direct = predictor.rows(whole("ac", age=3.0))
    assert (direct[1] - direct[0]).tolist() == [0, 0, 1, 0]


def test_cutpoints_come_last_and_touch_no_arm() -> None:
    """Log distances of the cutpoints beyond the first are coefficients that no row holds."""
    predictor = Predictor.build(ABC, Effects(slopes=(Slopes("age"),)), [], n_cuts=2)
    assert predictor.names[-2:] == ["log_distance[2]", "log_distance[3]"]
    assert predictor.kinds.tolist() == [EFFECT, EFFECT, SLOPE, CUT, CUT]
    assert not predictor.rows(whole("abc", age=3.0))[:, -2:].any()
    assert predictor.effect_rows().shape == (1, 3, 5)


COMBINED = Structure.of(
    Treatments(components=("b", "c", "d"), regimens={"a": [], "b": ["b"], "c": ["c"], "e": ["b", "c"], "f": ["c", "d"]})
)
COVARIATES = (
    Slopes("age", 1.0, per=2.0, kind=BY_CLASS, classes={"b": "x", "c": "x"}),
    Slopes("dose", 0.5, kind=INDEPENDENT),
)
MODELS: dict[str, Model] = {
    **{name: case.model for name, case in CASES.items()},
    "covariates": Model(plain("abcd"), Effects(slopes=COVARIATES)),
    "covariates of combinations": Model(COMBINED, Effects(slopes=COVARIATES)),
    "covariates of regimens": Model(COMBINED, Effects(regimen_level=True, slopes=COVARIATES[1:])),
}


@pytest.mark.parametrize("name", MODELS)
@given(seed=st.integers(0, 1000))
def test_rows_times_coefficients_is_the_model_written_out(name: str, seed: int) -> None:
    """Contrasts of random arms against the definition that simulates data, treatment by treatment."""
    rng = np.random.default_rng(seed)
    model = MODELS[name]
    structure = model.structure
    predictor = Predictor.build(structure, model.effects, [])
    settings = {name: int(rng.integers(1, 30)) for name in structure.settings}
    covariates = {"age": float(rng.normal()), "dose": float(rng.normal())}
    arms = []
    for k in range(3):
        choice = structure.regimens
        if model.effects.mixed_arms == CLASS_CONTRAST:  # of arms with x or without it: any pool of the rest is declared
            choice = choice[:3] if rng.random() < 0.5 else choice[3:]
        chosen = rng.choice(choice, size=int(rng.integers(1, 4)), replace=False)
        arms.append(Arm("s", f"arm{k}", {str(r): int(rng.integers(1, 20)) for r in chosen}, settings, 1.0, covariates))
    values = dict(zip(predictor.names, rng.normal(size=predictor.n_coefficients), strict=True))
    eta = predictor.rows(arms) @ np.array(list(values.values()))
    truth = Truth(values)
    effects = np.array(list(model.study(arms, truth).values()))
    assert eta - eta[0] == pytest.approx(effects - effects[0])


def test_every_likelihood_is_calibrated() -> None:
    """The simulators know every likelihood of the package."""
    for likelihood in OWN_LIKELIHOODS:
        assert CASES["fixed"].blank(likelihood).predictor.columns


MIXES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1)


@given(MIXES)
def test_mixtures_as_cells(parts: dict[str, int]) -> None:
    """A mixture survives being written, and its weights are shares."""
    from secondline.cells import mix

    assert parse_mix(mix(parts)) == parts
    shares = arm(parts).regimen_shares("abcdef")
    assert shares.sum() == pytest.approx(1)
    assert shares.tolist() == arm(parts).regimen_shares("fedcba").tolist()[::-1]


def test_values_as_cells() -> None:
    """Covariates of a study, numbers by name."""
    assert parse_values("age:61.5 year:2004 change:-1e-3") == {"age": 61.5, "year": 2004, "change": -0.001}
    assert parse_values("") == {}


def test_idle_components_have_no_rows() -> None:
    """Regimens that nobody received leave their columns empty."""
    rows = Predictor.build(HCC, Effects(), []).rows(whole(("sorafenib", "lenvatinib")))
    assert rows.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0]]
