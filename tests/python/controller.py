"""A running jmp-controller with two benches, and two clients who look at it: ours, and theirs."""

import json
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab import ENDING_WITH_US, MOCK_POWER, OURS, PYTHON, environment, free_port

HERE = Path(__file__).resolve().parent
BENCHES = {"bench-1": ["board=rpi4", "rack=a"], "bench-2": ["board=imx8", "rack=a"]}
CLIENTS = ["me", "you"]
# Of the same length, because tables have columns.
WHO = {"ours": "home-ours", "python": "home-them"}


@dataclass
class Said:
    """How a command ended, in words that are the same for everybody."""

    code: int
    out: str
    err: str


class Controller:
    """The program, its data in a folder; ended with `end`."""

    def __init__(self, folder, **more):
        self.folder = folder
        self.config = folder / "controller.yaml"
        self.endpoint = f"127.0.0.1:{free_port()}"
        router, self.health = (f"127.0.0.1:{free_port()}" for _ in range(2))
        listen = {"grpc": self.endpoint, "router": router, "health": self.health, "login": "off"}
        public = {"grpc": self.endpoint, "router": router}
        self.config.write_text(
            json.dumps({"namespace": "lab", "listen": listen, "public_endpoints": public} | more)
        )
        self.admin("init", "--namespace", "lab")
        self.log = folder / "controller.log"
        self.process = None
        self.start()

    def start(self):
        self.process = self.launch("run")
        until = time.monotonic() + 30
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(OSError):
                # An answer with another code than 200 is an error, too.
                urllib.request.urlopen(f"http://{self.health}/readyz", timeout=5).close()
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def command(self, *words):
        program = [OURS / "jmp-controller", "--data-dir", self.folder / "data"]
        return [*program, "--config", self.config, *words]

    def run(self, *words):
        return subprocess.run(
            self.command(*words),
            env=environment(self.folder, OURS),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def admin(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def launch(self, *words):
        with open(self.log, "a") as log:
            return subprocess.Popen(
                [*ENDING_WITH_US, *self.command(*words)],
                env=environment(self.folder, OURS),
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def end(self):
        self.process.terminate()
        self.process.wait(20)


class Bench:
    """An exporter of the controller, ours."""

    def __init__(self, controller, name, labels):
        folder = controller.folder
        config = folder / f"{name}.yaml"
        words = [word for label in labels for word in ("--label", label)]
        controller.admin("exporter", "create", name, *words, "--out", config)
        export = f"export:\n  power: {{type: {MOCK_POWER}}}\n"
        config.write_text(config.read_text().replace("export: {}\n", export))
        self.log = folder / f"{name}.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*ENDING_WITH_US, OURS / "jmp-exporter", "run", "--exporter-config", config],
                env=environment(folder, OURS),
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    def end(self):
        self.process.terminate()
        self.process.wait(20)


class Desk:
    """Both clients, with the same files in homes of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.homes = {kind: folder / name for kind, name in WHO.items()}
        for home in self.homes.values():
            (home / ".config/jumpstarter/clients").mkdir(parents=True)
        self.forks = None

    def write(self, path, text):
        """A file below both `~/.config/jumpstarter`."""
        for home in self.homes.values():
            file = home / ".config/jumpstarter" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def read(self, kind, path):
        file = self.homes[kind] / ".config/jumpstarter" / path
        return file.read_text() if file.exists() else None

    def clear(self):
        for home in self.homes.values():
            shutil.rmtree(home / ".config/jumpstarter")
            (home / ".config/jumpstarter").mkdir()

    def environment(self, kind):
        programs = OURS if kind == "ours" else PYTHON
        return environment(self.homes[kind], programs) | {"TZ": "UTC", "COLUMNS": "250"}

    def jmp(self, kind, *words, env=None):
        """One command of one of them."""
        if kind == "python":
            code, out, err = self._python(words, env or {})
        else:
            done = subprocess.run(
                [OURS / "jmp", *words],
                env=self.environment(kind) | (env or {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=60,
            )
            code, out, err = done.returncode, done.stdout, done.stderr
        return Said(code, *(self._same(kind, text) for text in (out, err)))

    def open(self, kind, *words, env=None):
        """A command of one of them that somebody has to help."""
        programs = OURS if kind == "ours" else PYTHON
        return subprocess.Popen(
            [*ENDING_WITH_US, programs / "jmp", *words],
            env=self.environment(kind) | {"PYTHONUNBUFFERED": "1"} | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def both(self, *words, env=None):
        """The same command of both; `WHO` in it becomes the kind."""
        said = []
        for kind in WHO:
            own = [str(word).replace("WHO", kind[:4]) for word in words]
            said.append(self.jmp(kind, *own, env=env))
        return said

    def _same(self, kind, text):
        """Without what must differ: whose home it is, and the minutes that passed."""
        text = text.replace(str(self.homes[kind]), "HOME").replace(f"-{kind[:4]}", "-WHO")
        text = re.sub(r"\d\d:\d\d:\d\d(\.\d+)?", "TIME", text)
        text = re.sub(r"(effective_duration\W+)[\d.]+", r"\g<1>1", text)
        return re.sub(r"\b\d+m\b", "MINUTES", text)

    def _python(self, words, env):
        if self.forks is None:
            self.forks = subprocess.Popen(
                [PYTHON / "python", HERE / "forks.py"],
                env=self.environment("python"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        request = {"words": [str(word) for word in words], "env": env}
        self.forks.stdin.write(json.dumps(request) + "\n")
        self.forks.stdin.flush()
        answer = json.loads(self.forks.stdout.readline())
        return answer["code"], answer["out"], answer["err"]

    def end(self):
        if self.forks:
            self.forks.stdin.close()
            self.forks.wait(20)


@contextmanager
def lab(folder):
    """Everything: the controller, the benches, clients' files; `(controller, desk)`."""
    with ExitStack() as running:
        controller = Controller(folder)
        running.callback(controller.end)
        for name, labels in BENCHES.items():
            running.callback(Bench(controller, name, labels).end)
        desk = Desk(folder)
        running.callback(desk.end)
        for name in CLIENTS:
            file = folder / f"{name}.yaml"
            controller.admin("client", "create", name, "--unsafe", "--out", file)
        until = time.monotonic() + 30
        while controller.admin("exporter", "get").count("Available") < len(BENCHES):
            assert time.monotonic() < until, controller.admin("exporter", "get")
            time.sleep(0.05)
        yield controller, desk
