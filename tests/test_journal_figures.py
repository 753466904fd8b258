"""Figures for journals: 89 or 183 mm wide, 7 pt, fonts embedded, text that stays text, and a caption beside them."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader
from secondline.report.figures.draw_all import plot_analysis
from secondline.report.figures.draw_doubt import nothing_to_draw
from secondline.report.figures.files import PAPER, caption, save
from secondline.report.figures.forest import draw_forest
from secondline.report.figures.network import MOST_NAMES, draw_network
from secondline.report.figures.pages import TALLEST, fitted, stack, stack_rows
from secondline.report.figures.risk_of_bias import draw_risk_of_bias
from secondline.report.figures.splits import draw_splits, splits_of
from secondline.report.figures.style import FONT_SIZE, panel_letters
from secondline.report.figures.sucra import draw_sucra
from secondline.report.page.inline import LARGER, inline_svg

from tests.test_certainty_report import certainty_of
from tests.test_doubt_report import FACTS
from tests.test_doubt_report import drawn as drawn_doubt
from tests.test_plots import (
    FIGURES,
    LABELS,
    NETWORKS,
    SMOKING,
    Network,
    assert_apart,
    assert_inside,
    drawn_texts,
    figure_of,
    figures,
    names,
    ranking_rows,
    used_arms,
    write_rows,
)

MM = 72 / 25.4  # points
SVG = "{http://www.w3.org/2000/svg}"


def every_figure(folder: Path) -> dict[str, Any]:
    """Draw a figure of every kind, from small networks and the large one."""
    found = {f"{kind}-{name}": figure_of(kind, name) for kind in FIGURES for name in ("smoking", "many")}
    found |= {f"{kind}-settings": figure for kind, figure in figures().items()}
    found |= {kind: drawn_doubt(kind, "smoking", folder) for kind in FACTS.figures}
    found["risk_of_bias"] = draw_risk_of_bias(certainty_of(folder, NETWORKS["many"]), NETWORKS["many"].names)
    found["nothing"] = nothing_to_draw("thresholds", "In no setting are candidates ranked.", SMOKING.names)
    return found


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Draw every figure once."""
    return every_figure(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def saved(drawn: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Save every figure, as SVG, PDF and text."""
    folder = tmp_path_factory.mktemp("saved")
    for name, figure in drawn.items():
        save(figure, folder / name, ("svg", "pdf", "txt"))
    return {name: folder / name for name in drawn}


def test_pages_have_the_widths_of_a_journal(saved: dict[str, Path]) -> None:
    """To a hundredth of a millimetre, and no page is taller than 247 mm."""
    widths = set()
    for name, file in saved.items():
        for page in PdfReader(file.with_suffix(".pdf")).pages:
            width, height = float(page.mediabox.width) / MM, float(page.mediabox.height) / MM
            assert min(abs(width - 89), abs(width - 183)) < 0.01, name
            assert height < 247.01, name
            widths.add(round(width))
    assert widths == {89, 183}


def test_all_text_of_a_pdf_is_of_seven_points_in_embedded_fonts(saved: dict[str, Path]) -> None:
    """Every font that a page names is in the file, as TrueType, and no operator asks for another size."""
    for name, file in saved.items():
        for page in PdfReader(file.with_suffix(".pdf")).pages:
            fonts = page["/Resources"]["/Font"].get_object()
            for font in fonts.values():
                inner = font.get_object()
                inner = inner["/DescendantFonts"][0].get_object() if "/DescendantFonts" in inner else inner
                assert "/FontFile2" in inner["/FontDescriptor"].get_object(), name
                assert "DejaVuSans" in inner["/BaseFont"], name
            content = page.get_contents()
            assert content is not None
            sizes = {float(operands[1]) for operands, operator in content.operations if operator == b"Tf"}
            assert sizes == {7.0}, name


def test_text_of_an_svg_is_text_of_seven_points(saved: dict[str, Path], drawn: dict[str, Any]) -> None:
    """Its words are elements that an editor of drawings can change, and the size is that of the PDF."""
    for name, file in saved.items():
        root = ET.parse(file.with_suffix(".svg")).getroot()
        width = float(root.get("width", "").removesuffix("pt")) / MM
        assert min(abs(width - 89), abs(width - 183)) < 0.01, name
        texts = list(root.iter(f"{SVG}text"))
        sizes = {
            size for text in texts for size in re.findall(r"font(?:-size)?:[^;]*?([\d.]+)px", text.get("style", ""))
        }
        assert sizes == {"7"}, name
        shown = " ".join("".join(text.itertext()) for text in texts)
        assert all(
            line.strip() in shown for text, _ in drawn_texts(drawn[name]) for line in text.get_text().split("\n")
        )


def test_every_text_of_every_figure_has_one_size(drawn: dict[str, Any]) -> None:
    """Whoever writes it: axes, legends, annotations."""
    for name, figure in drawn.items():
        assert {text.get_size() for text, _ in drawn_texts(figure)} == {FONT_SIZE}, name


def test_no_figure_has_a_title_inside_and_each_has_a_caption(saved: dict[str, Path], drawn: dict[str, Any]) -> None:
    """Title and explanation stand in the text beside it, and in the properties of the files."""
    for name, file in saved.items():
        title, about = caption(drawn[name])
        assert title and about.endswith("."), name
        words = [text.get_text().replace("\n", " ") for text, _ in drawn_texts(drawn[name])]
        assert not any(title in text for text in words), name
        assert not any(len(text) > 40 and text in about for text in words if name != "nothing"), name
        assert file.with_suffix(".txt").read_text(encoding="utf-8") == f"{title}. {about}\n"
        metadata = PdfReader(file.with_suffix(".pdf")).metadata
        assert metadata and (metadata.title, metadata.subject) == (title, about)
        svg = file.with_suffix(".svg").read_text(encoding="utf-8")
        described = ET.fromstring(svg.encode()).find(".//{http://purl.org/dc/elements/1.1/}description")
        assert described is not None and described.text == about


def test_a_png_has_300_dots_per_inch_and_the_caption(tmp_path: Path) -> None:
    """89 mm are 1,051 dots."""
    figure = figure_of("network", "smoking")
    save(figure, tmp_path / "network")
    assert {file.suffix.removeprefix(".") for file in tmp_path.iterdir()} == set(PAPER)
    with Image.open(tmp_path / "network.png") as image:
        assert image.size[0] == int(89 / 25.4 * 300)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert (image.info["Title"], image.info["Description"]) == caption(figure)


def test_panels_have_letters_and_a_single_one_has_none() -> None:
    """In their order, each before its heading."""
    both = [text.get_text() for text, _ in drawn_texts(figures()["forest"])]
    assert [text for text in both if text[:3] in ("A  ", "B  ")] == [
        "A  Overall: against Placebo",
        "B  Acute attack: against Placebo",
    ]
    for kind in ("rankogram", "cumulative_ranks", "network", "sucra"):
        shown = [text.get_text() for text, _ in drawn_texts(figures()[kind])]
        assert [sum(text.startswith(f"{letter}  ") for text in shown) for letter in "ABC"] == [1, 1, 0], kind
    alone = [text.get_text() for text, _ in drawn_texts(figure_of("forest", "smoking"))]
    assert not any(text.startswith("A  ") for text in alone)
    assert panel_letters(28)[25:] == ["Z  ", "AA  ", "AB  "]


def test_a_failed_fit_is_said_in_the_figure_on_every_page_and_in_the_caption(tmp_path: Path) -> None:
    """In red, where there are two pages on both."""
    many = settings_network(40)
    figure = draw_forest(many.relative(), many.ranking(), many.names, "NOT CONVERGED")
    save(figure, tmp_path / "forest", ("pdf",))
    pages = PdfReader(tmp_path / "forest.pdf").pages
    assert len(pages) > 1
    assert all("NOT CONVERGED" in page.extract_text() for page in pages)
    assert caption(figure)[1].startswith("NOT CONVERGED: these fits failed their checks")
    assert "NOT CONVERGED" not in caption(figure_of("forest", "smoking"))[1]


def settings_network(treatments: int) -> Network:
    """Make a network of so many treatments with two settings."""
    ids = [f"t{k:02d}" for k in range(treatments)]
    return Network(
        effects={name: 0.05 * k for k, name in enumerate(ids)},
        designs={f"Author {k}": (ids[0], name) for k, name in enumerate(ids[1:])},
        treatments={name: f"Treatment {k}" for k, name in enumerate(ids)},
        settings=("acute",),
    )


def test_rows_that_do_not_fit_fill_another_page(tmp_path: Path) -> None:
    """Every row stands on one page, once, under a heading that says so; nothing is cut off or covered."""
    many = settings_network(60)
    figure = draw_forest(many.relative(), many.ranking(), many.names)
    assert_inside(figure)
    save(figure, tmp_path / "forest", ("pdf",))
    texts = [page.extract_text().split("\n") for page in PdfReader(tmp_path / "forest.pdf").pages]
    lines = [line.strip() for page in texts for line in page]
    assert len(texts) == 3
    assert all(sum(line == f"Treatment {k}" for line in lines) == 2 for k in range(1, 60))
    assert sum("(continued)" in line for line in lines) == len(texts) - 1
    assert [sum("favours treatment" in line for line in page) for page in texts] == [0, 0, 1]
    assert not any(axes_crosses_a_page(axes, figure) for axes in figure.axes)


def axes_crosses_a_page(axes: Any, figure: Any) -> bool:
    """Whether axes begin on one page and end on another."""
    height = figure.get_size_inches()[1]
    top, foot = ((1 - y) * height for y in (axes.get_position().ymax, axes.get_position().ymin))
    return int(top / TALLEST) != int((foot - 1e-6) / TALLEST)


@pytest.mark.parametrize("kind", ["sucra", "network"])
def test_a_hundred_treatments_stay_inside_and_apart(kind: str) -> None:
    """A network of more names than fit has numbers and a key."""
    many = settings_network(100)
    figure = (
        draw_sucra(many.ranking(), many.names)
        if kind == "sucra"
        else draw_network(many.edges(), many.evidence(), many.ranking(), many.names)
    )
    assert_inside(figure)
    assert_apart(figure)
    assert not any(axes_crosses_a_page(axes, figure) for axes in figure.axes)
    if kind == "network":
        assert len(many.effects) > MOST_NAMES
        assert any(text.get_text() == "100  Treatment 99" for text, _ in drawn_texts(figure))


def test_many_node_splits_fill_pages() -> None:
    """Each comparison whole on its page."""
    network = NETWORKS["many"]
    ids = list(network.effects)
    rows = network.splits([(ids[k], ids[k - 1]) for k in range(1, 25)])
    figure = draw_splits(splits_of(rows, used_arms(network.evidence())), network.names)
    assert_inside(figure)
    assert figure.get_size_inches()[1] > TALLEST
    assert not any(axes_crosses_a_page(axes, figure) for axes in figure.axes)
    headings = [text for text, _ in drawn_texts(figure) if "study)" in text.get_text()]
    assert len(headings) == 24


def test_things_are_stacked_by_hand() -> None:
    """On pages of 9.72 inches: two things of 4 fit beside a header of 1 and no footer, a third begins a page."""
    tops, height = stack([4, 4, 4], header=1.0)
    assert tops == pytest.approx([1, 5, TALLEST + 1])
    assert height == pytest.approx(TALLEST + 5)
    parts, height = stack_rows([10, 5], 1.0, [(0.5, 0.5)] * 2, footer=0.5)
    assert [(part.panel, part.first, part.last) for part in parts] == [(0, 0, 8), (0, 8, 10), (1, 0, 5)]
    assert [part.top for part in parts] == pytest.approx([0.5, TALLEST + 0.5, TALLEST + 3.5])
    assert height == pytest.approx(TALLEST + 9.5)
    assert fitted((1.0, 0.5), 12, 0.72) == pytest.approx((TALLEST - 0.72) / 12)
    assert fitted((1.0, 0.5), 40, 0.0) == 0.5
    assert fitted((1.0, 0.5), 3, 0.0) == 1.0


def test_the_page_shows_the_caption_under_a_larger_figure(tmp_path: Path) -> None:
    """What was a subtitle is read under the figure; its title is said by the page."""
    figure = figure_of("network", "smoking")
    save(figure, tmp_path / "network", ("svg",))
    shown = inline_svg(tmp_path / "network.svg", "p", "A label")
    title, about = caption(figure)
    assert title not in shown
    assert f">{about}</div>" in shown.replace("&#34;", '"')
    assert f'width="{89 * MM * LARGER:.2f}pt"' in shown
    assert "<metadata" not in shown and "<title" not in shown


def test_a_figure_of_an_analysis_has_its_caption_beside_it(tmp_path: Path) -> None:
    """With what failed, and the words behind hatches and letters."""
    write_rows(tmp_path / "main" / "summary" / "ranking.csv", ranking_rows(converged="false"))
    plot_analysis(tmp_path / "main", LABELS, "main")
    text = (tmp_path / "main" / "summary" / "sucra.txt").read_text(encoding="utf-8")
    assert text.startswith("SUCRA by outcome. NOT CONVERGED: these fits failed")
    assert "Hatched: not a candidate." in text
    assert "P prior-driven" in text
    assert names().analysis_label in text
