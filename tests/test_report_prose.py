"""Every number in the prose of a report equals its table, and a number that does not is noticed."""

import re

import pytest

from tests.prose import Tables, assert_prose
from tests.test_plots import LABELS, LOOPS, SMOKING
from tests.test_report import network_report, report, write_project


@pytest.fixture(scope="module")
def by_setting(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Tables]:
    """Write the report of a network with settings and candidates."""
    folder = tmp_path_factory.mktemp("settings")
    write_project(folder)
    return report(folder), Tables(folder / "main", folder / "evidence", LABELS, ["pain"], "main")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Tables]:
    """Write the report of a network without either, its inconsistency assessed."""
    folder = tmp_path_factory.mktemp("plain")
    page = network_report(folder, SMOKING, LOOPS["smoking"])
    return page, Tables(folder / "main", folder / "evidence", SMOKING.labels, ["result"], "main")


def test_numbers_of_a_network_with_settings(by_setting: tuple[str, Tables]) -> None:
    """Cards, sentences, counts, captions."""
    assert assert_prose(*by_setting) >= 20


def test_numbers_of_a_plain_network(plain: tuple[str, Tables]) -> None:
    """Node-splits and unrelated effects too."""
    assert assert_prose(*plain) >= 15


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"SUCRA 1\.00 \(", "SUCRA 0.99 ("),
        (r"P\(best\) 0\.50", "P(best) 0.51"),
        (r"P\(better\) 0\.97", "P(better) 0.79"),
        (r"OR 1\.35 \(0\.90", "OR 1.35 (0.91"),
        (r"are direct", "are indirect"),
        (r"<b>3</b>", "<b>4</b>"),
        (r"leaves 4 degrees of freedom", "leaves 5 degrees of freedom"),
        (r"following 2 tests concern", "following 3 tests concern"),
        (r"contact 1\.26, a ratio", "contact 1.27, a ratio"),
        (r"for 2 of 2 comparisons", "for 1 of 2 comparisons"),
        (r"p = 0\.62", "p = 0.26"),
        (r"DIC 99\.0; under", "DIC 98.9; under"),
        (r"POTH 0\.70", "POTH 0.71"),
        (r"for 11 data points", "for 12 data points"),
        (r"OR above 1 favours", "OR below 1 favours"),
        (r"error: 1<", "error: 2<"),
        (r"in all, took 6 s", "in all, took 7 s"),
        (r"3 s for draws", "4 s for draws"),
        (r"The base seed is 11", "Run on 3 cores. The base seed is 11"),
    ],
)
def test_a_wrong_number_is_noticed(plain: tuple[str, Tables], old: str, new: str) -> None:
    """One digit, one word, or a number that no table holds."""
    page, tables = plain
    changed, times = re.subn(old, new, page)
    assert times
    with pytest.raises(AssertionError):
        assert_prose(changed, tables)


def test_order_matters(by_setting: tuple[str, Tables]) -> None:
    """A second candidate is not to be called first."""
    page, tables = by_setting
    changed = page.replace("<strong>Gamma</strong> ranks first", "<strong>Alpha</strong> ranks first", 1)
    assert changed != page
    with pytest.raises(AssertionError, match="Alpha ranks first"):
        assert_prose(changed, tables)
