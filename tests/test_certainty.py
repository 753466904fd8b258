"""The judgements of certainty.csv: each computed again from its row alone, and by hand in cases made up for it."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from secondline.cell_values import AGGREGATE, SHORTEST, TWO_STAGE, WALK
from secondline.cells import parse_values
from secondline.certainty.features import DIRECT, INDIRECT, MIXED, UNTESTED
from secondline.certainty.inputs import design_p_value
from secondline.certainty.job import judge_certainty
from secondline.certainty.judgements import COLUMNS, INPUTS
from secondline.certainty.settings import DOMAINS, JUDGED, CertaintySettings, Said
from secondline.errors import UserError
from secondline.summaries.frequentist import write_frequentist
from secondline.tables import read_table, write_table

from tests.certainty_tables import MODEL, NAMES, effect, shares, split, write_tables
from tests.networks import arm_row, contrast_row
from tests.settings import summary

VERSIONS = {
    "start": "design",
    "within_study_bias": "average",
    "reporting_bias": "person",
    "indirectness": "average",
    "imprecision": "software",
    "heterogeneity": "software",
    "incoherence": "secondline",
    "overall": "sum",
}
RANDOMISED = {"s1": True, "s2": True, "s3": True}
TRUSTED = dict.fromkeys(("s1", "s2", "s3"), 1)
NO_REPORTING_BIAS = Said(domain="reporting_bias", judgement="none", reason="protocols are registered", judge="AB")
NO_LOOP, AS_A_WHOLE = "no loop of the network tests coherence", "tested in the network as a whole"
LEVELS = ("high", "moderate", "low", "very low")
Table = dict[str, dict[str, str]]


def settings(**given: Any) -> CertaintySettings:
    """Make settings of a ratio with a range of equivalence of 0.8 to 1.25, but for what is given."""
    versions = {**VERSIONS, **given.pop("versions", {})}
    return CertaintySettings(
        **{"versions": versions, "equivalence": (-0.2231, 0.2231), "randomised": RANDOMISED, **given}
    )


def judged(folder: Path, how: CertaintySettings | None = None, **tables: Any) -> list[dict[str, str]]:
    """Judge made-up tables by the job; give certainty.csv as it reads back."""
    made = {"effects": [effect()], "contributions": shares(s1=0.5, s2=0.3, s3=0.1), **tables}
    output = folder / "certainty.csv"
    extra = made.pop("extra", {})
    levels = {key: made.pop(key, {}) for key in ("risk_of_bias", "indirectness")}
    how = replace(how or settings(), **levels)
    judge_certainty({**write_tables(folder, **made), **extra}, how, MODEL, str(output))
    return read_table(output)


def by_domain(rows: list[dict[str, str]]) -> Table:
    """Rows of the only comparison, by domain."""
    assert len(rows) == len(JUDGED)
    return {row["domain"]: row for row in rows}


def again(row: Mapping[str, str]) -> str:
    """Judge a row again, by the versions above, in other words than the rules and from nothing but the row."""
    number = {key: float(row[key]) for key in COLUMNS if _is_number(row[key])}
    if row["domain"] in ("within_study_bias", "indirectness"):
        return _of_levels([number[f"share_{word}"] for word in ("low", "some", "high", "not_judged")])
    if row["domain"] == "start":
        with_trial, without, unknown = (
            number[f"share_{word}"] for word in ("randomised", "non_randomised", "design_unknown")
        )
        total = with_trial + without + unknown
        if total and without >= total / 2:
            return "low"
        return "high" if total and with_trial > total / 2 else "not known"
    if row["domain"] == "reporting_bias":
        return row["given"] or "not judged"
    if row["domain"] == "incoherence":
        return _of_tests(row, number)
    if row["domain"] == "overall":
        return _of_domains(row)
    return _of_intervals(row["domain"], number)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _of_levels(shares: list[float]) -> str:
    *known, unknown = shares
    total = sum(shares)
    if not total:
        return "not assessable"
    means = {round((known[0] + 2 * known[1] + 3 * known[2] + k * unknown) / total + 1e-9) for k in (1, 2, 3)}
    words = {1: "none", 2: "some", 3: "major"}
    return words[means.pop()] if len(means) == 1 else "not judged"


def _of_intervals(domain: str, number: Mapping[str, float]) -> str:
    low, high = number["range_lower"], number["range_upper"]
    zone = (low, 0.0) if number["estimate"] > 0 else (0.0, high)
    inside = low <= number["lower"] and number["upper"] <= high
    crossed = 0 if inside else sum(number["lower"] < end < number["upper"] for end in zone)
    if domain == "imprecision":
        return ("none", "some", "major")[crossed]
    if "predictive_lower" not in number:
        return "not assessable"
    ends = (low, high) if inside else zone
    new = sum(number["predictive_lower"] < end < number["predictive_upper"] for end in ends)
    return ("none", "some", "major")[new - crossed]


def _of_tests(row: Mapping[str, str], number: Mapping[str, float]) -> str:
    low, high = number["range_lower"], number["range_upper"]
    if row["kind"] == MIXED:
        reached = [
            (lower < low, lower < high and upper > low, upper > high)
            for lower, upper in ((number[f"{side}_lower"], number[f"{side}_upper"]) for side in (DIRECT, INDIRECT))
        ]
        agreed = sum(a == b for a, b in zip(*reached, strict=True))
        return "none" if number["p_split"] >= 0.1 else {3: "none", 2: "some"}.get(agreed, "major")
    if row["kind"] == UNTESTED or "p_design" not in number:
        return "not assessable"
    p = number["p_design"]
    return "none" if p > 0.1 else "some" if p > 0.05 else "major"


def _of_domains(row: Mapping[str, str]) -> str:
    if row["evidence"] == "prior_driven":
        return "not assessable"
    words = [row[domain] for domain in DOMAINS]
    lowered = words.count("some") + 2 * words.count("major") + 2 * (row["start"] == "low")
    level = LEVELS[min(lowered, 3)]
    certain = row["start"] != "not known" and "not judged" not in words
    return level if certain or level == "very low" else f"not judged; at most {level}"


@pytest.mark.parametrize("seed", range(3))
def test_every_judgement_is_computed_again_from_its_row(tmp_path: Path, seed: int) -> None:
    """Many comparisons of every kind; what follows reads the table alone."""
    rng = np.random.default_rng(seed)
    names = [("overall", f"t{i}", "a") for i in range(40)]
    effects, contributions = [], []
    for each in names:
        label = str(rng.choice(["direct", "indirect", "prior_driven"], p=[0.5, 0.4, 0.1]))
        more: dict[str, Any] = {"predictive_lower": None, "predictive_upper": None} if rng.random() < 0.2 else {}
        effects.append(effect(each, rng.normal(0, 0.4), rng.uniform(0.02, 0.8), evidence=label, **more))
        weights = rng.dirichlet(np.full(5, 0.4))
        of_studies = {f"s{k}": float(w) for k, w in enumerate(weights[:4], 1)} if rng.random() < 0.9 else {}
        contributions += shares(each, float(weights[4]) if of_studies else 1.0, **of_studies)
    rows = judged(
        tmp_path,
        settings(randomised={"s1": True, "s2": False, "s3": True}),
        effects=effects,
        contributions=contributions,
        risk_of_bias={"s1": 1, "s2": 3, "s3": 2},
        indirectness={"s1": 1, "s2": 1, "s3": 2, "s4": 3},
        splits=[],
        p_design=float(rng.uniform(0, 0.2)),
        draws={
            "chain": np.zeros(5),
            "draw": np.arange(5),
            **{f"d[overall,{t}]": rng.normal(size=5) for _, t, _ in names},
        },
    )
    assert len(rows) == len(names) * len(JUDGED)
    assert len({row["by_rule"] for row in rows}) > 6
    for row in rows:
        assert again(row) == row["by_rule"] == row["judgement"], row
        assert not [column for column in _all_inputs() - set(INPUTS[row["domain"]]) if row[column]]


def _all_inputs() -> set[str]:
    return {column for columns in INPUTS.values() for column in columns}


def test_a_well_supported_effect_has_high_certainty(tmp_path: Path) -> None:
    """Trials at low risk of bias, a narrow interval, and sides of a loop that agree."""
    rows = by_domain(
        judged(
            tmp_path,
            settings(said=(NO_REPORTING_BIAS,)),
            risk_of_bias=TRUSTED,
            indirectness=TRUSTED,
            splits=split((-0.8, -0.1), (-0.7, 0.0), 0.4),
        )
    )
    assert {rows[domain]["judgement"] for domain in DOMAINS} == {"none"}
    assert (rows["start"]["judgement"], rows["overall"]["judgement"]) == ("high", "high")
    assert rows["reporting_bias"]["judge"] == "AB"
    assert rows["incoherence"]["kind"] == MIXED


def test_what_nobody_judged_is_not_judged(tmp_path: Path) -> None:
    """The certainty is then at most what it would be without those concerns; of cohorts, low at best."""
    rows = by_domain(judged(tmp_path, splits=[]))
    for domain in ("within_study_bias", "indirectness", "reporting_bias"):
        assert rows[domain]["judgement"] == "not judged"
    assert rows["overall"]["judgement"] == "not judged; at most high"
    cohorts = by_domain(judged(tmp_path, settings(randomised=dict.fromkeys(RANDOMISED, False)), splits=[]))
    assert cohorts["overall"]["judgement"] == "not judged; at most low"
    unknown = by_domain(judged(tmp_path, settings(randomised={}), splits=[]))
    assert unknown["start"]["judgement"] == "not known"
    wide = judged(tmp_path, settings(randomised=dict.fromkeys(RANDOMISED, False)), effects=[effect(half=0.7)])
    assert by_domain(wide)["overall"]["judgement"] == "very low"


@pytest.mark.parametrize(
    ("tables", "kind", "judgement", "note"),
    [
        ({"splits": split((-0.8, -0.1), (-0.7, 0.0), 0.4)}, MIXED, "none", ""),
        ({"splits": split((-0.8, -0.3), (0.1, 0.9), 0.01)}, MIXED, "major", ""),
        ({"splits": split((-0.8, -0.3), (-0.5, 0.1), 0.01)}, MIXED, "some", ""),
        ({"splits": split((-0.8, -0.1), (-0.5, 0.1), 0.01)}, MIXED, "none", ""),
        ({"splits": split((-0.8, -0.3), (-0.5, 0.1), 0.01, "indirect")}, DIRECT, "not assessable", NO_LOOP),
        ({"splits": split((-0.8, -0.3), (-0.5, 0.1), 0.01, "direct")}, INDIRECT, "not assessable", NO_LOOP),
        ({"splits": []}, INDIRECT, "not assessable", NO_LOOP),
        ({"splits": [], "p_design": 0.07}, INDIRECT, "some", AS_A_WHOLE),
        ({"splits": split((0, 1), (0, 1), 1)[:1], "p_design": 0.01}, DIRECT, "major", AS_A_WHOLE),
        ({"p_design": 0.5}, UNTESTED, "not assessable", "node-splits were not computed"),
    ],
)  # fmt: skip
def test_incoherence(tmp_path: Path, tables: dict[str, Any], kind: str, judgement: str, note: str) -> None:
    """By the node-split, or else by the design-by-treatment test, or else not assessable."""
    row = by_domain(judged(tmp_path, **tables))["incoherence"]
    assert (row["kind"], row["judgement"], row["note"]) == (kind, judgement, note)
    if kind in (DIRECT, INDIRECT) and not row["p_design"]:
        assert "software: major" in row["other_versions"].split("; ")


def test_a_split_is_turned_with_its_comparison(tmp_path: Path) -> None:
    """The table of node-splits has one direction, and certainty.csv that of the contributions."""
    names = ("overall", "a", "b")
    tables = {"effects": [effect(names, 0.4)], "contributions": shares(names, s1=0.9)}
    row = by_domain(judged(tmp_path, splits=split((-0.8, -0.3), (0.1, 0.9), 0.01), **tables))["incoherence"]
    assert [float(row[key]) for key in ("direct_lower", "direct_upper", "indirect_lower", "indirect_upper")] == [
        *(0.3, 0.8),
        *(-0.9, -0.1),
    ]


def test_a_person_judges_in_place_of_a_rule(tmp_path: Path) -> None:
    """What the rule says stays beside it; the certainty follows the person; what is said of less goes first."""
    everything = Said(domain="imprecision", judgement="major", reason="few events", judge="CD")
    here = Said(
        domain="imprecision", judgement="some", reason="enough events", judge="EF",
        treatment="a", comparator="b", setting="overall",
    )  # fmt: skip
    elsewhere = Said(domain="imprecision", judgement="none", reason="other", judge="GH", setting="elsewhere")
    rows = by_domain(
        judged(
            tmp_path,
            settings(said=(everything, here, elsewhere, NO_REPORTING_BIAS)),
            risk_of_bias=TRUSTED,
            indirectness=TRUSTED,
            splits=[],
        )
    )
    row = rows["imprecision"]
    assert (row["by_rule"], row["override"], row["judgement"], row["judge"]) == ("none", "some", "some", "EF")
    assert rows["overall"]["judgement"] == "moderate"
    final = Said(domain="overall", judgement="low", reason="as a whole", judge="AB")
    whole = by_domain(judged(tmp_path, settings(said=(final,)), splits=[]))["overall"]
    assert (whole["judgement"], whole["by_rule"]) == ("low", "not judged; at most high")


def test_what_the_data_do_not_determine_has_no_certainty(tmp_path: Path) -> None:
    """Nor any study that would carry it."""
    effects = [effect(evidence="prior_driven", half=2.0)]
    rows = by_domain(judged(tmp_path, effects=effects, contributions=shares(prior=1.0)))
    assert rows["overall"]["judgement"] == "not assessable"
    assert rows["overall"]["note"] == "the data do not determine the effect: its interval depends on a prior"
    assert rows["within_study_bias"]["judgement"] == "not assessable"
    assert rows["within_study_bias"]["share_prior"] == "1.0"


def test_a_model_without_heterogeneity_has_none_to_judge(tmp_path: Path) -> None:
    """It says so, and the certainty is not lowered for it."""
    rows = by_domain(judged(tmp_path, effects=[effect(predictive_lower=None, predictive_upper=None)]))
    assert rows["heterogeneity"]["judgement"] == "not assessable"


def test_judgements_are_counted_over_draws(tmp_path: Path) -> None:
    """Each draw takes the place of the estimate, with an interval as wide: here the normal probabilities are known."""
    draws = -0.4 + 0.15 * np.sqrt(2) * _normal_quantiles(3999)
    table = {"chain": np.zeros(3999), "draw": np.arange(3999), "d[overall,b]": draws}
    rows = by_domain(judged(tmp_path, effects=[effect(half=0.3)], draws=table, splits=[]))
    shares_of = parse_values(rows["imprecision"]["draws"])
    sd, low, high = 0.15 * np.sqrt(2), -0.2231, 0.2231
    # Below 0 an interval of half-width 0.3 crosses 0 if the draw is above -0.3, and the upper limit too above -0.0769.
    none = ndtr((-0.3 + 0.4) / sd) + 1 - ndtr((0.3 + 0.4) / sd)
    major = ndtr((0.3 + low + 0.4) / sd) - ndtr((high - 0.3 + 0.4) / sd)
    assert shares_of["none"] == pytest.approx(none, abs=1e-3)
    assert shares_of["major"] == pytest.approx(major, abs=1e-3)
    assert float(rows["imprecision"]["differs_in_draws"]) == pytest.approx(1 - none, abs=1e-3)
    assert sum(parse_values(rows["overall"]["draws"]).values()) == pytest.approx(1)
    assert rows["incoherence"]["draws"] == rows["start"]["draws"] == ""


def _normal_quantiles(n: int) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(n) + 0.5) / n))


def test_certainty_over_draws_is_that_of_each_combination(tmp_path: Path) -> None:
    """Computed draw by draw from the table of one draw at a time."""
    rng = np.random.default_rng(5)
    drawn = rng.normal(-0.3, 0.2, 12)
    said = (NO_REPORTING_BIAS,)
    tables = {"risk_of_bias": TRUSTED, "indirectness": TRUSTED, "splits": []}
    whole = by_domain(
        judged(
            tmp_path, settings(said=said), **tables,
            draws={"chain": np.zeros(12), "draw": np.arange(12), "d[overall,b]": drawn},
        )
    )["overall"]  # fmt: skip
    found = [
        by_domain(judged(tmp_path, settings(said=said), effects=[effect(median=value)], **tables))["overall"]["by_rule"]
        for value in drawn
    ]
    assert parse_values(whole["draws"]) == {
        level: pytest.approx(found.count(level) / 12) for level in dict.fromkeys(found)
    }
    assert len(set(found)) > 1


def test_every_version_of_the_rules_can_be_chosen(tmp_path: Path) -> None:
    """And the others say where they differ."""
    chosen = {
        "within_study_bias": ("majority", "highest"),
        "imprecision": ("preprint_2019",),
        "incoherence": ("software", "web_page", "preprint_2019"),
        "start": ("high",),
        "overall": ("person",),
    }
    for domain, version in [pair for name, versions in chosen.items() for pair in product([name], versions)]:
        rows = by_domain(
            judged(tmp_path, settings(versions={domain: version}), risk_of_bias={"s1": 1, "s2": 3, "s3": 1}, splits=[])
        )
        assert rows[domain]["version"] == version
    assert rows["overall"]["judgement"] == "not judged"
    bias = by_domain(judged(tmp_path, risk_of_bias={"s1": 1, "s2": 3, "s3": 1}))["within_study_bias"]
    assert (bias["judgement"], bias["other_versions"]) == ("some", "majority: none; highest: major")


def test_only_the_model_asked_for_is_read(tmp_path: Path) -> None:
    """Shares in other models are not."""
    other = [{**row, "model": "other", "study": "s9"} for row in shares(s1=0.9)]
    rows = by_domain(judged(tmp_path, contributions=[*shares(s1=0.5, s2=0.4), *other], risk_of_bias={"s1": 1, "s2": 1}))
    assert float(rows["within_study_bias"]["share_low"]) == pytest.approx(0.9)
    assert float(rows["within_study_bias"]["share_not_judged"]) == 0
    assert tuple(rows["start"][key] for key in ("setting", "treatment", "comparator")) == NAMES


LOOP = [
    contrast_row("s1", "b", "a", -0.5, 0.2),
    contrast_row("s2", "b", "a", -0.1, 0.2),
    contrast_row("s3", "c", "a", 0.4, 0.2),
    contrast_row("s4", "c", "a", 0.1, 0.2),
    contrast_row("s5", "c", "b", -0.6, 0.2),
]


def test_the_design_by_treatment_test_is_read_from_the_frequentist_tables(tmp_path: Path) -> None:
    """By hand for a loop of three, with the heterogeneity of two designs; a star has none, and counts have no test."""
    write_frequentist(LOOP, summary(), tmp_path)
    p, tested = design_p_value(read_table(tmp_path / "heterogeneity.csv"))
    # Within designs Q is 0.16 / 0.08 + 0.09 / 0.08 on 2 degrees of freedom, and tau^2 by moments (Q - 2) / (1 / 0.04).
    tau = max(0.0, (0.16 / 0.08 + 0.09 / 0.08 - 2) * 0.04 / 2)
    each = 0.04 + tau
    gap = (0.25 - -0.3) - -0.6
    assert tested
    assert p == pytest.approx(2 * ndtr(-gap / np.sqrt(each / 2 + each / 2 + each)), rel=1e-6)
    write_frequentist(LOOP[:4], summary(), tmp_path)
    assert design_p_value(read_table(tmp_path / "heterogeneity.csv")) == (None, True)
    write_frequentist(
        [arm_row("s1", "a", 3, 20), arm_row("s1", "b", 5, 20)], summary(likelihood="binomial_logit"), tmp_path
    )
    assert design_p_value(read_table(tmp_path / "heterogeneity.csv")) == (None, False)


def flow(study: str, share: float, through: str, **more: str) -> dict[str, Any]:
    """Row of flows.csv, of the effect of a against b."""
    named = {"hat_matrix": TWO_STAGE, "decomposition": SHORTEST, "treatment": "a", "comparator": "b"}
    return {**named, "direct_treatment": through, "study": study, "share": share, "method": "contrasts pooled", **more}


def test_studies_are_weighed_by_their_flows(tmp_path: Path) -> None:
    """A study counts in all comparisons through which it flows, in either direction, by one decomposition alone."""
    columns = ("hat_matrix", "decomposition", "treatment", "comparator", "direct_treatment", "study", "share", "method")
    rows = [flow("s1", 0.3, "a"), flow("s1", 0.2, "c"), flow("s2", 0.5, "c")]
    rows += [flow("s2", 1.0, "a", hat_matrix=AGGREGATE, decomposition=WALK)]
    file = tmp_path / "flows.csv"
    write_table(file, rows, columns)
    how = settings(contributions="shortest_path")
    found = by_domain(judged(tmp_path, how, extra={"flows": str(file)}, risk_of_bias={"s1": 1, "s2": 3}))
    assert [float(found["within_study_bias"][f"share_{word}"]) for word in ("low", "some", "high")] == [0.5, 0, 0.5]
    assert found["within_study_bias"]["share_prior"] == ""
    how = settings(contributions="random_walk")
    found = by_domain(judged(tmp_path, how, extra={"flows": str(file)}, risk_of_bias={"s1": 1, "s2": 3}))
    assert found["within_study_bias"]["judgement"] == "major"
    write_table(file, [{"method": "not assessable: an arm has more than one regimen"}], columns)
    with pytest.raises(UserError, match="an arm has more than one regimen; allowed: regression"):
        judged(tmp_path, how, extra={"flows": str(file)})
