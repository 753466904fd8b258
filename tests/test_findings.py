"""The tables studies_behind.csv and summary_of_findings.csv: each cell is that of the table that it comes from."""

from pathlib import Path

import pytest
from secondline.cell_values import PRIOR_SHARE
from secondline.certainty.behind import LEAST_SHARE, participants, studies_behind
from secondline.certainty.findings import finding_rows
from secondline.network.arms import used_arms
from secondline.tables import read_table

from tests.certainty_networks import contribution_rows, write_certainty
from tests.test_plots import NETWORKS, OFF_TIME, SMOKING, Network

PLACED = Network(
    effects={"a": 0.0, "b": 0.5, "c": 0.9},
    designs={"ab": ("a", "b"), "abc": ("a", "b", "c")},
    settings=("x", "y"),
)


def contributions(**shares: float) -> list[dict[str, str]]:
    """Rows of contributions.csv of b against a in one setting."""
    names = {"model": "m", "setting": "x", "treatment": "b", "comparator": "a", "method": "posterior covariance"}
    return [names | {"study": study.replace("prior", PRIOR_SHARE), "share": repr(n)} for study, n in shares.items()]


def evidence(study: str, mix: str, setting: str = "x:9", n: str = "40") -> list[dict[str, str]]:
    """Rows of evidence.csv: an arm of the reference, and one of a mix."""
    common = {"study": study, "setting_mix": setting, "used": "true"}
    return [{**common, "arm": name, "arm_mix": name_mix, "n": n} for name, name_mix in (("r", "a:9"), ("t", mix))]


def test_direct_are_studies_of_whole_arms_and_of_the_setting_alone():
    """A mixed arm, a study of two settings and one of other treatments are behind the effect, and not direct."""
    rows = [
        *evidence("whole", "b:9"),
        *evidence("mixed", "b:5 c:4"),
        *evidence("two_settings", "b:9", "x:5 y:4"),
        *evidence("elsewhere", "c:9"),
    ]
    shares = contributions(whole=0.3, mixed=0.2, two_settings=0.2, elsewhere=0.1, prior=0.2)
    (found,) = studies_behind(shares, rows)
    assert (found["studies"], found["participants"]) == (4, 320)
    assert (found["direct_studies"], found["direct_participants"]) == (1, 80)
    assert found["direct_share"] == pytest.approx(0.3 / 0.8)
    assert found["prior_share"] == 0.2
    (everywhere,) = studies_behind([row | {"setting": "overall"} for row in shares], rows)
    assert everywhere["direct_share"] == pytest.approx(0.5 / 0.8)


def test_a_study_with_next_to_no_share_is_not_counted():
    """It has less than the least share, and its patients are not counted either."""
    rows = [*evidence("one", "b:9"), *evidence("two", "c:9")]
    (found,) = studies_behind(contributions(one=0.995 - LEAST_SHARE / 2, two=LEAST_SHARE / 2, prior=0.005), rows)
    assert (found["studies"], found["participants"]) == (1, 80)
    assert found["direct_share"] == pytest.approx((0.995 - LEAST_SHARE / 2) / 0.995)


def test_what_is_not_known_is_empty():
    """Contributions that are not assessable, and arms without numbers of patients."""
    unknown = [row | {"study": "", "share": "", "method": "not assessable: why"} for row in contributions(one=1.0)]
    (found,) = studies_behind(unknown, evidence("one", "b:9"))
    empty = ("studies", "participants", "direct_studies", "direct_participants", "direct_share", "prior_share")
    assert [found[key] for key in empty] == [None] * 6
    assert participants(used_arms(evidence("one", "b:9", n="")), ["one"]) is None


