"""The workflow in other hands: from another folder, as a module of another workflow, and with `--config`."""

import contextlib
import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.workflow.conftest import ROOT, copy_of, jobs
from tests.workflow.small import CODE, CONFIG, configuration, write_small

EXAMPLE = "config/examples/smoking.yaml"
FEW = "sampler={draws: 300, most_draws: 300, tune: 300, retry: {draws: 300, tune: 300}}"
RULES = {"build_evidence main/os", "fit_models main/os", "summarise_models main/os", "write_report main"}


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run snakemake in a folder that has nothing of this project; the package comes with the workflow alone."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own |= {"SECONDLINE_CACHE": str(ROOT / ".cache" / "compiled")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)


def planned(folder: Path, *arguments: str) -> set[str]:
    """Jobs that it would run."""
    done = snakemake(folder, "-n", "--quiet", "host", "progress", *arguments)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return jobs(done.stderr + done.stdout)


def refused(folder: Path, *arguments: str) -> str:
    """Return the one line with which it refuses."""
    done = snakemake(folder, "-n", *arguments)
    assert done.returncode == 2, done.stdout[-2000:] + done.stderr[-4000:]
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.stderr
    return line


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the workflow to a folder of its own."""
    return copy_of(ROOT, tmp_path_factory.mktemp("source"), CODE).folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Make a folder that holds a configuration and its table, and nothing else."""
    write_small(tmp_path)
    return tmp_path


def use_as_module(folder: Path, source: Path, configuration: str = "config", more: str = "") -> None:
    """Write a Snakefile that uses the workflow as a module."""
    lines = [f'module secondline:\n    snakefile: "{source}/workflow/Snakefile"\n    config: {configuration}\n']
    (folder / "Snakefile").write_text("\n\n".join([more, *lines, "use rule * from secondline\n"]))


def test_from_another_directory(source: Path, foreign: Path) -> None:
    """`--directory` and `--snakefile`, whatever the folder they are called from; both Snakefiles."""
    elsewhere = foreign / "elsewhere"
    elsewhere.mkdir()
    for snakefile in ("Snakefile", "workflow/Snakefile"):
        where = ["--snakefile", str(source / snakefile), "--directory", str(foreign), "--configfile", f"../{CONFIG}"]
        assert planned(elsewhere, *where) >= RULES
    assert list(elsewhere.iterdir()) == []


def test_as_a_module(source: Path, foreign: Path) -> None:
    """A configuration of the other workflow: its own file, a part of it, or a mapping that comes from none."""
    use_as_module(foreign, source, more=f'configfile: "{CONFIG}"')
    whole = planned(foreign)
    assert whole >= RULES
    (foreign / "all.yaml").write_text(yaml.safe_dump({"samples": 3, "nma": configuration()}))
    use_as_module(foreign, source, 'config["nma"]', 'configfile: "all.yaml"')
    assert planned(foreign) == whole
    use_as_module(foreign, source, repr(configuration()))
    assert planned(foreign) == whole


def test_rules_of_a_module_take_a_prefix(source: Path, foreign: Path) -> None:
    """As `use rule * from secondline as secondline_*`, behind a rule of the other workflow, which is the target."""
    own = 'rule all:\n    input: "results/main/report.html"\n    output: touch("done")\n    default_target: True'
    use_as_module(foreign, source, more=f'configfile: "{CONFIG}"\n\n{own}')
    text = (foreign / "Snakefile").read_text()
    (foreign / "Snakefile").write_text(text.replace("from secondline\n", "from secondline as secondline_*\n"))
    found = planned(foreign)
    assert {"secondline_fit_models main/os", "secondline_write_report main"} <= found
    assert "undefined" not in snakemake(foreign, "-n").stderr


def test_mistakes_of_a_module_are_one_line(source: Path, foreign: Path) -> None:
    """With the line of the file where there is one, and with the whole path of a part of it."""
    write_small(foreign, headline="unknown")
    use_as_module(foreign, source, more=f'configfile: "{CONFIG}"')
    line = next(i for i, row in enumerate((foreign / CONFIG).read_text().splitlines(), 1) if "headline" in row)
    assert refused(foreign).startswith(f"error: {CONFIG}:{line}: headline = 'unknown': ")
    (foreign / "all.yaml").write_text(yaml.safe_dump({"samples": 3, "nma": configuration() | {"headline": "x"}}))
    use_as_module(foreign, source, 'config["nma"]', 'configfile: "all.yaml"')
    assert refused(foreign).startswith("error: all.yaml:")
    assert "nma.headline = 'x'" in refused(foreign)
    use_as_module(foreign, source, more='configfile: "all.yaml"')
    assert refused(foreign).startswith("error: all.yaml:1: nma = ")  # the first of two keys that are not ours


