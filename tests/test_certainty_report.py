"""Certainty for readers: the summary of findings, coloured league tables, figures, and the section of the page."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from secondline.cell_values import PRIOR_SHARE
from secondline.certainty.settings import Said
from secondline.layout import CERTAINTY_FIGURES, FUNNEL
from secondline.report.certainty import SHADES, Certainty, read_certainty, shade_of
from secondline.report.figures.concern import CONCERNS
from secondline.report.figures.contributions import draw_contributions
from secondline.report.figures.draw_certainty import plot_certainty
from secondline.report.figures.risk_of_bias import draw_risk_of_bias, mean_weights
from secondline.report.prose.certainty import DOMAINS
from secondline.report.prose.small_studies import small_studies_sentence
from secondline.report.tables.certainty import findings_tables, judgements_table, legend, unjudged_sentence
from secondline.report.tables.results import league_table
from secondline.report.words import percentage
from secondline.tables import read_table

from tests.certainty_networks import bias_rows, write_certainty
from tests.test_findings import PLACED
from tests.test_plots import NETWORKS, SMOKING, Network, assert_apart, assert_inside, drawn_texts
from tests.test_report import network_report, write_checks


def certainty_of(folder: Path, network: Network, **given: Any) -> Certainty:
    """Write the tables of certainty of a network into results/main/result and read them."""
    here = folder / "main" / "result"
    write_certainty(here, network, **given)
    return read_certainty(here, bias_rows(network), "pooled")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Certainty]:
    """Give the certainty of a network by its name, made once."""
    return cache(lambda name: certainty_of(tmp_path_factory.mktemp(name), NETWORKS[name]))


def test_the_summary_of_findings_has_the_numbers_of_its_table(tmp_path: Path):
    """Counts, effects, outcomes per 1,000 and certainty, a table for every setting."""
    certainty = certainty_of(tmp_path, PLACED)
    tables = findings_tables(certainty, PLACED.names)
    assert [table.title for table in tables] == ["Overall", "After x", "After y"]
    rows = iter(certainty.findings)
    for table in tables:
        for cells in table.rows:
            row = next(rows)
            assert cells[0] == PLACED.names.regimen(row["treatment"])
            assert cells[1].startswith(f"{row['studies']} ({row['participants']})")
            assert cells[2] == PLACED.names.estimate(row)
            for cell, side in zip(cells[3:5], ("without", "with"), strict=True):
                numbers = [float(text) for text in re.findall(r"\d+", cell)]
                expected = [1000 * float(row[f"{side}{end}"]) for end in ("", "_lower", "_upper")]
                assert numbers == pytest.approx(expected, abs=0.5)
            assert cells[5] == row["certainty"]
    assert "Outcome per 1,000 patients with A" in tables[0].columns


def test_reasons_are_notes_that_name_every_domain_with_concerns(tmp_path: Path):
    """The numbers of a row lead to one note for each domain that is not free of concerns, and to no other."""
    certainty = certainty_of(tmp_path, PLACED)
    table = findings_tables(certainty, PLACED.names)[0]
    for cells, row in zip(table.rows, certainty.findings, strict=False):
        notes = [table.notes[int(k) - 1] for k in cells[-1].split(", ")]
        domains = {reason.split(": ")[0] for reason in row["reasons"].split("; ")}
        named = {domain for domain, words in DOMAINS.items() for note in notes if note.lower().startswith(f"{words}:")}
        assert named == domains - {"start"}


def test_judgements_of_persons_are_notes_with_their_names_and_reasons(tmp_path: Path):
    """An override says who judged, why, and what the rule would have been."""
    said = Said(domain="imprecision", judgement="some", reason="The trial was stopped early.", judge="A. Reader")
    certainty = certainty_of(tmp_path, PLACED, said=(said,))
    notes = " ".join(findings_tables(certainty, PLACED.names)[0].notes)
    assert "Imprecision: some concerns; judged by A. Reader in place of the rule, which says" in notes
    assert "The trial was stopped early." in notes
    assert "some concerns (by a person" in judgements_table(certainty, "overall", PLACED.names).rows[0][5]


def test_outcomes_that_are_not_given_have_their_reason(tmp_path: Path):
    """In the cell where others are given, in the caption where none is."""
    absolute = [{"reason": "", **row} for row in PLACED.absolute() if row["setting"] == "x"]
    withheld = [
        row | ({"evidence": "extrapolated", "absolute": ""} if row["treatment"] == "b" else {}) for row in absolute
    ]
    tables = findings_tables(certainty_of(tmp_path, PLACED, absolute=withheld), PLACED.names)
    assert tables[1].rows[0][4] == "not given: extrapolated"
    assert tables[0].caption.endswith("the outcomes are not given: no baseline is declared")
    assert not any("Outcome" in column for column in tables[0].columns)


@pytest.mark.parametrize(
    ("certainty", "name", "letters"),
    [
        ("high", "high", "H"),
        ("very low", "very-low", "VL"),
        ("not judged; at most low", "none", "≤L"),
        ("not judged", "none", "?"),
        ("not assessable", "none", "NA"),
    ],
)
def test_every_certainty_has_letters_and_what_is_not_judged_is_grey(certainty: str, name: str, letters: str):
    """Letters differ, so that a table can be read without its colours."""
    shade = shade_of(certainty)
    assert (shade.name, shade.letters) == (name, letters)
    assert shade.words == certainty


def luminance(colour: str) -> float:
    """Relative luminance of a colour (WCAG 2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_dark_text_is_legible_on_every_colour():
    """Contrast of at least 7 to 1 with the ink."""
    colours = [shade.colour for shade in SHADES.values()] + [one.colour for one in CONCERNS.values()]
    assert all((luminance(colour) + 0.05) / (luminance("#1a1a1a") + 0.05) > 6 for colour in colours)


def test_league_tables_have_the_certainty_of_every_cell(tmp_path: Path):
    """In both triangles, and none on the diagonal."""
    certainty = certainty_of(tmp_path, SMOKING)
    write_checks(tmp_path / "pooled", SMOKING.effects, ("overall",))
    league = read_table(tmp_path / "pooled" / "league_table.csv")
    table = league_table(league, "overall", SMOKING.names, certainty)
    judged = {
        frozenset((row["treatment"], row["comparator"])): row["judgement"]
        for row in certainty.judgements
        if row["domain"] == "overall"
    }
    treatments = list(SMOKING.effects)
    for i, shades in enumerate(table.shades):
        for k, shade in enumerate(shades[1:]):
            if i == k:
                assert shade is None
            else:
                assert shade == shade_of(judged[frozenset((treatments[i], treatments[k]))])
    assert set(legend(certainty)) == {shade_of(judgement) for judgement in judged.values()}
    assert league_table(league, "overall", SMOKING.names).shades == ()


def bars_of(figure: Any, prefix: str) -> dict[str, list[float]]:
    """Lengths of the bars of a figure, by what they show."""
    found: dict[str, list[float]] = {}
    for axes in figure.axes:
        for patch in axes.patches:
            if (patch.get_gid() or "").startswith(prefix):
                found.setdefault(patch.get_gid().removeprefix(prefix), []).append(patch.get_width())
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_bars_of_contributions_are_those_of_the_table(name: str, known: Callable[[str], Certainty]):
    """Every share against the reference is a bar, and the bars of an effect add up to 1."""
    network, certainty = NETWORKS[name], known(name)
    figure = draw_contributions(certainty, network.names)
    assert_inside(figure)
    assert_apart(figure)
    bars = bars_of(figure, "share-")
    pairs = {(row["setting"], row["treatment"], row["comparator"]) for row in certainty.findings}
    for study in (*network.designs, PRIOR_SHARE):
        shares = [
            float(row["share"])
            for row in certainty.contributions
            if row["study"] == study and (row["setting"], row["treatment"], row["comparator"]) in pairs
        ]
        assert sorted(bars[study]) == pytest.approx(sorted(shares))
    assert sum(sum(lengths) for lengths in bars.values()) == pytest.approx(len(pairs))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_marks_and_the_bars_of_risk_of_bias_are_those_of_the_table(name: str, known: Callable[[str], Certainty]):
    """A mark for every row with the colour and sign of its level, and bars that weigh the studies by contributions."""
    from matplotlib.colors import to_hex

    network, certainty = NETWORKS[name], known(name)
    figure = draw_risk_of_bias(certainty, network.names)
    assert_inside(figure)
    assert_apart(figure)
    marks = {patch.get_gid(): patch for axes in figure.axes for patch in axes.patches}
    weights = mean_weights(certainty)
    assert sum(weights.values()) == pytest.approx(1)
    bars = bars_of(figure, "weight-")
    for row in certainty.risk_of_bias:
        level = int(row["level"]) if row["level"] else None
        assert to_hex(marks[f"mark-{row['study']}-{row['domain']}"].get_facecolor()) == CONCERNS[level].colour
        expected = sum(
            weights[other["study"]]
            for other in certainty.risk_of_bias
            if other["domain"] == row["domain"] and other["level"] == row["level"]
        )
        assert bars[f"{row['domain']}-{level}"] == pytest.approx([expected])
    shown = [text.get_text() for text, _ in drawn_texts(figure)]
    assert all(percentage(repr(weight)) in shown for weight in weights.values())


def test_the_weights_are_the_mean_shares_against_the_reference(tmp_path: Path):
    """Worked out by hand: b against a by both studies alike, c against a ten to one by the second."""
    weights = mean_weights(certainty_of(tmp_path, PLACED))
    assert weights == pytest.approx({"ab": (1 / 2 + 1 / 11) / 2, "abc": (1 / 2 + 10 / 11) / 2})


def test_what_nobody_judged_is_said(known: Callable[[str], Certainty]):
    """In a sentence with the numbers of the table; nothing where all were judged."""
    certainty = known("many")
    whole = [row for row in certainty.risk_of_bias if row["domain"] == "overall"]
    missing = sum(not row["level"] for row in whole)
    assert 0 < missing < len(whole)
    assert f"For {missing} of {len(whole)} studies nobody has judged" in unjudged_sentence(certainty)
    nobody = replace(certainty, risk_of_bias=[row | {"level": ""} for row in whole])
    assert "Nobody has judged the risk of bias of any study" in unjudged_sentence(nobody)
    assert unjudged_sentence(replace(certainty, risk_of_bias=[row | {"level": "1"} for row in whole])) == ""


def certainty_page(folder: Path, network: Network, copies: int = 1, **changes: Any) -> tuple[str, Certainty]:
    """Write the report of a network with its certainty, and with a funnel plot if there are copies of its studies."""
    certainty = certainty_of(folder, network, copies=copies)
    figures = (*CERTAINTY_FIGURES, *([FUNNEL] if copies > 1 else []))
    judged = bias_rows(network)
    plot_certainty(folder / "main" / "result", judged, "result", network.labels, "main", figures)
    settings = {"certainty": {"result": figures}, "judged": {"result": judged}, **changes}
    return network_report(folder, network, **settings), certainty


@pytest.mark.parametrize(("copies", "drawn"), [(1, False), (3, True)])
def test_the_page_has_a_funnel_where_there_are_ten_studies_and_else_a_line(tmp_path: Path, copies: int, drawn: bool):
    """With the sentence on the test in either case."""
    page, certainty = certainty_page(tmp_path, SMOKING, copies)
    sentence = small_studies_sentence(certainty.small_study_test, SMOKING.names)
    assert sentence in page
    assert ("result-certainty-small_study" in page) == drawn
    expected = "15 studies of 4 comparisons" if drawn else "not assessable: 5 studies, 10 are needed."
    assert expected in sentence


def test_the_page_has_the_section_with_its_tables_notes_and_figures(tmp_path: Path):
    """Colours come with letters, and every table and figure of the section is there."""
    page, certainty = certainty_page(tmp_path, SMOKING)
    section = page[page.index('id="certainty"') : page.index('id="methods"')]
    table = findings_tables(certainty, SMOKING.names)[0]
    for cells in table.rows:
        assert all(cell.replace("<", "&lt;") in section for cell in cells)
    assert section.count('<li id="reason-') >= len(table.notes)
    assert "result-certainty-contributions" in section
    assert "result-certainty-risk_of_bias" in section
    effects = page[page.index('id="effects"') : page.index('id="rankings"')]
    shades = re.findall(r'<td class="shade ([a-z-]+)">.*?<abbr title="certainty: ([^"]+)">', effects)
    assert len(shades) == len(SMOKING.effects) * (len(SMOKING.effects) - 1)
    assert all(shade_of(words).name == name for name, words in shades)