def test_every_cell_is_that_of_its_table(tmp_path: Path):
    """Relative effects, outcomes without and with the treatment, and certainty of every treatment and setting."""
    files = write_certainty(tmp_path, PLACED)
    found = read_table(tmp_path / "certainty" / "summary_of_findings.csv")
    assert [(row["setting"], row["treatment"]) for row in found] == [
        (setting, name) for setting in ("overall", "x", "y") for name in ("b", "c")
    ]
    tables = {name: read_table(files[name]) for name in ("effects", "absolute", "certainty")}
    for row in found:
        keys = ("setting", "treatment", "comparator")
        names = [row[key] for key in keys]
        (effect,) = (one for one in tables["effects"] if [one[key] for key in keys] == names)
        assert [row[key] for key in ("estimate", "estimate_lower", "estimate_upper", "evidence")] == [
            effect[key] for key in ("estimate", "estimate_lower", "estimate_upper", "evidence")
        ]
        for side, treatment in (("without", row["comparator"]), ("with", row["treatment"])):
            (outcome,) = (
                one for one in tables["absolute"] if (one["setting"], one["treatment"]) == (row["setting"], treatment)
            )
            assert row[side] == outcome["absolute"]
            assert row[f"{side}_lower"] == outcome["absolute_lower"]
        judged = {one["domain"]: one for one in tables["certainty"] if [one[key] for key in keys] == names}
        assert row["certainty"] == judged["overall"]["judgement"]
        reasons = dict(reason.split(": ", 1) for reason in row["reasons"].split("; "))
        wanted = {domain: one["judgement"] for domain, one in judged.items() if domain != "overall"}
        assert reasons == {domain: word for domain, word in wanted.items() if word not in ("none", "high")}


def test_what_is_extrapolated_prior_driven_or_without_a_baseline_has_no_outcome(tmp_path: Path):
    """The reason is in a cell of its own."""
    labels = {"b": "extrapolated", "c": "prior_driven"}
    absolute = [
        row | ({"evidence": labels[row["treatment"]], "absolute": ""} if row["treatment"] in labels else {})
        for row in [{"reason": "", **row} for row in PLACED.absolute()]
        if row["setting"] != "y"
    ]
    write_certainty(tmp_path, PLACED, absolute=absolute)
    found = {
        (row["setting"], row["treatment"]): row for row in read_table(tmp_path / "certainty/summary_of_findings.csv")
    }
    assert found["x", "b"]["with_not_given"] == "not given: extrapolated"
    assert found["x", "c"]["with_not_given"] == "not given: prior-driven"
    assert found["x", "b"]["without_not_given"] == ""
    assert float(found["x", "b"]["without"]) > 0
    assert (
        found["y", "b"]["with_not_given"]
        == found["y", "b"]["without_not_given"]
        == "not given: no baseline is declared"
    )


def test_a_comparison_judged_the_other_way_round_has_the_same_certainty(tmp_path: Path):
    """The reference may come after a treatment in the order of contributions.csv."""
    files = write_certainty(tmp_path, PLACED)
    tables = {name: read_table(files[name]) for name in ("effects", "absolute", "ranking", "certainty")}
    behind = studies_behind(contribution_rows(PLACED), PLACED.evidence())
    labels = {"a": "direct", "b": "reference"}
    turned = [row | {"evidence": labels.get(row["treatment"], row["evidence"])} for row in tables["ranking"]]
    rows = finding_rows(behind, tables["effects"], tables["absolute"], turned, tables["certainty"])
    straight = read_table(tmp_path / "certainty" / "summary_of_findings.csv")
    (one,) = (row for row in rows if (row["setting"], row["treatment"]) == ("x", "a"))
    (other,) = (row for row in straight if (row["setting"], row["treatment"]) == ("x", "b"))
    assert one["certainty"] == other["certainty"]
    assert repr(one["direct_share"]) == other["direct_share"]
    assert float(one["estimate"]) == pytest.approx(1 / float(other["estimate"]))


@pytest.mark.parametrize("network", [SMOKING, OFF_TIME, NETWORKS["two"], NETWORKS["many"]])
def test_every_network_has_a_row_for_every_treatment(network: Network, tmp_path: Path):
    """Counts, contrasts without numbers of patients, two treatments, and many."""
    write_certainty(tmp_path, network)
    found = read_table(tmp_path / "certainty" / "summary_of_findings.csv")
    assert len(found) == (len(network.effects) - 1) * (1 + len(network.settings))
    assert all(row["certainty"] for row in found)
    assert {row["participants"] == "" for row in found} == {network.contrasts}
