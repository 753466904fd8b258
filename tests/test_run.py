"""`make` and the entry before Snakemake: nothing a user gives is run as code, and a mistake is one line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from secondline.errors import UserError
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.run import changes, check_config, command

from tests.conftest import ROOT

MARK = "touched"
INJECTIONS = [
    f'"; touch {MARK}; "',
    f"'; touch {MARK}; '",
    f"`touch {MARK}`",
    f"$(touch {MARK})",
    f"$$(touch {MARK})",
    f"$(shell touch {MARK})",
    f"a\ntouch {MARK}",
    f"--configfile=x; touch {MARK}",
    "-h; x",
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what `make` needs into a fresh folder, with this environment as its own."""
    for name in ("config", "envs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make there; the environment of the tests, and more."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    known = own | environment  # as from a shell: the tests themselves are run by make
    return subprocess.run(["make", *words], cwd=folder, env=known, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("new-study", "ID"),
        ("import-studies", "CSV"),
        ("new-network", "FILE"),
        ("import", "XLSX"),
        ("check", "CONFIG"),
        ("check", "STUDY"),
        ("results", "CORES"),
    ],
)
def test_no_word_of_a_user_is_run(clone: Path, target: str, name: str, text: str) -> None:
    """Given on the command line or by the environment, it reaches the program as it is."""
    for done in (make(clone, target, f"{name}={text}"), make(clone, target, **{name: text})):
        assert done.returncode == 2
        line, *rest = done.stderr.splitlines()
        assert line.startswith("error: "), done.stderr
        assert all(other.startswith("make: ***") for other in rest)
    assert not (clone / MARK).exists()


def test_make_expands_no_word_of_a_user() -> None:
    """Whatever the recipes get through the environment is taken by its value."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (exported,) = re.findall(r"^export (.*)$", text, re.MULTILINE)
    assert sorted(exported.split()) == sorted(re.findall(r"^override (\w+) := \$\(value \1\)$", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("new-study", "name the study"),
        ("import-studies", "name the table"),
        ("new-network", "name the table"),
        ("import", "name the table"),
    ],
)
def test_what_is_missing_is_named(clone: Path, target: str, wanted: str) -> None:
    """Without a name there is nothing to write."""
    assert wanted in make(clone, target).stderr


def test_a_table_of_any_name_is_imported(clone: Path) -> None:
    """Quotes, blanks and dollars in a file's name are a name."""
    name = """it's "a" $(table) of `mine`.csv"""
    (clone / name).write_text("study\n", encoding="utf-8")
    done = make(clone, "import-studies", f"CSV={name}")
    assert name in done.stderr


CONFIGS = {
    "syntax.yaml": b"outcomes: [os\nmodels: {",
    "utf16.yaml": "results: results\n".encode("utf-16"),
    "empty.yaml": b"",
    "list.yaml": b"- a\n- b\n",
    "word.yaml": b"results",
    "number.yaml": b"1",
    "tabs.yaml": b"outcomes:\n\t- os\n",
    "binary.yaml": bytes(range(256)),
    "unknown.yaml": b"resluts: results\n",
}


@pytest.mark.parametrize("name", [*CONFIGS, "missing.yaml", "folder.yaml", "{brace}.yaml"])
def test_a_bad_configuration_is_one_line(clone: Path, name: str) -> None:
    """The line names the file, and Snakemake is not even started: there is no Snakefile in this clone."""
    if name in CONFIGS:
        (clone / name).write_bytes(CONFIGS[name])
    elif name != "missing.yaml":
        (clone / name).mkdir() if name == "folder.yaml" else shutil.copy(clone / DEFAULT_CONFIG, clone / name)
    done = make(clone, "results", f"CONFIG={name}")
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ") and name in lines[0]


def test_the_command_is_that_of_a_bare_snakemake(workdir: Path) -> None:
    """The shipped configuration is Snakemake's default here; another one is named."""
    check_config(DEFAULT_CONFIG)
    assert command(DEFAULT_CONFIG, "all", [])[1:] == ["--cores", "all"]
    assert command(Path("my own.yaml"), "2", ["-n"])[1:] == ["--configfile", "my own.yaml", "--cores", "2", "-n"]
    with pytest.raises(UserError, match="allowed: all, or 1 to"):
        command(DEFAULT_CONFIG, "0", [])


@pytest.mark.parametrize("text", ["seed", "sampler.draws=500", "=7", ""])
def test_a_change_of_the_configuration_is_a_key_and_a_value(text: str) -> None:
    """It is handed to Snakemake as it is, or refused in one line."""
    assert changes([]) == []
    assert changes(["seed=7", "results=a b"]) == ["--config", "seed=7", "results=a b"]
    with pytest.raises(UserError, match="allowed: key=value"):
        changes(["seed=7", text])


def test_the_cluster_profile_suits_small_clusters() -> None:
    """No accounting storage, nodes of two cores, and more memory for a second attempt."""
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    assert profile["slurm-status-command"] == "squeue"
    assert max(profile["set-threads"].values()) <= 2
    assert profile["retries"] >= 1
    assert "attempt" in profile["default-resources"]["mem_mb"]
