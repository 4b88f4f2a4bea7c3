"""Scripts of the lab host, called through the unmodified Python client."""

import os
import time
from contextlib import contextmanager

import pytest
from jumpstarter.client.core import DriverError, DriverInvalidArgument
from jumpstarter.common.serde import encode_value
from jumpstarter_protocol import jumpstarter_pb2

SHELL = "jumpstarter_driver_shell.driver.Shell"
METHODS = """\
        default: {}
        described: {command: "true", description: Does nothing}
        echo: echo $1
        env: echo $ENV1
        exit1: exit 1
        exit42: exit 42
        multi_line: |
          echo $1
          echo $2
          echo $3
        signal: kill -TERM $$
        slow: {command: "echo begun; sleep 60", timeout: 1}
        steps: "echo one; until [ -e $1 ]; do sleep 0.05; done; echo two"
        stderr: echo $1 >&2
"""


def yaml(methods, more=""):
    return (
        f"  host:\n    type: {SHELL}\n    config:\n"
        f"{more and f'      {more}' + chr(10)}      methods:\n{methods}"
    )


@pytest.fixture
def host(start):
    with start(yaml(METHODS)).client() as client:
        yield client.host


def run(client, method, env=None, *args):
    """Everything it wrote, and its code."""
    stdout, stderr, code = "", "", None
    for out, err, last in client.streamingcall("call_method", method, env or {}, *args):
        assert code is None, "an item after the last one"
        stdout, stderr, code = stdout + out, stderr + err, last
    return stdout, stderr, code


def runs(file):
    """Whether the process whose number is in the file is alive."""
    try:
        number = file.read_text().strip()
        with open(f"/proc/{number}/stat") as stat:
            return bool(number) and ") Z " not in stat.read()
    except FileNotFoundError:
        return False


def eventually(check, seconds=15):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "that did not happen"
        time.sleep(0.02)


def test_arguments_and_environment(host):
    assert run(host, "echo", {}, "hello") == ("hello\n", "", 0)
    assert run(host, "env", {"ENV1": "world"}) == ("world\n", "", 0)
    assert run(host, "env", None) == ("\n", "", 0)
    assert run(host, "multi_line", {}, "a", "b", "c") == ("a\nb\nc\n", "", 0)
    assert run(host, "default") == ("Hello\n", "", 0)


def test_the_methods_of_the_client(host, capsys):
    assert host.echo("hello") == 0
    assert host.env(ENV1="x") == 0
    assert host.exit42() == 42
    assert host.stderr("oops") == 0
    captured = capsys.readouterr()
    assert captured.out == "hello\nx\n"
    assert captured.err == "oops\n"


def test_return_codes(host):
    assert run(host, "exit1") == ("", "", 1)
    assert run(host, "exit42") == ("", "", 42)
    assert run(host, "signal")[2] == -15


def test_errors_are_separate(host):
    assert run(host, "stderr", {}, "oops") == ("", "oops\n", 0)


def test_a_short_command_makes_one_item(host):
    assert list(host.streamingcall("call_method", "echo", None, "hi")) == [["hi\n", "", 0]]


def test_output_comes_before_the_end(host, tmp_path):
    heard = tmp_path / "heard"
    items = host.streamingcall("call_method", "steps", {}, str(heard))
    assert next(items) == ["one\n", "", None]
    # Only now the script goes on.
    heard.touch()
    assert "".join(out for out, _, _ in items) == "two\n"


def test_the_names_of_the_methods(host):
    names = [line.split(":")[0].strip() for line in METHODS.splitlines() if line[8] != " "]
    assert host.call("get_methods") == names
    with pytest.raises(AttributeError, match=r"method dance not found in \['default', "):
        host.dance()
    assert set(host.cli().commands) == set(names)


def test_only_described_methods_have_a_description(host):
    assert host.methods_description == {"described": "Does nothing"}
    assert host.cli().commands["described"].help == "Does nothing"
    assert host.cli().commands["echo"].help == "Execute the echo shell method"


def test_the_commands(start):
    bench = start(yaml(METHODS))
    kind = bench.kind
    done = bench.shell("j", "host", "echo", "hello", kind=kind)
    assert (done.returncode, "hello" in done.stdout) == (0, True), done.stderr
    done = bench.shell("j", "host", "env", "-e", "ENV1=there", kind=kind)
    assert (done.returncode, "there" in done.stdout) == (0, True), done.stderr
    assert "Does nothing" in bench.shell("j", "host", "--help", kind=kind).stdout