def test_a_prefix_is_refused(source: Path, foreign: Path) -> None:
    """It would move sheets and tables too; the configuration names the folder of the results."""
    use_as_module(foreign, source, more=f'configfile: "{CONFIG}"')
    text = (foreign / "Snakefile").read_text()
    (foreign / "Snakefile").write_text(text.replace("    config: config\n", '    config: config\n    prefix: "nma"\n'))
    assert refused(foreign).startswith("error: prefix = 'nma/': ")


def test_what_a_change_on_the_command_line_runs(foreign: Path) -> None:
    """A key that a fit does not use runs no fit: jobs read a copy of the configuration that has one name."""
    from secondline.jobs.configuration import copy_for_jobs
    from secondline.project.read import read_setup

    where = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", CONFIG, "--until", "build_evidence"]
    assert snakemake(foreign, *where).returncode == 0
    with contextlib.chdir(foreign):
        copy = foreign / copy_for_jobs(read_setup(Path(CONFIG))[1])
    assert yaml.safe_load(copy.read_text()) == configuration()
    label = ["--config", "analyses={main: {label: Another}}"]
    assert planned(foreign, *where, *label) == set()
    assert snakemake(foreign, *where, *label).returncode == 0
    assert "Another" in copy.read_text()  # nothing was to be done, but the run had begun
    assert planned(foreign, *where[:-2], *label) >= {"gather_evidence", "fit_models main/os"}


def test_config_on_the_command_line_is_refused_in_one_line(source: Path, foreign: Path) -> None:
    """A key that there is not, a value that is none, and a change of what the default configuration lacks."""
    where = ["--snakefile", str(source / "Snakefile"), "--configfile", CONFIG]
    assert "--config: sede = 3: unknown key; did you mean seed?" in refused(foreign, *where, "--config", "sede=3")
    assert "--config: seed = 'x'" in refused(foreign, *where, "--config", "seed=x")
    assert "--config: sampler.draws" in refused(foreign, *where, "--config", "sampler={draws: 1}")
    assert "config/config.yaml: no such file" in refused(foreign, *where[:2], "--config", "seed=3")


def example(folder: Path) -> Path:
    """Make a folder with the smoking example, and nothing else."""
    return copy_of(ROOT, folder / "deployed", (EXAMPLE, EXAMPLE.replace("yaml", "csv"))).folder


def deploy(folder: Path, snakefile: str, file: str) -> None:
    """Write what `snakedeploy deploy-workflow` writes: a Snakefile that declares the module, below workflow/."""
    module = f"module secondline:\n    snakefile:\n        {snakefile}\n    config:\n        config\n"
    (folder / "workflow").mkdir()
    text = f'configfile: "{file}"\n\n\n{module}\n\nuse rule * from secondline\n'
    (folder / "workflow/Snakefile").write_text(text)


def assert_whole(folder: Path) -> None:
    """Check that the example ran to its end, with the sampler that the command line asked for."""
    results = folder / "results/smoking"
    assert (results / "report.html").stat().st_size > 10_000
    with (results / "summary/fits.csv").open(newline="") as file:
        assert [row["draws"] for row in csv.DictReader(file)] == ["1200"] * 4


@pytest.mark.slow
@pytest.mark.parametrize("way", ["directory", "module", "deployment"])
def test_the_smoking_example_runs_to_the_end(way: str, tmp_path: Path) -> None:
    """Elsewhere by `--directory`, as a module of a workflow of its own, and as snakedeploy writes it."""
    source, folder = copy_of(ROOT, tmp_path / "source", CODE).folder, example(tmp_path)
    where = ["--snakefile", str(source / "Snakefile"), "--configfile", EXAMPLE]
    if way == "module":
        use_as_module(folder, source, more=f'configfile: "{EXAMPLE}"')
        where = []
    elif way == "deployment":
        deploy(folder, f'"{source}/workflow/Snakefile"', EXAMPLE)
        where = []
    done = snakemake(folder, *where, "--config", FEW)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert_whole(folder)
    assert planned(folder, *where, "--config", FEW) == set()
    again = planned(folder, *where, "--config", FEW, "seed=7")
    assert "fit_models smoking/cessation" in again
    assert "build_evidence smoking/cessation" not in again
