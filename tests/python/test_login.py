"""`jmp login` with a person at a browser, and what becomes of tokens: a provider that signs, a
controller that looks at the signature.

Ways without a person are told elsewhere, of both clients.
"""

import base64
import re
import ssl
import stat
import urllib.request

import pytest
import yaml
from controller import Controller, Desk
from issuer import Issuer
from lab import Certs

KINDS = ["ours", "python"]


class Place:
    """A controller that trusts a provider, and somebody called alice."""

    def __init__(self, folder):
        self.certs = Certs(folder)
        self.issuer = Issuer(self.certs)
        jwt = {
            "issuer": {
                "url": self.issuer.url,
                "audiences": ["jumpstarter-cli"],
                "certificateAuthority": str(self.certs.ca),
            },
            "claimMappings": {"username": {"claim": "name", "prefix": "dex:"}},
        }
        self.controller = Controller(folder, authentication={"jwt": [jwt]})
        file = folder / "alice.yaml"
        words = ["client", "create", "alice", "--oidc-username", "dex:alice", "--unsafe"]
        self.controller.admin(*words, "--out", file)
        self.client = yaml.safe_load(file.read_text())
        # Whom both clients trust as login service and as provider.
        bundle = folder / "trusted.pem"
        ours = base64.b64decode(self.client["tls"]["ca"]).decode()
        bundle.write_text(self.certs.ca.read_text() + ours)
        self.trust = {"SSL_CERT_FILE": str(bundle), "REQUESTS_CA_BUNDLE": str(bundle)}
        self.desk = Desk(folder)
        # An exporter that never comes, for those who want to wait.
        self.controller.admin("exporter", "create", "ghost", "--label", "board=ghost")

    def end(self):
        self.desk.end()
        self.controller.end()
        self.issuer.end()

    @property
    def new(self):
        """The options for a new client."""
        words = ["--namespace", "lab", "--name", "alice", "--endpoint", self.controller.endpoint]
        return [*words, "--issuer", self.issuer.url, "--unsafe", "--nointeractive"]

    def trusting(self, kind, alias="default"):
        """Puts the controller's authority into a client's file, which no option can do."""
        config = self.config(kind, alias)
        config["tls"]["ca"] = self.client["tls"]["ca"]
        self.keep(kind, config, alias)

    def path(self, kind, alias="default"):
        return self.desk.homes[kind] / f".config/jumpstarter/clients/{alias}.yaml"

    def config(self, kind, alias="default"):
        return yaml.safe_load(self.path(kind, alias).read_text())

    def keep(self, kind, config, alias="default"):
        self.path(kind, alias).parent.mkdir(parents=True, exist_ok=True)
        self.path(kind, alias).write_text(yaml.safe_dump(config, sort_keys=False))

    def jmp(self, kind, *words, **env):
        return self.desk.jmp(kind, *words, env=self.trust | env)

    def works(self, kind, alias="default"):
        """The controller accepts the token."""
        done = self.jmp(kind, "get", "exporters", "--client", alias)
        assert (done.code, done.err) == (0, ""), done


@pytest.fixture(scope="module")
def module_place(tmp_path_factory):
    place = Place(tmp_path_factory.mktemp("login"))
    yield place
    place.end()


@pytest.fixture
def place(module_place):
    module_place.desk.clear()
    module_place.issuer.grants.clear()
    module_place.issuer.pause = 0
    return module_place


def browse(place, url):
    """What a browser does: the provider's page, and back to where it says."""
    context = ssl.create_default_context(cafile=place.trust["SSL_CERT_FILE"])
    with urllib.request.urlopen(url, context=context, timeout=30) as page:
        return page.status, page.read().decode()


def line_with(process, text):
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize("kind", KINDS)
def test_a_browser_comes_back(place, kind):
    opened = place.desk.open(kind, "login", *place.new, env=place.trust)
    url = line_with(opened, "Please open the URL in browser:").split(":  ")[1].strip()
    status, page = browse(place, url)
    assert (status, "Login successful, you can close this page" in page) == (200, True)
    out, err = opened.communicate(timeout=60)
    assert opened.returncode == 0, err
    assert out == "Set 'default' as the default client.\n"
    assert place.issuer.grants == ["authorization_code"]
    assert stat.S_IMODE(place.path(kind).stat().st_mode) == 0o600
    assert place.config(kind)["refresh_token"]
    place.trusting(kind)
    place.works(kind)


def test_a_device_is_confirmed_elsewhere(place):
    for words, env in [(["--device-flow"], {}), ([], {"JMP_OIDC_DEVICE_FLOW": "1"})]:
        place.desk.clear()
        opened = place.desk.open("ours", "login", *place.new, *words, env=place.trust | env)
        line_with(opened, f"  {place.issuer.url}/go")
        line_with(opened, "Then enter the code: WDJB-MJHT")
        line_with(opened, "Waiting for authentication...")
        place.issuer.approve()
        out, err = opened.communicate(timeout=60)
        assert (opened.returncode, out) == (0, "Set 'default' as the default client.\n"), err
        place.trusting("ours")
        place.works("ours")
    for error, says in [
        ("access_denied", "Error: Authorization request was denied by the user.\n"),
        ("expired_token", "Error: Device authorization has expired. Please try again.\n"),
    ]:
        place.desk.clear()
        opened = place.desk.open("ours", "login", *place.new, "--device-flow", env=place.trust)
        line_with(opened, "Waiting for authentication...")
        place.issuer.approve(error=error)
        _, err = opened.communicate(timeout=60)
        assert (opened.returncode, err) == (1, says)
        assert not place.path("ours").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_login_service_of_the_controller(place, kind):
    words = ["login", f"alice@{place.controller.endpoint}", "--nointeractive", "--unsafe"]
    done = place.jmp(kind, *words, "--username", "alice", "--password", "wonder")
    assert done.code == 0, done
    assert "Retrieved CA certificate from login service." in done.out
    config = place.config(kind, "alice")
    assert config["tls"] == {"ca": place.client["tls"]["ca"], "insecure": False}
    place.works(kind, "alice")


