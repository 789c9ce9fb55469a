"""A SLURM of one's own on this machine, for tests: munged, slurmctld and one slurmd for each simulated node, all on loopback,
every file in one folder.

Nodes of more than one each live in a UTS and a mount namespace with a host name of their own (Open MPI names its shared memory
by host), which takes root. See slurm.conf(5) for the settings.
"""

import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue"]
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
PATIENCE_S = 60

CONF = """
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={next_port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
TmpFS={folder}/tmp.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobRequeue=1
KillWait=5
MinJobAge=3600
ReturnToService=2
{nodes}
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP
"""


def missing():
    """Programs that are not here, and rights that are lacking."""
    return [program for program in PROGRAMS if not shutil.which(program, path=PATH)]


def has_namespaces():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--uts", "--mount", "true"], capture_output=True).returncode == 0


def free_ports(n):
    """The first of n neighbouring ports that nobody listens to."""
    for first in range(26800, 32000, 50):
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + n):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
    raise RuntimeError("no free ports")


class Cluster:
    """Starts on entry, ends all its jobs and daemons on exit."""

    def __init__(self, n_nodes=1, cores=2):
        # munge's socket must be open to all; and paths of sockets are short.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slurm"))
        self.folder.chmod(0o711)
        self.cores = cores
        self.names = [f"node{i + 1}" for i in range(n_nodes)]
        self.environment = dict(os.environ, PATH=PATH, SLURM_CONF=str(self.folder / "slurm.conf"), LC_ALL="C",
                                OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo",
                                OMPI_MCA_osc="^ucx",  # finds no device on loopback, and says so too late
                                OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_mpi_yield_when_idle="1",
                                OMPI_MCA_hwloc_base_binding_policy="none")
        if os.geteuid() == 0:
            self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.SubprocessError, OSError):
            self.run("scancel", "--quiet", "--user", str(os.geteuid()), check=False)
            deadline = time.monotonic() + 30
            while self.run("squeue", "-h", check=False).stdout.strip() and time.monotonic() < deadline:
                time.sleep(0.25)
        for file in [*self.folder.glob("slurmd.*.pid"), self.folder / "slurmctld.pid", self.folder / "munge/pid"]:
            self._end(file)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command, check=True, **options):
        """A client's command; its output as text."""
        return subprocess.run(list(map(str, command)), env=self.environment, check=check, capture_output=True, text=True,
                              timeout=PATIENCE_S, stdin=subprocess.DEVNULL, **options)

    def submit(self, *words, cwd, **environment):
        """sbatch; the number of the job."""
        result = subprocess.run(["sbatch", "--parsable", *map(str, words)], env={**self.environment, **environment}, cwd=cwd,
                                capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def job(self, number):
        """What scontrol says of a job: a dictionary (of the first of its tasks)."""
        lines = self.run("scontrol", "--oneliner", "show", "job", number).stdout.splitlines()
        return dict(word.split("=", 1) for word in lines[0].split() if "=" in word)

    def states(self, number):
        lines = self.run("scontrol", "--oneliner", "show", "job", number).stdout.splitlines()
        return [dict(word.split("=", 1) for word in line.split() if "=" in word)["JobState"] for line in lines]

    def wait(self, number, patience_s):
        """Until no task of the job waits or runs any more; their last states."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            states = self.states(number)
            if not set(states) & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED"}:
                return states
            time.sleep(0.25)
        raise AssertionError(f"job {number} is still {self.states(number)} after {patience_s} s")

    def _start(self):
        separate = len(self.names) > 1 or not socket.gethostbyname(socket.gethostname()).startswith("127.")
        if separate and not has_namespaces():
            raise RuntimeError("simulated nodes take root and the right to make namespaces")
        if not separate:
            self.names = [socket.gethostname().split(".")[0]]
        for name in ["state", "munge", *(f"{kind}.{node}" for kind in ("spool", "tmp") for node in self.names)]:
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        port = free_ports(len(self.names) + 1)
        nodes = "\n".join(f"NodeName={name} NodeHostname={name} NodeAddr=127.0.0.1 Port={port + 1 + i} CPUs={self.cores} Boards=1 "
                          f"SocketsPerBoard=1 CoresPerSocket={self.cores} ThreadsPerCore=1 RealMemory=65536 State=UNKNOWN"
                          for i, name in enumerate(self.names))
        user = self.run("id", "-un").stdout.strip()
        (self.folder / "slurm.conf").write_text(
            CONF.format(folder=self.folder, port=port, next_port=port + 1, user=user, nodes=nodes))
        own = {"localhost", socket.gethostname(), *self.names}
        others = [line for line in pathlib.Path("/etc/hosts").read_text().splitlines() if not own & set(line.split()[1:])]
        (self.folder / "hosts").write_text("\n".join([f"127.0.0.1 {' '.join(sorted(own))}", *others]) + "\n")

        munge = self.folder / "munge"
        self._daemon("munged", f"--key-file={key}", f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--log-file={munge}/log",
                     f"--seed-file={munge}/seed")
        self._daemon("slurmctld", "-c", "-f", self.folder / "slurm.conf", host="" if separate else None)
        for name in self.names:
            self._daemon("slurmd", "-N", name, "-f", self.folder / "slurm.conf", host=name if separate else None)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            states = self.run("sinfo", "-h", "-N", "-o", "%T", check=False).stdout.split()
            if states == ["idle"] * len(self.names):
                return
            time.sleep(0.2)
        raise RuntimeError(f"the nodes did not become idle: {states}")

    def _daemon(self, *command, host=None):
        """Starts one; `host` is the name it sees itself by, in namespaces of its own ("" leaves the name)."""
        command = list(map(str, command))
        if host is not None:
            script = 'mount --bind "$1" /etc/hosts && { [ -z "$2" ] || hostname "$2"; } && shift 2 && exec "$@"'
            uts = ["--uts"] if host else []
            command = ["unshare", *uts, "--mount", "--propagation", "private", "sh", "-c", script, "sh",
                       str(self.folder / "hosts"), host, *command]
        result = subprocess.run(command, env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                                text=True, timeout=PATIENCE_S)
        if result.returncode != 0:
            raise RuntimeError(f"{command}: {result.stderr or result.stdout}")

    def _end(self, pid_file):
        """Ends the process of a pid file, if it is one of this cluster."""
        try:
            pid = int(pid_file.read_text())
            if str(self.folder) not in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                return
            os.kill(pid, signal.SIGTERM)
            for _ in range(100):
                state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
                if state == "Z":
                    return
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            pass