@contextmanager
def refused(text):
    with pytest.raises(DriverInvalidArgument) as caught:
        yield
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "BASH_ENV", "KUBECONFIG", "HOME"]
    + ["LD_AUDIT", "BASH_FUNC_echo"],
)
def test_blocked_variables(host, name):
    with refused(f"Environment variable '{name}' is blocked for security reasons"):
        run(host, "echo", {name: "x"})


def test_refused_calls(host, start):
    with refused("Invalid environment variable name: a-b"):
        run(host, "echo", {"a-b": "x"})
    with refused("All arguments must be strings, got <class 'float'>"):
        run(host, "echo", {}, 5)
    with refused("Method 'dance' not found in available methods: ['default', 'described', "):
        run(host, "dance")
    with pytest.raises(DriverError, match="env"):
        list(host.streamingcall("call_method", "echo"))
    odd = yaml('        blank: " "\n        one: "true"\n', more="cwd: /nowhere")
    with start(odd).client() as client:
        with refused("Shell script must be a non-empty string"):
            run(client.host, "blank")
        with refused("Working directory does not exist: /nowhere"):
            run(client.host, "one")


def test_no_such_shell(start):
    with start(yaml("        one: echo\n", more="shell: [no-such-shell]")).client() as client:
        with pytest.raises(DriverError, match="No such file or directory: 'no-such-shell'"):
            run(client.host, "one")


def test_time_runs_out(host):
    stdout, stderr, code = run(host, "slow", {}, "it's")
    assert code == 199
    assert stdout == "begun\n"
    assert stderr == (
        "\nTimeout expired while running slow: Command '['bash', '-c', 'echo begun; sleep 60', "
        "'slow', \"it's\"]' timed out after 1 seconds\n"
    )


STUBBORN = "trap '' TERM; echo $$ > $1; while :; do sleep 1; done"


def test_who_ignores_sigterm_is_killed(start, tmp_path):
    file = tmp_path / "number"
    methods = f'        stubborn: "{STUBBORN}"\n'
    with start(yaml(methods, more="timeout: 1")).client() as client:
        begun = time.monotonic()
        assert run(client.host, "stubborn", {}, str(file))[2] == 199
        assert 5.5 < time.monotonic() - begun < 9
        assert not runs(file)


GROUP = "echo $$ > $1; sleep 60 & echo $! > $2; echo ready; wait"


@pytest.fixture
def group(start, tmp_path):
    """A script and its child, which note their numbers: how to start it, whether one is alive."""
    files = tmp_path / "one", tmp_path / "two"
    exporter = start(yaml(f'        group: "{GROUP}"\n'))
    call = ("call_method", "group", {}, *map(str, files))
    return exporter, call, lambda: any(map(runs, files))


@pytest.mark.ours
def test_a_client_that_cancels_ends_the_group(group):
    exporter, call, alive = group

    async def cancel(host):
        method, *args = call
        request = jumpstarter_pb2.StreamingDriverCallRequest(
            uuid=str(host.uuid), method=method, args=[encode_value(arg) for arg in args]
        )
        items = host.stub.StreamingDriverCall(request)
        assert (await anext(aiter(items))).result.list_value.values[0].string_value == "ready\n"
        assert alive()
        items.cancel()

    with exporter.client() as client:
        client.portal.call(cancel, client.host)
        eventually(lambda: not alive())
        assert client.host.call("get_methods") == ["group"]


@pytest.mark.ours
def test_a_client_that_is_gone_ends_the_group(group):
    exporter, call, alive = group
    with exporter.client() as client:
        items = client.host.streamingcall(*call)
        assert next(items)[0] == "ready\n"
        assert alive()
    eventually(lambda: not alive())


@pytest.mark.ours
def test_an_exporter_that_stops_leaves_no_script(group):
    exporter, call, alive = group
    with exporter.client() as client:
        items = client.host.streamingcall(*call)
        assert next(items)[0] == "ready\n"
        assert alive()
        exporter.stop()
        assert not alive()


@pytest.mark.ours
def test_a_flood_that_nobody_reads_stays_small(start):
    exporter = start(yaml('        flood: exec yes "$1"\n'))

    def resident():
        with open(f"/proc/{exporter.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with exporter.client() as client:
        assert client.host.call("get_methods") == ["flood"]
        before = resident()
        calls = [
            client.host.streamingcall("call_method", "flood", {}, "x" * 500) for _ in range(8)
        ]
        for items in calls:
            assert next(items)[0].startswith("xxx")
        time.sleep(2)
        assert resident() - before < 16 << 20
        for items in calls:
            items.close()
        assert client.host.call("get_methods") == ["flood"]
