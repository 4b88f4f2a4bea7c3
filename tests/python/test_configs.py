"""`jmp config` and `jmp auth status` of both clients: the same files, the same words.

What differs on purpose is said in each story.
"""

import base64
import json
import stat
import time

import pytest
import yaml
from controller import WHO, Desk

CLIENT = ["--namespace", "lab", "--name", "me", "--endpoint", "grpc.lab:8082", "--token", "t0ken"]
EXPORTER = ["--namespace", "lab", "--name", "e", "--endpoint", "grpc.lab:8082", "--token", "t0ken"]


@pytest.fixture(scope="module")
def module_desk(tmp_path_factory):
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.end()


@pytest.fixture
def desk(module_desk):
    module_desk.clear()
    return module_desk


def same(desk, *words, env=None):
    ours, theirs = desk.both(*words, env=env)
    assert ours == theirs
    return ours


def files(desk, kind):
    """All files, and who may read them."""
    home = desk.homes[kind] / ".config/jumpstarter"
    found = {}
    for path in sorted(home.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(home))] = path.read_text(), stat.S_IMODE(path.stat().st_mode)
    return found


def same_files(desk):
    """The same in both homes, but for keys that newer releases than 0.9.0 know."""
    ours, theirs = (files(desk, kind) for kind in ("ours", "python"))
    for name, (text, mode) in ours.items():
        newer = ("motd: null\n", "exitOnLeaseEnd: false\n")
        for line in newer if name.startswith("exporters/") else ():
            assert line in text
            text = text.replace(line, "")
        ours[name] = text, mode
    assert ours == theirs
    return ours


def token(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'ES256'})}.{part(claims)}.c2ln"


def create(name, *options):
    """The words that make a client without a question."""
    words = ["config", "client", "create", name, *CLIENT, *options, "--nointeractive"]
    return words if "--allow" in options else [*words, "--allow", ""]


def test_clients_are_made_alike(desk):
    same(desk, *create("lab", "--allow", "a.*,b"))
    same(desk, *create("two", "--unsafe", "-k", "-o", "path"))
    same(desk, *create("three", "--allow", "UNSAFE"))
    done = same(desk, *create("lab"))
    assert (done.code, done.err) == (1, "Error: A client with the name 'lab' already exists.\n")
    for kind, home in desk.homes.items():
        done = desk.jmp(kind, *create("x", "--out", str(home / "x.yaml")))
        assert (done.code, done.out) == (0, "")
    ours, theirs = (home / "x.yaml" for home in desk.homes.values())
    assert ours.read_text() == theirs.read_text()
    made = same_files(desk)
    assert made["clients/lab.yaml"][1] == 0o600
    assert "current-client: lab\n" in made["config.yaml"][0]


STRANGE = """yes|0755|1e3|12:30|2026-11-22|null|~|| a |a: b|a #b|'|"|ü|a\tb|!x|*x|&x|@x|`x|%x|
x:|-|- a|--x|0x1f|1_000|=|<<|.5|ééééééééééééééé""".replace("\n", "").split("|")


def test_strange_values_are_written_alike(desk):
    for number, value in enumerate(STRANGE):
        words = ["--namespace", value, "--name", value, "--endpoint", value, "--token", value]
        same(desk, *create(f"c{number}", *words))
    ours, theirs = (files(desk, kind) for kind in ("ours", "python"))
    for name, (text, mode) in ours.items():
        # Other readers take `1e3` for a number, and can read accents.
        plain = text.isascii() and "'1e3'" not in text
        assert (text, mode) == theirs[name] or not plain
        assert yaml.safe_load(text) == yaml.safe_load(theirs[name][0])


def test_clients_are_listed_chosen_and_deleted_alike(desk):
    for name in ["a", "b", "c"]:
        same(desk, *create(name))
    same(desk, "config", "client", "use", "b", "-o", "path")
    for output in [[], ["-o", "name"]]:
        ours, theirs = desk.both("config", "client", "list", *output)
        # The Python client lists them as the folder does.
        head = 0 if output else 1
        assert ours.out.splitlines()[:head] == theirs.out.splitlines()[:head]
        assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    ours, theirs = desk.both("config", "client", "list", "-o", "json")
    ours, theirs = json.loads(ours.out), json.loads(theirs.out)
    theirs["items"].sort(key=lambda item: item["alias"])
    for item in ours["items"]:
        # Of a newer release.
        assert item["leases"].pop("dial_timeout") == 60.0
    assert ours == theirs
    same(desk, "config", "client", "delete", "c", "-o", "path")
    same(desk, "config", "client", "delete", "a")
    same(desk, "config", "client", "delete", "b")
    for words in [["use", "b"], ["delete", "b"]]:
        done = same(desk, "config", "client", *words)
        assert done.code == 1
        assert done.err.startswith("Error: File not found. Verify the path and retry. Details: ")
    same_files(desk)


