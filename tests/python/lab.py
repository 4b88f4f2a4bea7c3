"""What the stories need: exporters that run, clients that connect, a certificate authority.

The same stories can be told about the Python exporter, to see that they hold there too:

    JMP_PEER=python target/venv/bin/python -m pytest tests/python
"""

import base64
import datetime
import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from jumpstarter.client.client import client_from_path
from jumpstarter.config.tls import TLSConfigV1Alpha1

SOURCE = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", SOURCE / "target"))
OURS = TARGET / os.environ.get("JMP_PROFILE", "debug")
PYTHON = Path(sys.executable).parent

# Tests that are killed clean nothing up: what they have started is sent SIGTERM then.
ENDING_WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]

MOCK_POWER = "jumpstarter_driver_power.driver.MockPower"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment(home, programs):
    """Of a program that must not see the tester's files, and finds `j` among its own kind."""
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        # What killed programs leave behind is the test's, too.
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
    }


class Exporter:
    """A running exporter: `ours` is jmp-exporter, `python` is the Python `jmp run`."""

    def __init__(self, home, export, *, kind, tls=None, passphrase=None, args=(), top=""):
        self.home = home
        self.kind = kind
        self.tls = tls
        self.passphrase = passphrase
        self.port = free_port()
        self.lines = []
        config = home / f"exporter-{self.port}.yaml"
        config.write_text(
            "apiVersion: jumpstarter.dev/v1alpha1\n"
            "kind: ExporterConfig\n"
            "metadata: {namespace: lab, name: story}\n"
            f"{top}"
            f"export:\n{export}"
        )
        program = [OURS / "jmp-exporter"] if kind == "ours" else [PYTHON / "jmp"]
        listen = ["--tls-grpc-insecure"]
        if tls:
            listen = ["--tls-cert", tls.cert, "--tls-key", tls.key]
        if passphrase:
            listen += ["--passphrase", passphrase]
        self.process = subprocess.Popen(
            [*ENDING_WITH_US, *program, "run", "--exporter-config", config]
            + ["--tls-grpc-listener", self.address, *listen, *args],
            env=environment(home, OURS if kind == "ours" else PYTHON),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        try:
            self._wait_for_port()
        except BaseException:
            self.end()
            raise

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def log(self):
        return "\n".join(self.lines)

    @property
    def socket(self):
        """The unix socket it serves beside its port, as its log says."""
        line = self.wait_for("unix://")
        return re.search(r'unix://([^\s"]+)', line)[1]

    def wait_for(self, text, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in list(self.lines):
                if text in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no {text!r} in the exporter's log:\n{self.log}")

    def stop(self):
        """SIGTERM, then the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.reader.join(5)
        return code

    def end(self):
        """For good. The Python exporter works in a child with a session of its own, which only
        its parent's orderly end ends."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pid = self.process.pid
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                self.process.kill()
                self.process.wait()
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(int(child), signal.SIGKILL)

    @contextmanager
    def client(self, path=None, **options):
        """A client of the unmodified Python library, connected as this exporter asks."""
        path = path or self.address
        if path == self.address:
            options.setdefault("insecure", self.tls is None)
            if self.tls:
                options.setdefault("tls_config", TLSConfigV1Alpha1(ca=self.tls.ca_base64))
            options.setdefault("passphrase", self.passphrase)
        with start_blocking_portal() as portal, ExitStack() as stack:
            connecting = client_from_path(path, portal, stack, allow=[], unsafe=True, **options)
            with portal.wrap_async_context_manager(connecting) as client:
                yield client

    def shell(self, *command, kind, flags=(), env=None):
        """`jmp shell` of either kind, running a command, to its end."""
        programs = OURS if kind == "ours" else PYTHON
        options = ["--tls-grpc", self.address]
        if not self.tls:
            options += ["--tls-grpc-insecure"]
        if self.passphrase:
            options += ["--passphrase", self.passphrase]
        return subprocess.run(
            [programs / "jmp", "shell", *options, *flags, "--", *command],
            env=environment(self.home, programs) | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def _wait_for_port(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if self.process.poll() is not None:
                self.reader.join(5)
                raise AssertionError(f"the exporter ended, {self.process.returncode}:\n{self.log}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise AssertionError(f"nothing listens on {self.port}:\n{self.log}")


class Certs:
    """An authority of one test, and a certificate for this machine, as PEM files."""

    def __init__(self, folder):
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)

        def certificate(subject, key, issuer, signer, *, ca, names=()):
            builder = (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(issuer)
                .public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - day)
                .not_valid_after(now + day)
                .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            )
            if names:
                builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
            return builder.sign(signer, hashes.SHA256())

        def name(text):
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        authority_key = ec.generate_private_key(ec.SECP256R1())
        key = ec.generate_private_key(ec.SECP256R1())
        authority_name = name("a lab's authority")
        authority = certificate(
            authority_name, authority_key, authority_name, authority_key, ca=True
        )
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
        leaf = certificate(
            name("exporter"), key, authority_name, authority_key, ca=False, names=names
        )
        pem = serialization.Encoding.PEM
        self.ca = folder / "ca.pem"
        self.cert = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.ca.write_bytes(authority.public_bytes(pem))
        self.cert.write_bytes(leaf.public_bytes(pem))
        self.key.write_bytes(
            key.private_bytes(
                pem,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    @property
    def ca_base64(self):
        return base64.b64encode(self.ca.read_bytes()).decode()
