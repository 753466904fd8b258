"""Scripts in forks of one process: their exit status, what they find imported, and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from secondline.jobs import warm_start
from secondline.jobs.forks import modules_of
from secondline.jobs.warm_start import Forks, execute
from snakemake.script import PythonScript


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Start one process of forks for all tests, and end it."""
    started = Forks()
    yield started
    started.close()


def run(forks: Forks, folder: Path, text: str, **environ: str) -> int:
    """Write a script and run it."""
    file = folder / "script.py"
    file.write_text(text)
    return forks.run(str(file), environ, None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x = 1", 0),
        ("raise SystemExit", 0),
        ("raise SystemExit(2)", 2),
        ("raise SystemExit('wrong')", 1),
        ("raise ValueError", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_its_exit_status_is_that_of_a_program(forks: Forks, tmp_path: Path, text: str, status: int) -> None:
    """A script that was killed has the status of a process that was killed."""
    assert run(forks, tmp_path, text) == status


def test_what_it_imports_is_there_already(forks: Forks, tmp_path: Path) -> None:
    """The first fork for a script finds its modules imported, and those of the libraries behind them."""
    text = "import sys\nassert 'secondline.summaries.summarise' in sys.modules and 'numpy' in sys.modules\n"
    assert run(forks, tmp_path, text + "from secondline.summaries.summarise import summarise_models\n") == 0


def test_nothing_is_left_of_another(forks: Forks, tmp_path: Path) -> None:
    """A fork has the environment and the state of its own script alone."""
    assert (
        run(
            forks,
            tmp_path,
            "import os, math\nassert os.environ['THEIRS'] == 'b'\nmath.pi = 3\nos.chdir('/')",
            THEIRS="b",
        )
        == 0
    )
    assert run(forks, tmp_path, "import os, math\nassert 'THEIRS' not in os.environ and math.pi > 3") == 0
    assert run(forks, tmp_path, f"import os\nassert os.getcwd() == {os.getcwd()!r}") == 0


def test_it_can_start_processes_of_its_own(forks: Forks, tmp_path: Path) -> None:
    """Although nobody waits for the forks themselves, a fork waits for what it starts."""
    assert run(forks, tmp_path, "import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''], check=True)") == 0


def test_its_temporary_folders_go(forks: Forks, tmp_path: Path) -> None:
    """Also those that last as long as the process."""
    text = f"import tempfile\nkept = tempfile.TemporaryDirectory(dir={str(tmp_path)!r}, prefix='kept')\n"
    assert run(forks, tmp_path, text) == 0
    assert not list(tmp_path.glob("kept*"))


def test_modules_that_a_script_imports() -> None:
    """Also those that it imports where its job begins."""
    script = Path(__file__).parents[1] / "scripts" / "fit_models.py"
    assert modules_of(script) == ["secondline.inference.sampling", "secondline.jobs.script", "secondline.inference.fit"]


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_the_run(tmp_path: Path, busy: bool) -> None:
    """Of a run that is killed, neither the process of the forks nor a fork goes on; neither waits for the other."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\nfrom pathlib import Path\nfrom types import SimpleNamespace\n"
        "from secondline.jobs.script import job\n"
        f"log = [{str(tmp_path / 'log')!r}]\n"
        f"output = [{str(tmp_path / 'made')!r}]\n"
        "with job(SimpleNamespace(rule='r', log=log, input=[], output=output)):\n"
        f"    Path({str(tmp_path / 'pids')!r}).write_text(f'{{os.getpid()}} {{os.getppid()}}')\n"
        "    time.sleep(60)\n"
    )
    words = f"from secondline.jobs.warm_start import Forks\nForks().run({str(script)!r}, {{}}, None)"
    run = subprocess.Popen([sys.executable, "-c", words])
    pids = _await(lambda: (tmp_path / "pids").read_text().split())
    fork, parent = map(int, pids)
    if busy:
        os.kill(parent, signal.SIGSTOP)
    run.kill()
    run.wait()
    _await(lambda: not _lives(fork))
    if busy:
        os.kill(parent, signal.SIGCONT)
    _await(lambda: not _lives(parent))


def _await[T](what: Callable[[], T]) -> T:
    for _ in range(300):
        with suppress(OSError):
            if found := what():
                return found
        time.sleep(0.1)
    raise AssertionError


def _lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    "elsewhere", [{"conda_env": "env"}, {"container_img": "image"}, {"env_modules": "module"}, {"threads": 2}]
)
def test_a_script_of_another_environment_starts_as_snakemake_starts_it(
    monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, object]
) -> None:
    """Forks have the environment of the run, and one thread."""
    alone = []
    monkeypatch.setattr(warm_start, "_alone", lambda *arguments: alone.append(arguments))
    plain = {"conda_env": None, "container_img": None, "env_modules": None, "shadow_dir": None, "threads": 1}
    execute(SimpleNamespace(**plain | elsewhere), "script.py")
    assert len(alone) == 1


def test_snakemake_starts_scripts_by_the_method_that_is_replaced() -> None:
    """`execute_script(fname, edit)` of `PythonScript`, with these attributes."""
    assert PythonScript.execute_script.__code__.co_varnames[:3] == ("self", "fname", "edit")
    names = PythonScript.__init__.__code__.co_varnames
    assert {"conda_env", "container_img", "env_modules", "shadow_dir", "threads", "resources", "bench_record"} <= {
        *names
    }
