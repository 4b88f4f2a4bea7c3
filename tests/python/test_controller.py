"""Our client beside the Python one: the same files, the same controller, the same answers.

What differs on purpose is said in each story. Tables are compared whole, documents after reading.
"""

import itertools
import json
import re

import pytest
import yaml
from controller import WHO, lab


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with lab(tmp_path_factory.mktemp("lab")) as (controller, desk):
        yield controller, desk


@pytest.fixture
def controller(running):
    return running[0]


@pytest.fixture
def desk(running):
    """Both at home, as `me`, with no leases."""
    controller, desk = running
    desk.clear()
    for name in ["me", "you"]:
        desk.write(f"clients/{name}.yaml", (controller.folder / f"{name}.yaml").read_text())
    desk.write("config.yaml", "config: {current-client: me}\n")
    for name in ["me", "you"]:
        desk.jmp("ours", "delete", "leases", "--all", "--client", name)
    return desk


# The name of a lease is never used again.
numbers = itertools.count(100)


def fresh(name):
    return f"{name}-{next(numbers)}"


def lease(desk, name, *options, client="me"):
    """A lease that both can look at; its name."""
    name = fresh(name)
    words = ["create", "lease", "--client", client, "--lease-id", name, "--duration", "41d"]
    done = desk.jmp("ours", *words, *options)
    assert done.code == 0, done.err
    return name


# What only newer releases than 0.9.0 say of a lease.
NEWER = {"context"}


def same(desk, *words, env=None):
    """Both say the same; what that is. Documents are read: labels have no order."""
    said = desk.both(*words, env=env)
    ours, theirs = said
    for output, parse in [("json", json.loads), ("yaml", yaml.safe_load)]:
        if output in words:
            assert (ours.code, ours.err) == (theirs.code, theirs.err) == (0, "")
            mine, yours = without_newer(parse(ours.out)), parse(theirs.out)
            assert mine == yours
            assert order(mine) == order(yours)
            return ours
    assert ours == theirs
    return ours


def without_newer(value):
    if isinstance(value, dict):
        return {k: without_newer(v) for k, v in value.items() if k not in NEWER}
    return [without_newer(item) for item in value] if isinstance(value, list) else value


def order(value):
    """The keys in their order; labels, tags and the like have none."""
    if isinstance(value, list):
        return [order(item) for item in value]
    if not isinstance(value, dict):
        return None
    free = ("labels", "tags", "deprecated_labels", "lastTransitionTime")
    return [(key, order(item) if key not in free else None) for key, item in value.items()]


def same_refusal(desk, code, *words, says, env=None):
    """Both refuse with the same exit code and the same words."""
    for done in desk.both(*words, env=env):
        assert (done.code, done.out) == (code, ""), done
        assert says in done.err, done


# --- what there is

EXPORTERS = [
    [],
    ["--with", "online,leases"],
    ["--with", " Online ", "--with", "leases,,online"],
    ["--selector", "board=imx8"],
    ["-l", "board in (imx8, rpi4)", "-l", "rack=a"],
    ["-l", "!board"],
    ["--allow-disabled"],
    ["--show-hidden-labels"],
    ["-o", "name"],
    ["-o", "json"],
    ["-o", "yaml"],
    ["-o", "json", "--with", "online,leases"],
    ["-o", "json", "--with", "online,status"],
    ["-o", "yaml", "--with", "online", "--allow-disabled"],
]


@pytest.mark.parametrize("options", EXPORTERS, ids=" ".join)
def test_exporters_are_shown_alike(desk, options):
    wait_for_lease(desk, lease(desk, "one", "-l", "board=rpi4"))
    said = same(desk, "get", "exporters", *options)
    assert said.code == 0
    assert said.out


def test_the_status_of_a_leased_exporter_is_kept(desk):
    # The Python client forgets it beside leases.
    table = same(desk, "get", "exporters", "--with", "status").out
    assert "AVAILABLE" in table
    ours, theirs = desk.both("get", "exporters", "--with", "status,leases")
    assert ours.out.replace("AVAILABLE", "UNKNOWN").split() == theirs.out.split()


LEASES = [
    [],
    ["-a", "-A"],
    ["-l", "board=rpi4"],
    ["-l", "board=doesnotexist"],
    ["--tag-filter", "build=7"],
    ["-o", "name"],
    ["-A", "-o", "name"],
    ["-o", "json"],
    ["-o", "yaml"],
    ["-o", "json", "-A", "-a"],
]


