"""Records of what jobs wrote: digests, damage, and what did not finish."""

import json
from pathlib import Path

import pytest
from secondline.errors import UserError
from secondline.jobs import outputs
from secondline.jobs.lock import begin
from secondline.jobs.outputs import check_inputs, digest, distrust, failures, read_records, vouched
from secondline.tables import write_text

TABLE = "a,b\n" + "".join(f"{k},{k}\n" for k in range(12))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a table as a job does, in the working directory."""
    monkeypatch.chdir(tmp_path)
    with vouched("ranks", "ranks.log", ["results/a/t.csv", "results/a/b/u.csv"]):
        write_text("results/a/t.csv", TABLE)
        write_text("results/a/b/u.csv", TABLE)
    return Path("results/a/t.csv")


def test_what_a_job_wrote_is_read(made: Path) -> None:
    """So is a file that no job made."""
    Path("own.csv").write_text("x")
    check_inputs([str(made), "results/a/b/u.csv", "own.csv"])
    assert not [file for record in read_records(Path("results")) for file in record.damaged()]


def test_half_a_table_is_not_read(made: Path) -> None:
    """Cut at the end of a line it is a table still."""
    made.write_text("".join(TABLE.splitlines(keepends=True)[:7]))
    with pytest.raises(UserError, match=r"results/a/t\.csv: has changed since its job wrote it"):
        check_inputs([str(made)])
    assert [record.damaged() for record in read_records(Path("results"))] == [[made]]


def test_a_job_that_failed_vouches_for_nothing(made: Path) -> None:
    """Neither for what it wrote nor for what was there before; what it said is shown."""
    Path("ranks.log").write_text("Traceback\nOSError: full\n")

    def fail() -> None:
        with vouched("ranks", "ranks.log", [str(made)]):
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    with pytest.raises(UserError, match="did not finish"):
        check_inputs([str(made)])
    assert [*failures([Path("results"), Path("results/a")], 0.0)] == [
        "rule ranks failed. Its log, ranks.log, ends:",
        "    Traceback",
        "    OSError: full",
    ]


def test_a_job_ended_from_outside_is_explained(made: Path) -> None:
    """An empty log is what a job leaves that was killed for memory."""
    Path("ranks.log").write_text("")
    with pytest.raises(OSError, match="killed"), vouched("ranks", "ranks.log", [str(made)]):
        raise OSError("killed")
    _, said = failures([Path("results")], 0.0)
    assert "exceeded its memory or time" in said


def test_an_output_that_was_not_written_is_an_error(made: Path) -> None:
    """What was there before is not taken for it."""
    with pytest.raises(RuntimeError, match=r"did not write results/a/t\.csv"), vouched("ranks", "l", [str(made)]):
        pass


def test_what_was_left_half_written_is_cleaned_up(made: Path) -> None:
    """By the next job that writes the same file."""
    left = made.with_name(f".{made.name}.4711.part")
    left.write_text("a,b\n1")
    with vouched("ranks", "ranks.log", [str(made)]):
        write_text(made, TABLE)
    assert not left.exists()


@pytest.mark.parametrize("text", ["", '{"rule": "ranks"', "[]", json.dumps({"rule": 1})])
def test_a_damaged_record_vouches_for_nothing_beside_it(made: Path, text: str) -> None:
    """Whatever it is cut to."""
    made.with_name(".ranks.made.json").write_text(text)
    damaged = [file for record in read_records(Path("results")) for file in record.damaged()]
    assert sorted(damaged) == [Path("results/a/b/u.csv"), made]


def test_what_nobody_has_written_since_is_not_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes written again are as the job left them; after a new start of the machine all of them are read."""
    made.write_text(made.read_text())
    read: list[Path] = []
    monkeypatch.setattr(outputs, "digest", lambda file: read.append(file) or digest(file))
    assert not [file for record in read_records(Path("results")) for file in record.damaged()]
    assert read == [made]
    monkeypatch.setattr(outputs, "_start", lambda: "another")
    assert not [file for record in read_records(Path("results")) for file in record.damaged()]
    assert sorted(read[1:]) == [Path("results/a/b/u.csv"), made]


def test_a_run_leaves_the_folders_of_other_configurations_alone(made: Path) -> None:
    """They may be at work below the same results: neither what they have half written nor their records are its own."""
    other = Path("results/other")
    other.mkdir()
    half, record = other / ".t.csv.1.part", other / ".ranks.made.json"
    half.write_text("x")
    (other / "t.csv").write_text(TABLE)
    record.write_text(json.dumps({"rule": "ranks", "log": "ranks.log", "digests": {"t.csv": None}}))
    Path("ranks.log").write_text("at work\n")
    made.write_text("x")
    run = begin(Path("config.yaml"), [Path("results")], [Path("results/a")], planning=False)
    assert half.exists()
    assert run.failed() == ""
    assert other / "t.csv" not in distrust([Path("results/a")])
    assert other / "t.csv" in distrust([Path("results")])
