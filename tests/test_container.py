"""The recipe of the container, step by step without Docker: in a folder and an environment of its own."""

import fnmatch
import os
import shlex
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.conftest import ROOT

COMPILERS = ("gcc*", "g++*", "cc", "c++", "cpp*", "clang*", "*-gcc*", "*-g++*", "git*")


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile with their words."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


RECIPE = instructions((ROOT / "Dockerfile").read_text(encoding="utf-8"))
COPIES = [words.split() for kind, words in RECIPE if kind == "COPY"]
RUNS = [words for kind, words in RECIPE if kind == "RUN"]


def sections(text: str) -> dict[str, list[str]]:
    """Sections of an Apptainer definition."""
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in text.splitlines():
        if line.startswith("%"):
            name = line[1:].split()[0]
            found[name] = []
        elif line.strip() and not line.startswith("#"):
            found[name].append(line.strip())
    return found


def sent(file: str) -> bool:
    """Whether .dockerignore lets a file through: the last pattern that fits decides."""
    decision = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").split():
        pattern, keep = line.removeprefix("!"), line.startswith("!")
        parents = [file, *map(str, Path(file).parents)]
        if any(fnmatch.fnmatch(part, pattern.removeprefix("**/")) for part in parents) or (
            pattern.startswith("**/") and any(fnmatch.fnmatch(p, pattern[3:]) for p in Path(file).parts)
        ):
            decision = keep
    return decision


def test_every_copy_is_there_and_is_sent() -> None:
    """What a step copies exists and is not ignored; the sheets of the project and its history are."""
    for *sources, _ in COPIES:
        for source in sources:
            files = [ROOT / source] if (ROOT / source).is_file() else [*(ROOT / source).rglob("*.*")]
            names = [str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts]
            assert names
            assert [name for name in names if not sent(name) and ".egg-info" not in name] == []
    assert not any(map(sent, (".git/config", ".venv/bin/python", "config/studies/ditan_2022.yaml", "results/a.csv")))


def test_both_recipes_are_one() -> None:
    """Apptainer's definition starts from the same image, copies the same files and runs the same steps."""
    parts = sections((ROOT / "envs/secondline.def").read_text(encoding="utf-8"))
    (image,) = [words for kind, words in RECIPE if kind == "FROM"]
    assert f"From: {image}" in parts[""]
    copied = {source for *sources, _ in COPIES for source in sources}
    assert {line.split()[0] for line in parts["files"]} == copied
    assert all(line.split()[1] == f"/opt/secondline/{line.split()[0]}" for line in parts["files"])
    assert parts["post"] == ["cd /opt/secondline", *RUNS]
    assert parts["runscript"] == ['exec secondline "$@"']


def test_the_lock_is_what_is_installed() -> None:
    """Hashes are required, and the package itself brings nothing in by another way."""
    assert RUNS[0] == "python -m pip install --no-cache-dir --require-hashes --requirement envs/requirements.txt"
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(RUNS[1].split())
    assert len(RUNS) == 2


def tools_without_compilers(folder: Path) -> Path:
    """Link the tools of this system but for compilers and git, which the image does not have."""
    folder.mkdir()
    for place in ("/usr/bin", "/bin"):
        for file in Path(place).iterdir():
            if not any(fnmatch.fnmatch(file.name, name) for name in COMPILERS) and not (folder / file.name).exists():
                (folder / file.name).symlink_to(file)
    return folder


def offline() -> list[str]:
    """Words that start a program without a network, where this system allows it."""
    words = ["unshare", "--net", "--map-root-user"]
    allowed = shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if allowed and allowed.returncode == 0 else []


@pytest.mark.slow
def test_the_steps_give_a_workflow_that_runs_offline(tmp_path: Path) -> None:
    """Every COPY and RUN in its order, then the two trials to the end, without network, compilers or git.

    The environment sees the packages of the one that runs the tests, so that the step of the lock finds them installed.
    """
    root, environment = tmp_path / "opt", tmp_path / "environment"
    venv.create(environment, symlinks=True, with_pip=True)
    (site,) = environment.glob("lib/python*/site-packages")
    others = {str(Path(str(distribution(name).locate_file("")))) for name in ("snakemake", "pymc")}
    (site / "dependencies.pth").write_text("".join(f"{other}\n" for other in others))
    snakemake = environment / "bin/snakemake"
    snakemake.write_text(f"#!{environment}/bin/python\nfrom snakemake.cli import main\nraise SystemExit(main())\n")
    snakemake.chmod(0o755)
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SECONDLINE_CACHE")}
    own["PATH"] = f"{environment}/bin:{tools_without_compilers(tmp_path / 'tools')}"
    for kind, words in RECIPE:
        if kind == "COPY":
            *sources, target = words.split()
            for source in sources:
                place = root / target / source if target == "./" else root / target
                place.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, place, dirs_exist_ok=True)
                else:
                    shutil.copy2(ROOT / source, place)
        elif kind == "RUN":
            subprocess.run(shlex.split(words), cwd=root, env=own, check=True, capture_output=True)
    data = tmp_path / "data"
    shutil.copytree(ROOT / ".test/config", data / "config")
    (entry,) = [words for kind, words in RECIPE if kind == "ENTRYPOINT"]
    assert entry == '["secondline"]'
    command = [*offline(), str(environment / "bin/secondline"), "run", "--cores", "2"]
    done = subprocess.run(command, cwd=data, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert (data / "results/main/report.html").stat().st_size > 10_000
    assert not root.is_relative_to(data) and sys.executable not in done.stdout