def wait_for_lease(desk, name):
    for _ in range(200):
        leases = json.loads(desk.jmp("ours", "get", "leases", "-A", "-o", "json").out)
        if name in {lease["name"] for lease in leases["leases"] if lease["exporter"]}:
            return
    raise AssertionError(name)


@pytest.mark.parametrize("options", LEASES, ids=" ".join)
def test_leases_are_shown_alike(desk, options):
    one = lease(desk, "one", "-l", "board=rpi4", "--tag", "build=7", "--tag", "who=ci")
    lease(desk, "waits", "-l", "board=rpi4")
    for name in [one, lease(desk, "theirs", "-l", "board=imx8", client="you")]:
        wait_for_lease(desk, name)
    said = same(desk, "get", "leases", *options)
    assert said.code == 0


def test_a_narrow_terminal(desk):
    wait_for_lease(desk, lease(desk, "one", "-l", "board=rpi4,rack", "--tag", "build=7"))
    for columns in ["80", "40"]:
        for words in [["get", "leases"], ["get", "exporters", "--with", "leases"]]:
            same(desk, *words, env={"COLUMNS": columns})


def test_nothing_there(desk):
    assert same(desk, "get", "leases").out == "No resources found.\n"
    assert same(desk, "get", "leases", "-o", "name").out == ""
    assert same(desk, "get", "exporters", "-l", "no=such").out == "No resources found.\n"


def test_other_spellings(desk):
    for words in [["get", "exporter"], ["g", "leases"], ["get", "lease"]]:
        assert same(desk, *words).code == 0


# --- what is made, changed and ended

# Nobody holds an exporter yet, or one of the two would have to wait for the other.
LATER = ["--begin-time", "2040-01-01 08:00"]


def test_a_lease_is_made_alike(desk):
    for output in [["-o", "json"], ["-o", "yaml"], []]:
        words = ["create", "lease", "-l", "board=imx8", "--duration", "90m", "--tag", "a=b"]
        same(desk, *words, *LATER, "--lease-id", fresh("new") + "-WHO", *output)
    words = ["create", "lease", "-n", "bench-1", "--duration", "PT1H"]
    same(desk, *words, "--begin-time", "2040-01-01", "--lease-id", fresh("begins") + "-WHO")
    ours, theirs = desk.both("create", "leases", "-l", "rack=a", "--duration", "1d", "-o", "name")
    assert (ours.code, theirs.code) == (0, 0)
    assert len(ours.out) == len(theirs.out) == 37


def test_a_lease_is_changed_alike(desk):
    name = fresh("l") + "-WHO"
    words = ["-l", "board=rpi4", "--duration", "1h", "--lease-id", name]
    same(desk, "create", "lease", *words, *LATER)
    same(desk, "update", "lease", name, "--duration", "2h", "-o", "json")
    same(desk, "update", "leases", name, "--duration", "2 days, 01:30:00")
    for kind in WHO:
        one = desk.jmp(kind, "create", "lease", "-l", "rack", "--duration", "1h", "-o", "name")
        one = one.out.strip()
        done = desk.jmp(kind, "update", "lease", one, "--to-client", "you", "-o", "json")
        assert (done.code, json.loads(done.out)["client"]) == (0, "you"), done
        done = desk.jmp(kind, "update", "lease", one, "--duration", "3h", "-o", "name")
        assert (done.code, done.out) == (1, ""), done
        words = ["update", "lease", one, "--duration", "3h", "--client", "you", "-o", "name"]
        assert desk.jmp(kind, *words).out == one + "\n"


def test_a_lease_begins_at_another_time(desk):
    # The Python client cannot say so: its library refuses the name of the field.
    name = lease(desk, "later", "-l", "board=rpi4", *LATER)
    words = ["update", "lease", name, "--begin-time", "2041-01-01T00:00:00Z", "-o", "json"]
    done = desk.jmp("ours", *words)
    assert (done.code, json.loads(done.out)["begin_time"][:4]) == (0, "2041"), done


