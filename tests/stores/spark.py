"""A Spark standalone cluster on loopback addresses: one master and two workers, each a process of its own.

Workers have an address each, since Spark starts a speculative attempt on another host only.

pyspark is in the environment that tests/run.sh makes in build/spark; programs that drive the cluster
run by its Python: see enter().
"""
import glob
import os
import shutil
import signal
import sys
import time

import component

# Of each worker; an executor takes all of it.
CORES = 1
MEMORY = "700m"
# Of Java: what is not worth its time in processes that live for a minute.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


def folder():
    return os.environ.get("FHX_SPARK") or os.path.join(component.ROOT, "build", "spark")


def enter():
    """Goes on as the same program by the Python that has pyspark."""
    python = os.path.join(folder(), "bin", "python")
    if not os.path.exists(python):
        raise component.Failure("pyspark is not in build/spark: tests/run.sh installs it, or say"
                                " --without spark")
    if os.path.realpath(sys.prefix) != os.path.realpath(folder()):
        os.execv(python, [python, *sys.argv])


def home():
    found = glob.glob(os.path.join(folder(), "lib", "python3*", "site-packages", "pyspark"))
    if not found:
        raise component.Failure("there is no pyspark in " + folder())
    return found[0]


def children(pid):
    """Of a process, all that it has started, and they."""
    found = []
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(task, encoding="ascii") as file:
                for child in map(int, file.read().split()):
                    found += [child, *children(child)]
        except OSError:
            continue
    return found


class Cluster(component.Component):
    """`environment` is that of the executors."""

    def __init__(self, workers=2, cores=CORES, memory=MEMORY, **environment):
        super().__init__()
        self.workers = [f"worker{number}" for number in range(1, workers + 1)]
        self.cores, self.memory = cores, memory
        self.environment = environment
        self.port = component.free_port()
        self.url = f"spark://127.0.0.1:{self.port}"

    def launch(self, name, what, host, *arguments):
        java = os.environ.get("JAVA_HOME")
        java = os.path.join(java, "bin", "java") if java else shutil.which("java")
        if java is None:
            raise component.Failure("Spark needs Java: install it, or say --without spark")
        # An executor has its worker's environment, and its Python is the driver's.
        self.spawn(name, java, "-Xmx160m", *SHORT_LIVED.split(), "-cp", os.path.join(home(), "jars", "*"),
                   f"org.apache.spark.deploy.{what}", "--host", host, "--webui-port", "0",
                   *arguments, SPARK_HOME=home(), SPARK_LOCAL_IP=host,
                   SPARK_LOCAL_DIRS=self.path("local"), SPARK_SCALA_VERSION="2.12",
                   **self.environment)

    def start_worker(self, name):
        host = f"127.0.0.{self.workers.index(name) + 2}"
        self.launch(name, "worker.Worker", host, "--cores", str(self.cores), "--memory", self.memory,
                    "--work-dir", self.path(name), self.url)

    def wait_for(self, name, text):
        component.wait_until(lambda: text in self.read_output(name), name,
                             alive=lambda: self.is_alive(name))

    def start(self):
        self.launch("master", "master.Master", "127.0.0.1", "--port", str(self.port))
        self.wait_for("master", "New state: ALIVE")
        for name in self.workers:
            self.start_worker(name)

    def cpu_seconds(self):
        """What processors have spent on all workers, with their executors and their Python."""
        spent = 0
        for process in self.processes.values():
            for pid in [process.pid, *children(process.pid)]:
                try:
                    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                        # Of itself and of children that have ended, by users and the system.
                        spent += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15]))
                except OSError:
                    continue
        return spent / os.sysconf("SC_CLK_TCK")

    def kill_machine(self, name):
        """A worker with its executors and their Python, as when a machine goes."""
        worker = self.processes[name]
        for pid in [worker.pid, *children(worker.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        worker.wait()

    def stop(self, tell=False):
        """Executors end when their workers are gone: they are waited for."""
        started = [pid for process in self.processes.values() for pid in children(process.pid)]
        for name in reversed(list(self.processes)):
            self.kill(name)
        for pid in started:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)
        super().stop(tell)

    def session(self, name="test", **options):
        """A driver in this process, when the workers are there. It is the caller's to stop."""
        for worker in self.workers:
            self.wait_for(worker, "Successfully registered with master")
        os.environ.update(SPARK_HOME=home(), SPARK_LOCAL_IP="127.0.0.1",
                          PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_DIRS=self.path("driver"))
        os.makedirs(self.path("driver"), exist_ok=True)
        from pyspark.sql import SparkSession  # pylint: disable=import-outside-toplevel
        build = SparkSession.builder.master(self.url).appName(name)
        for key, value in {"spark.driver.host": "127.0.0.1", "spark.driver.memory": "600m",
                           "spark.executor.memory": "520m", "spark.ui.enabled": "false",
                           "spark.ui.showConsoleProgress": "false",
                           "spark.sql.shuffle.partitions": "4",
                           "spark.sql.warehouse.dir": self.path("warehouse"),
                           "spark.worker.timeout": "60",
                           "spark.scheduler.minRegisteredResourcesRatio": "1", **options}.items():
            build = build.config(key, value)
        session = build.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        return session
