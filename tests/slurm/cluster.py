"""A real SLURM on this machine alone, for tests: munge, one controller and one node with fake GPUs, on loopback."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import psutil

GPUS = 2
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "setpriv")
INSTALL = "apt-get install --no-install-recommends slurmctld slurmd slurm-client munge"

SLURM_CONF = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
AuthType=auth/munge
# A requeued job is held for as long as a credential lives, 120 s unless told.
AuthInfo=socket={state}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={state}/ctld
SlurmdSpoolDir={state}/slurmd
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
# No cgroups: this runs in containers. By process group, because children of a dead parent belong to the job still.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
# Memory limits without cgroups: what a job's processes hold is looked at every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
# Quick turn-round; finished jobs stay visible to squeue.
MinJobAge=3600
KillWait=5
CompleteWait=0
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
# More processors than there may be, so that GPUs alone limit what runs.
SlurmdParameters=config_overrides
NodeName=localhost NodeAddr=127.0.0.1 CPUs=64 RealMemory=200000 Gres=gpu:{gpus}
PartitionName=main Nodes=localhost Default=YES PriorityTier=1
PartitionName=cancelled Nodes=localhost PriorityTier=1 PreemptMode=CANCEL
PartitionName=urgent Nodes=localhost PriorityTier=10 PreemptMode=OFF
"""


@dataclass
class Job:
    """A SLURM job as `scontrol` shows it: its id and its fields."""

    id: str
    fields: dict[str, str]

    @property
    def state(self) -> str:
        return self.fields["JobState"]

    @property
    def device(self) -> str:
        """The index of the fake GPU that a running job was given, "" where none is named."""
        found = re.search(r"IDX:([0-9,-]+)\)", self.fields.get("GRES", ""))
        return found[1] if found else ""


@dataclass
class Cluster:
    """A running cluster. `environment` is what a process needs to use it."""

    state: Path
    environment: dict[str, str]
    daemons: list[subprocess.Popen] = field(default_factory=list)

    def call(self, *command: str) -> str:
        """What a client command of SLURM prints.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout.strip()

    def jobs(self, folder: Path) -> list[Job]:
        """Every job that was submitted from a folder, in the order of their ids, the finished ones too."""
        blocks = self.call("scontrol", "--oneliner", "--details", "show", "job").splitlines()
        jobs = [dict(part.partition("=")[::2] for part in block.split() if "=" in part) for block in blocks]
        mine = [Job(fields["JobId"], fields) for fields in jobs if fields.get("WorkDir") == str(folder)]
        return sorted(mine, key=lambda job: int(job.id))

    def running(self, folder: Path) -> list[Job]:
        return [job for job in self.jobs(folder) if job.state == "RUNNING"]

    def node(self) -> list[psutil.Process]:
        """The processes of the node: its slurmd, and the jobs with all they started."""
        found = psutil.process_iter(["name", "cwd"])
        daemons = [
            one for one in found if one.info["name"] in ("slurmd", "slurmstepd") and one.info["cwd"] == str(self.state)
        ]
        return [process for daemon in daemons for process in (daemon, *daemon.children(recursive=True))]

    def lose_node(self, node: list[psutil.Process]) -> None:
        """Kill the processes of the node, as a power cut does, and tell SLURM, which needs minutes to see it."""
        for process in node:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(node, timeout=10)
        self.call("scontrol", "update", "NodeName=localhost", "State=DOWN", "Reason=test")

    def boot_node(self) -> None:
        """Start the node, and wait until SLURM counts on it."""
        self.start("slurmd", "-D", "-c", "-b", "-f", self.environment["SLURM_CONF"], "-N", "localhost")
        wait_for(lambda: self.call("sinfo", "-h", "-o", "%T") == "idle", "the node of the test cluster", timeout=30)

    def start(self, *daemon: str) -> None:
        """Start a daemon, which the kernel ends when this process ends, however it does."""
        command = ["setpriv", "--pdeathsig", "TERM", *daemon]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.daemons.append(subprocess.Popen(command, cwd=self.state, env=self.environment, **quiet))

    def stop(self) -> None:
        """Stop the daemons, the last one first."""
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def seize(self, seconds: int) -> str:
        """Submit a job of the urgent partition that takes every GPU for some seconds; its id."""
        return self.call(
            "sbatch", "--parsable", "-p", "urgent", f"--gres=gpu:{GPUS}", "-o", "/dev/null", f"--wrap=sleep {seconds}"
        )  # fmt: skip


def missing() -> list[str]:
    """The programs of SLURM that this machine lacks."""
    return [program for program in PROGRAMS if shutil.which(program, path=_path()) is None]


def obstacle() -> str | None:
    """Why no test cluster can be started here; None where one can."""
    if absent := missing():
        return f"no SLURM here: {', '.join(absent)} missing; as root:  {INSTALL}"
    return None if os.geteuid() == 0 else f"only root can start {', '.join(PROGRAMS[:3])}"


def wait_for(condition: Callable[[], object], what: str, timeout: float = 60, interval: float = 0.2) -> None:
    """Wait until a condition holds; fail with `what` was awaited where it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout:.0f} s in vain for {what}"
        time.sleep(interval)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster and stop it, whatever happens."""
    state = Path(mkdtemp(prefix="decay-slurm-"))
    running = Cluster(state, _prepared(state))
    try:
        _start(running)
        yield running
        running.call("scancel", "--user", "root")
        wait_for(lambda: not running.call("squeue", "--noheader"), "the last jobs to end")
    finally:
        running.stop()
        shutil.rmtree(state, ignore_errors=True)


def _prepared(state: Path) -> dict[str, str]:
    """Write what the daemons read, and return the environment of who uses them."""
    for folder in ("ctld", "slurmd", "dev", "bin"):
        (state / folder).mkdir()
    for index in range(GPUS):  # slurmd wants devices: these have the numbers of /dev/null
        os.mknod(state / f"dev/gpu{index}", 0o20666, os.makedev(1, 3))
    conf = state / "slurm.conf"
    conf.write_text(SLURM_CONF.format(state=state, gpus=GPUS, ctld_port=_free_port(), slurmd_port=_free_port()))
    (state / "gres.conf").write_text(
        f"AutoDetect=off\nNodeName=localhost Name=gpu File={state}/dev/gpu[0-{GPUS - 1}]\n"
    )
    # The executor drops SLURM_CONF before it calls srun inside a job.
    srun = state / "bin/srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun", path=_path())} "$@"\n')
    srun.chmod(0o755)
    environment = {**os.environ, "SLURM_CONF": str(conf), "PATH": f"{state}/bin:{_path()}"}
    for variable in [name for name in environment if name.startswith(("SBATCH_", "SLURM_JOB"))]:
        del environment[variable]
    (state / "munge.key").write_bytes(os.urandom(128))
    (state / "munge.key").chmod(0o400)
    return environment


def _start(cluster: Cluster) -> None:
    state = cluster.state
    files = [f"--{name}={state}/munge.{name}" for name in ("socket", "log-file", "seed-file")]
    files += [f"--key-file={state}/munge.key", f"--pid-file={state}/munged.pid"]
    cluster.start("munged", "--foreground", "--force", *files)
    wait_for((state / "munge.socket").exists, "munged", interval=0.05)
    cluster.start("slurmctld", "-D", "-c", "-f", cluster.environment["SLURM_CONF"])
    ping = ["scontrol", "ping"]
    wait_for(lambda: not subprocess.run(ping, env=cluster.environment, capture_output=True).returncode, "slurmctld")
    cluster.boot_node()


def _path() -> str:
    """PATH with the folders of daemons, which users may not have on it."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    sys.exit(obstacle())