def test_leases_are_deleted_alike(desk):
    def make(kind):
        words = ["create", "lease", "-l", "board=rpi4", "--duration", "1h", "-o", "name"]
        done = desk.jmp(kind, *words)
        assert done.code == 0, done
        return done.out.strip()

    for kind in WHO:
        one, two = make(kind), make(kind)
        done = desk.jmp(kind, "delete", "leases", two, one)
        assert (done.code, done.out) == (0, f'lease "{two}" deleted\nlease "{one}" deleted\n')
        one = make(kind)
        done = desk.jmp(kind, "delete", "lease", one, "-o", "name")
        assert (done.code, done.out) == (0, f"{one}\n")
        for options in [["-l", "board=rpi4"], ["--all"], ["-A"], ["-a", "-A"]]:
            one = make(kind)
            done = desk.jmp(kind, "del", "leases", *options)
            assert (done.code, done.out) == (0, f'lease "{one}" deleted\n'), done
    for options in [["--all"], ["-l", "a=b"], ["-A"]]:
        done = same(desk, "delete", "leases", *options)
        assert (done.code, done.err) == (1, "Error: no leases found matching the criteria\n")
    assert same(desk, "delete", "leases").code == 1


# --- what is refused

USAGE = [
    ["get", "exporters", "--with", "colour"],
    ["get", "exporters", "-o", "table"],
    ["get", "leases", "--nonsense"],
    ["get", "nothing"],
    ["create", "lease", "--duration", "1h"],
    ["create", "lease", "-l", "a=b"],
    ["create", "lease", "-l", "a=b", "--duration", "soon"],
    ["create", "lease", "-l", "a=b", "--duration", "1h", "--begin-time", "later"],
    ["create", "lease", "-l", "a=b", "--duration", "1h", "--tag", "untold"],
    ["update", "lease", "x"],
    ["update", "lease"],
    ["update", "lease", "x", "--duration", "x"],
    ["delete", "leases", "-o", "json"],
    ["get", "leases", "--client", "me", "--client-config", "/x"],
    ["config", "client", "create"],
    ["config", "client", "use"],
    ["config", "exporter", "create", "a/b"],
]


@pytest.mark.parametrize("words", USAGE, ids=" ".join)
def test_mistakes_are_told_alike(desk, words):
    ours, theirs = desk.both(*words)
    assert ours.code == theirs.code == 2
    last = [said.err.strip().splitlines()[-1] for said in (ours, theirs)]
    assert last[0] == last[1]
    assert ours.out == ""


GROUPS = [["auth"], ["config"], ["config", "client"], ["get"]]


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_groups_show_their_help(desk, words):
    for done in desk.both(*words):
        assert (done.code, done.out) == (2, "")
        assert done.err.lstrip().startswith("Usage: ") or "\nUsage: " in done.err


