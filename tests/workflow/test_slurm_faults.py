"""A real Slurm of one node: jobs killed, lost with their node or out of memory, and a controller that restarts.

It is set up where its programs are, for root, on a machine that has no Slurm of its own.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.workflow.conftest import Project
from tests.workflow.faults import RUN, Undisturbed, undisturbed_in
from tests.workflow.small import read_all

pytestmark = pytest.mark.slow

CONF = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol")
SETTINGS = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=12000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
ON_IT = [
    *RUN,
    "--",
    "--workflow-profile",
    "profiles/slurm",
    "--slurm-no-account",
    "--slurm-init-seconds-before-status-checks",
    "3",
    "--latency-wait",
    "5",
]
LONGEST = 600  # seconds that anything may take


@dataclass
class Cluster:
    """A Slurm of one node, whose files are in a folder."""

    folder: Path
    seen: int = 0
    host: str = field(default_factory=lambda: socket.gethostname().partition(".")[0])

    def ask(self, *words: str) -> str:
        """Give what a command says."""
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    def start(self, program: str) -> None:
        """Start a program of Slurm, which goes into the background, and wait until it answers."""
        subprocess.run([program], check=True)
        wait_for(lambda: bool(self.state()), f"{program} to answer")

    def stop(self, program: str) -> None:
        """End a program, and wait until it has."""
        file = self.folder / f"{program}.pid"
        process = int(file.read_text())
        os.kill(process, 15)
        wait_for(lambda: not Path(f"/proc/{process}").exists(), f"{program} to end")

    def state(self) -> str:
        """Give the state of the node; nothing where the controller does not answer."""
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def requeued(self) -> bool:
        """Whether Slurm itself has put jobs of a lost node back since this was last asked."""
        log = (self.folder / "slurmctld.log").read_text()
        new, self.seen = log[self.seen :], len(log)
        return "requeue job" in new

    def node(self, state: str) -> None:
        """Set the state of the node."""
        self.ask("scontrol", "update", f"nodename={self.host}", f"state={state}", "reason=test")

    def running(self) -> list[str]:
        """List the numbers of jobs that run."""
        return self.ask("squeue", "-h", "-t", "RUNNING", "-o", "%i").split()


def wait_for(happened: Callable[[], bool], what: str) -> None:
    """Wait until something has happened."""
    since = time.monotonic()
    while not happened():
        assert time.monotonic() - since < LONGEST, f"waited in vain for {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a Slurm for the tests of this file."""
    if os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)) or CONF.exists():
        pytest.skip("needs root, the programs of Slurm and a machine without a Slurm of its own")
    made = Cluster(tmp_path_factory.mktemp("slurm"))
    for name in ("state", "spool"):
        (made.folder / name).mkdir()
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    subprocess.run(["su", "munge", "-s", "/bin/sh", "-c", shutil.which("munged") or ""], check=False)
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(SETTINGS.format(host=made.host, folder=made.folder))
    try:
        made.start("slurmctld")
        made.start("slurmd")
        wait_for(lambda: made.state() == "idle", "the node to be idle")
        yield made
        for program in ("slurmd", "slurmctld"):
            made.stop(program)
    finally:
        CONF.unlink()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the small project on this machine without Slurm."""
    return undisturbed_in(tmp_path_factory.mktemp("small"))


def submit(project: Project, *more: str) -> "subprocess.Popen[bytes]":
    """Start a run whose jobs are Slurm's; what it says goes into a file."""
    with (project.folder / "said.log").open("wb") as said:
        return subprocess.Popen(
            [*ON_IT, *more], cwd=project.folder, env=project.environment(), stdout=said, stderr=subprocess.STDOUT
        )


def finished(process: "subprocess.Popen[bytes]", project: Project) -> str:
    """Wait for the end of a run, which has to be a good one; gives what it said."""
    status = process.wait(LONGEST)
    said = (project.folder / "said.log").read_text()
    assert status == 0, said[-6000:]
    return said


def kill_a_job(cluster: Cluster) -> None:
    """Kill all processes of the first job."""
    cluster.ask("scancel", "--full", "--signal=KILL", cluster.running()[0])


def drain_the_node(cluster: Cluster) -> None:
    """Let the node take no more jobs for a while; those that run go on."""
    cluster.node("drain")
    wait_for(lambda: cluster.state() == "drained", "the node to be drained")
    time.sleep(5)
    cluster.node("resume")


def lose_the_node(cluster: Cluster) -> None:
    """Have the node be down with the jobs that it runs; it comes back when it reports to the controller again."""
    cluster.node("down")
    wait_for(lambda: cluster.state() in ("idle", "mixed", "allocated"), "the node to be back")


def restart_the_controller(cluster: Cluster) -> None:
    """Let the controller be away for a while."""
    cluster.stop("slurmctld")
    time.sleep(20)
    cluster.start("slurmctld")


@pytest.mark.parametrize(
    ("fault", "again"),
    [(kill_a_job, True), (drain_the_node, False), (lose_the_node, True), (restart_the_controller, False)],
)
def test_faults_of_a_cluster_change_no_result(
    cluster: Cluster, undisturbed: Undisturbed, tmp_path: Path, fault: Callable[[Cluster], None], again: bool
) -> None:
    """The run ends by itself with the bytes of a workstation; what was lost has run once more, and nothing else."""
    project = undisturbed.again(tmp_path / "project")
    cluster.requeued()
    process = submit(project)
    wait_for(lambda: bool(cluster.running()), "a job to run")
    time.sleep(2)
    fault(cluster)
    said = finished(process, project)
    assert ("Trying to restart job" in said or cluster.requeued()) == again
    assert read_all(project) == undisturbed.after


def test_a_job_out_of_memory_is_given_more(cluster: Cluster, undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Its second or third attempt has enough."""
    project = undisturbed.again(tmp_path / "project")
    memory = "mem_mb=150*attempt**3"
    more = "--default-resources", memory, "runtime=10", "--set-resources", f"fit_models:{memory}"
    said = finished(submit(project, *more), project)
    assert "Trying to restart job" in said
    assert read_all(project) == undisturbed.after