def test_exporters_are_made_listed_and_deleted_alike(desk):
    same(desk, "config", "exporter", "create", "one", *EXPORTER, "--nointeractive")
    same(desk, "config", "exporter", "create", *EXPORTER, "--nointeractive", "-k", "-o", "path")
    same_files(desk)
    ours, theirs = desk.both("config", "exporter", "list")
    assert sorted(ours.out.splitlines()) == sorted(theirs.out.splitlines())
    same(desk, "config", "exporter", "delete", "one", "-o", "path")
    # What the Python client shows as an exception is an error here.
    for words in [["create", "default", *EXPORTER, "--nointeractive"], ["delete", "no-such"]]:
        ours, theirs = desk.both("config", "exporter", *words)
        assert ours.code == theirs.code == 1
        assert ours.err.removeprefix("Error: ").strip() in theirs.err


def test_settings_that_cannot_be_used_end_alike(desk):
    """With the same exit code; the Python client's words come from its library."""
    good = "metadata: {namespace: lab, name: me}\n"
    for text in [
        "kind: Other\n" + good,
        "apiVersion: v1\n" + good,
        good + "surprise: 1\n",
        good + "drivers: {allowed: []}\n",
        good + "leases: {dial_timeout: no}\n",
        good + "leases: {acquisition_timeout: 4}\n",
        good + "tls: {insecure: perhaps}\n",
        "metadata: {namespace: lab}\n",
        "metadata: me\n",
        good + "endpoint: [a]\n",
        good + "grpcOptions: {a: {b: c}}\n",
        "[]\n",
        "",
        "{",
    ]:
        desk.write("clients/bad.yaml", text)
        ours, theirs = desk.both("get", "leases", "--client", "bad")
        assert (ours.code, ours.out) == (theirs.code, theirs.out) == (1, ""), text
        file = "`HOME/.config/jumpstarter/clients/bad.yaml`"
        assert ours.err.startswith(f"Error: Failed to load config: {file}: ")
        assert theirs.err.startswith("Error: Failed to load config: ")
        assert ours.err.count("\n") == 1


def test_settings_that_are_missing_are_told_alike(desk):
    for words in [
        ["get", "leases", "--client", "no-such"],
        ["get", "leases", "--client-config", "/no/such.yaml"],
        ["get", "leases"],
        ["create", "lease", "-l", "a=b", "--duration", "1h"],
        ["auth", "status"],
    ]:
        done = same(desk, *words)
        assert done.code == 1, done
    ours, theirs = desk.both("shell", "--client", "no-such", "--", "true")
    assert (ours.code, ours.err.splitlines()[-1]) == (theirs.code, theirs.err.splitlines()[-1])


def test_the_environment_fills_gaps_alike(desk):
    desk.write("clients/gaps.yaml", "metadata: {namespace: lab}\nendpoint: there:1\n")
    env = {"JMP_NAME": "me", "JMP_TOKEN": token(exp=1), "JMP_ENDPOINT": "here:1"}
    said = same(desk, "auth", "status", "--client", "gaps", env=env).out
    assert "EXPIRED" in said
    env = {"JMP_NAME": "me", "JMP_NAMESPACE": "lab", "JMP_TOKEN": token(exp=1)}
    assert same(desk, "auth", "status", env=env).out == said


STATUS = [
    {},
    {"exp": 1},
    {"exp": time.time() + 200},
    {"exp": time.time() + 1800, "sub": "me"},
    {"exp": time.time() + 500_000, "sub": "me", "iss": "https://i"},
    {"exp": int(time.time()) + 500_000, "iat": 5, "auth_time": 7, "sub": "me"},
]


@pytest.mark.parametrize("claims", STATUS, ids=lambda claims: "+".join(claims) or "nothing")
def test_the_state_of_a_token_is_told_alike(desk, claims):
    text = f"metadata: {{namespace: lab, name: me}}\ntoken: {token(**claims)}\n"
    desk.write("clients/me.yaml", text)
    desk.write("clients/again.yaml", text + "refresh_token: r\n")
    for words in [["--client", "me"], ["--client", "me", "-v"], ["--client", "again", "--verbose"]]:
        for done in (said := desk.both("auth", "status", *words)):
            assert done.code == 0
        ours, theirs = (without_seconds(done.out) for done in said)
        assert ours == theirs


def without_seconds(text):
    """A second may pass between two questions."""
    return [line.split("(")[0] for line in text.splitlines()]


def test_no_token_at_all(desk):
    desk.write("clients/me.yaml", "metadata: {namespace: lab, name: me}\n")
    same(desk, "auth", "status", "--client", "me")
    for words in [["rotate"], ["refresh"]]:
        done = same(desk, "auth", *words, "--client", "me")
        assert done.code == 1
    text = f"metadata: {{namespace: lab, name: me}}\ntoken: {token(exp=1)}\n"
    desk.write("clients/me.yaml", text)
    done = same(desk, "auth", "rotate", "--client", "me")
    assert (done.code, "Cannot rotate" in done.err) == (1, True)


def test_who_is_asked_says_the_same(desk):
    for kind in WHO:
        done = desk.jmp(kind, "config", "client", "create", "lab")
        assert (done.code, done.err.splitlines()[-1]) == (1, "Aborted!")