# The MINE and THEIRS that are there.
REFUSED = [
    ["create", "lease", "-l", "a in b", "--duration", "1h"],
    ["create", "lease", "-l", "rack=a", "--duration=-5"],
    ["create", "lease", "-l", "rack=a", "--duration", "0"],
    ["create", "lease", "-l", "rack=a", "--duration", "1h", "--lease-id", "Not A Name"],
    ["create", "lease", "-l", "rack=a", "--duration", "1h", "--tag", "-=x"],
    ["delete", "leases", "no-such"],
    ["update", "lease", "no-such", "--duration", "1h"],
    ["delete", "leases", "THEIRS"],
    ["update", "lease", "THEIRS", "--duration", "1h"],
    ["update", "lease", "MINE", "--to-client", "nobody"],
    ["get", "exporters", "-l", "a in b"],
    ["get", "leases", "--tag-filter", "a in b"],
    ["create", "lease", "-l", "rack=a", "--duration", "1h", "--lease-id", "MINE"],
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_the_controller_refuses_is_told_alike(desk, words):
    names = {
        "MINE": lease(desk, "mine", "-l", "board=rpi4"),
        "THEIRS": lease(desk, "theirs", "-l", "board=imx8", client="you"),
    }
    ours, theirs = desk.both(*(names.get(word, word) for word in words))
    assert ours.code == theirs.code, (ours, theirs)
    # The Python client shows an exception of its library in the middle.
    found = re.search(r'status = StatusCode\.(\w+)\s+details = "(.*)"\n', theirs.err)
    if found:
        assert ours.err == f"Error: grpc error (Caused by: {found[1]}: {found[2]})\n"
    else:
        assert ours.err == theirs.err
        assert ours.out == theirs.out


def test_a_token_nobody_knows(desk):
    text = desk.read("ours", "clients/me.yaml")
    desk.write("clients/odd.yaml", re.sub(r"(?m)^token: .*", "token: e30.e30.e30", text))
    same_refusal(desk, 1, "get", "leases", "--client", "odd", says="failed to authenticate token")
    desk.write("clients/none.yaml", re.sub(r"(?m)^token: .*", "", text))
    same_refusal(
        desk, 1, "get", "leases", "--client", "none",
        says="Error: endpoint or token not set in client config",
    )


# --- shells

def test_a_shell_finds_the_same(desk):
    script = "echo $JMP_EXPORTER $JMP_EXPORTER_LABELS $JMP_DRIVERS_ALLOW; j power read; exit 7"
    for words in [["-l", "board=imx8"], ["-n", "bench-2"], ["-n", "bench-2", "--duration", "5m"]]:
        ours, theirs = desk.both("shell", *words, "--", "sh", "-c", script)
        # The Python client logs there, too.
        lines = theirs.out.splitlines()
        printed = [line for line in lines if "bench-2 board" in line or "voltage=" in line]
        assert (ours.code, ours.out.splitlines()) == (theirs.code, printed), (ours, theirs)
        assert ours.code == 7
        # All that went well, and nobody is told of connections.
        assert "WARNING" not in ours.err
    assert desk.jmp("ours", "get", "leases").out == "No resources found.\n"


def test_a_lease_that_is_there_is_used_and_kept_alike(desk):
    name = lease(desk, "kept", "-l", "board=rpi4")
    wait_for_lease(desk, name)
    for words, env in [([], {}), (["--lease", name], {}), ([], {"JMP_LEASE": name})]:
        for done in desk.both("shell", *words, "--", "sh", "-c", "echo $JMP_LEASE", env=env):
            assert (done.code, name in done.out.split()) == (0, True), done
    assert name in desk.jmp("ours", "get", "leases", "-o", "name").out


def test_shells_that_cannot_begin_end_alike(desk):
    mine = [lease(desk, "mine", "-l", "board=rpi4", *LATER) for _ in range(2)]
    theirs = lease(desk, "theirs", "-l", "board=imx8", client="you")
    over = lease(desk, "over", "-l", "board=rpi4")
    wait_for_lease(desk, over)
    assert desk.jmp("ours", "delete", "leases", over).code == 0
    for words, code, says in [
        ([], 2, "multiple active leases found:"),
        ([], 2, f"  {mine[0]} (selector=board=rpi4"),
        (["--lease", "no-such"], 1, 'leases.jumpstarter.dev "no-such" not found'),
        (["--lease", theirs], 1, "belongs to client 'you', not the current client 'me'"),
        (["-n", "no-such"], 1, "the lease cannot be satisfied: "),
        (["-l", "board=no-such"], 1, "the lease cannot be satisfied: "),
        (["-l", "a in b"], 1, "invalid selector: "),
    ]:
        for done in desk.both("shell", *words, "--", "true"):
            assert (done.code, says in done.err) == (code, True), (words, done)
    # Of a newer release.
    done = desk.jmp("ours", "shell", "--lease", over, "--", "true")
    assert (done.code, done.err) == (1, f"Error: lease {over} has already ended\n")
    for name in mine:
        assert desk.jmp("ours", "delete", "leases", name).code == 0
    done = same(desk, "shell", "--", "true")
    assert (done.code, "no active leases found" in done.err) == (2, True)


def test_a_token_is_rotated_alike(desk, controller):
    for kind in WHO:
        file = controller.folder / f"rotated-{kind}.yaml"
        controller.admin("client", "create", f"rotated-{kind}", "--unsafe", "--out", file)
        text = file.read_text()
        desk.write("clients/rotated.yaml", text)
        done = desk.jmp(kind, "auth", "rotate", "--client", "rotated")
        assert done.code == 0, done
        expiry = r"[\d-]+ TIME UTC \(\d+h MINUTES remaining\)"
        assert re.fullmatch(f"Token rotated. New expiry: {expiry}\n", done.out)
        after = yaml.safe_load(desk.read(kind, "clients/rotated.yaml"))
        before = yaml.safe_load(text)
        assert after.pop("token") != before.pop("token")
        assert after == before
        assert desk.jmp(kind, "get", "leases", "--client", "rotated").code == 0
