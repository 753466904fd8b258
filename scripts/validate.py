"""Write docs/validation.md: the published figures of all networks beside those of a run.

    snakemake --snakefile validation/Snakefile && python scripts/validate.py --out docs/validation.md

Ends with status 1 if a figure differs and its row in published.csv does not say why.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from string import Template

sys.path.insert(0, str(Path(__file__).parents[1]))

from secondline.jobs.start import open_project

from scripts.published import AGREES, DIFFERS, DRAWS, NETWORKS, SAME, VALIDATION, Compared, compare

VERDICTS = (SAME, AGREES, DIFFERS)
PAGE = VALIDATION / "page.md"
Found = Mapping[str, Sequence[Compared]]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def decimals(one: Compared) -> int:
    """Decimals of a published figure."""
    return len(one.figure.published.partition(".")[2])


def value(one: Compared, number: float | None) -> str:
    """Write a number with one decimal more than was published; nothing of none."""
    return "" if number is None else f"{number:.{decimals(one) + 1}f}"


def difference(one: Compared) -> str:
    """Write a difference in tolerances."""
    return f"{one.difference:+.2f}"


def title_of(network: str) -> tuple[str, str]:
    """Read title and size of a network from its configuration."""
    _, project = open_project([VALIDATION / network / "config.yaml"])
    treatments = len(project.treatments.regimens)
    return str(project.config.title), f"{len(project.studies)} trials, {treatments} treatments"


def heading_of(network: str) -> str:
    """Read what a configuration says of itself in its first lines."""
    lines = (VALIDATION / network / "config.yaml").read_text(encoding="utf-8").splitlines()
    said = [line.removeprefix("#").strip() for line in lines[: next(i for i, x in enumerate(lines) if x[:1] != "#")]]
    return " ".join(said)


def summary(found: Found, titles: Mapping[str, tuple[str, str]]) -> str:
    """Count figures by network and verdict."""
    rows = []
    for network, compared in found.items():
        counts = Counter(one.verdict for one in compared)
        title, size = titles[network]
        link = f"[{title}](#{anchor(title)})"
        rows.append([link, size, len(compared), *(counts[verdict] for verdict in VERDICTS)])
    total = Counter(one.verdict for compared in found.values() for one in compared)
    rows.append(["all", "", sum(total.values()), *(total[verdict] for verdict in VERDICTS)])
    return table(["network", "size", "figures", *VERDICTS], rows)


def anchor(title: str) -> str:
    """Name a heading as links do."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def differences(found: Found, titles: Mapping[str, tuple[str, str]]) -> str:
    """List the figures that differ, those of one source and reason together."""
    differ = [one for compared in found.values() for one in compared if one.verdict == DIFFERS]
    parts = []
    for (network, source, reason), group in groupby(differ, lambda one: _reasons(one)):
        rows = [[one.figure.figure, one.figure.published, value(one, one.best), difference(one)] for one in group]
        said = f"**{titles[network][0]}**, {source}: {reason or 'not explained.'}"
        parts += [said, table(["figure", "published", "ours", "difference"], rows)]
    return "\n\n".join(parts) or "None does."


def _reasons(one: Compared) -> tuple[str, str, str]:
    return one.figure.network, one.figure.source, one.figure.reason


def everything(found: Found, titles: Mapping[str, tuple[str, str]]) -> str:
    """List every figure by network and source."""
    parts = []
    for network, compared in found.items():
        title, size = titles[network]
        parts += [f"### {title}", f"{size}. {heading_of(network)}"]
        for source, group in groupby(compared, lambda one: (one.figure.kind, one.figure.source)):
            rows = [
                [
                    one.figure.figure,
                    one.figure.published,
                    value(one, one.ours),
                    value(one, one.exact),
                    difference(one),
                    one.verdict,
                ]
                for one in group
            ]
            head = ["figure", "published", "ours", "exact", "difference", "verdict"]
            parts += [f"*{source[1]}* ({source[0]}):", table(head, rows)]
    return "\n\n".join(parts)


def page(found: Found) -> str:
    """Fill the page."""
    titles = {network: title_of(network) for network in found}
    kinds = Counter(one.figure.kind for compared in found.values() for one in compared)
    filled = Template(PAGE.read_text(encoding="utf-8")).substitute(
        networks=len(found),
        figures=f"{kinds.total():,}",
        printed=kinds["printed"],
        software=kinds["software"],
        recomputed=kinds["recomputed"],
        draws=f"{DRAWS:,}",
        summary=summary(found, titles),
        differences=differences(found, titles),
        all=everything(found, titles),
    )
    return filled.rstrip("\n") + "\n"


def main() -> int:
    """Compare, write the page, and name what differs without a reason."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the page to write")
    arguments = parser.parse_args()
    found = {network: compare(network) for network in NETWORKS}
    arguments.out.write_text(page(found), encoding="utf-8")
    compared = [one for each in found.values() for one in each]
    counts = Counter(one.verdict for one in compared)
    print(f"{arguments.out}: {len(compared)} figures of {len(found)} networks; {dict(counts)}")
    unexplained = [one for one in compared if one.verdict == DIFFERS and not one.figure.reason]
    for one in unexplained:
        figure = one.figure
        print(
            f"{figure.network}: {figure.figure}: {figure.published} published, {value(one, one.best)} here, no reason"
        )
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