def test_a_wrong_password_is_told_and_nothing_is_written(place):
    words = ["--username", "alice", "--password", "looking-glass"]
    done = place.jmp("ours", "login", *place.new, *words)
    assert (done.code, done.err) == (1, "Error: invalid_grant: wrong name or password\n")
    assert "looking-glass" not in done.out + done.err
    assert not place.path("ours").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_refresh_token_is_good_once(place, kind):
    words = ["--username", "alice", "--password", "wonder"]
    assert place.jmp(kind, "login", *place.new, *words).code == 0
    before = place.config(kind)
    done = place.jmp(kind, "auth", "refresh")
    assert (done.code, done.out) == (0, "Access token refreshed.\n"), done
    after = place.config(kind)
    assert after["token"] != before["token"]
    place.trusting(kind)
    place.works(kind)
    place.keep(kind, place.config(kind) | {"refresh_token": "used-before"})
    done = place.jmp(kind, "auth", "refresh")
    assert done.code == 1
    assert "invalid_grant" in done.err


def test_an_expired_token_is_renewed_and_the_command_done(place):
    words = ["--username", "alice", "--password", "wonder"]
    assert place.jmp("ours", "login", *place.new, *words).code == 0
    place.trusting("ours")
    place.keep("ours", place.config("ours") | {"token": place.issuer.token(lifetime=-60)})
    done = place.jmp("ours", "get", "leases")
    assert (done.code, done.err) == (0, ""), done
    assert done.out.splitlines() == [
        "Token is expired, triggering re-authentication",
        "Re-authenticated, retrying...",
        "No resources found.",
    ]
    place.works("ours")


def test_ten_commands_at_once_keep_everything(place):
    """Each refreshes the token; none may lose what another has written."""
    words = ["--username", "alice", "--password", "wonder"]
    assert place.jmp("ours", "login", *place.new, *words).code == 0
    path = place.path("ours")
    path.write_text("# mine, and mine alone\n" + path.read_text())
    commands = [
        place.desk.open("ours", "auth", "refresh", env=place.trust) for _ in range(5)
    ] + [
        place.desk.open("ours", "config", "client", "use", "default") for _ in range(5)
    ]
    codes = []
    for command in commands:
        command.communicate(timeout=60)
        codes.append(command.returncode)
    # A refresh token is good once, so all but one or a few come too late; all files are whole.
    assert 0 in codes[:5] and codes[5:] == [0] * 5
    assert path.read_text().startswith("# mine, and mine alone\napiVersion: ")
    config = place.config("ours")
    assert config["refresh_token"] in place.issuer.refresh_tokens
    assert list(path.parent.iterdir()) == [path]


def test_clients_that_are_made_at_once_are_all_there(place):
    def create(name):
        words = ["config", "client", "create", name, "--namespace", "lab", "--name", name]
        return place.desk.open(
            "ours", *words, "--endpoint", "e:1", "--token", "t", "--allow", "", "--nointeractive"
        )

    names = [f"client-{number % 6}" for number in range(12)]
    made = [create(name) for name in names]
    codes = []
    for command in made:
        _, err = command.communicate(timeout=60)
        codes.append(command.returncode)
        if command.returncode:
            assert re.fullmatch(r"Error: A client with the name 'client-\d' already exists.\n", err)
    assert sorted(codes) == [0] * 6 + [1] * 6
    listed = place.desk.jmp("ours", "config", "client", "list")
    # The first of them is the current one.
    assert sum(line.startswith("*") for line in listed.out.splitlines()) == 1, listed.out
    assert len(listed.out.splitlines()) == 7


def test_a_token_that_expires_in_the_middle_is_replaced(place):
    """The lease of a shell is given back although its token has expired meanwhile."""
    words = ["--username", "alice", "--password", "wonder"]
    assert place.jmp("ours", "login", *place.new, *words).code == 0
    place.trusting("ours")
    place.keep("ours", place.config("ours") | {"token": place.issuer.token(lifetime=20)})
    shell = ["shell", "-l", "board=ghost", "--acquisition-timeout", "8", "--", "true"]
    opened = place.desk.open("ours", *shell, env=place.trust)
    out, err = opened.communicate(timeout=90)
    assert opened.returncode == 1, (out, err)
    assert "Token refreshed automatically." in out
    assert "acquisition timed out after 8 seconds" in err
    leases = place.controller.admin("lease", "get")
    assert "board=ghost" not in leases


def test_a_refresh_that_has_begun_is_not_lost_with_the_shell(place):
    """The provider has given the next refresh token already, and the last one is good for nothing."""
    words = ["--username", "alice", "--password", "wonder"]
    assert place.jmp("ours", "login", *place.new, *words).code == 0
    place.trusting("ours")
    place.keep("ours", place.config("ours") | {"token": place.issuer.token(lifetime=60)})
    place.issuer.pause = 7
    shell = ["shell", "-l", "board=ghost", "--acquisition-timeout", "5", "--", "true"]
    done = place.jmp("ours", *shell)
    assert done.code == 1, done
    assert "acquisition timed out after 5 seconds" in done.err
    assert "Token refreshed automatically." in done.out
    assert place.config("ours")["refresh_token"] in place.issuer.refresh_tokens
