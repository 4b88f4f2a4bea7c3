"""An identity provider over TLS that signs its tokens, and all ways of `jmp login` to one of them.

    password ─┐
    exchange ─┼─► /token ─► an access token, signed, and a refresh token
    code ─────┤             that is good once
    device ───┘
"""

import base64
import json
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

AUDIENCE = "jumpstarter-cli"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Refused(Exception):
    def __init__(self, error, why=""):
        super().__init__(error)
        self.answer = {"error": error} | ({"error_description": why} if why else {})


class Issuer:
    """One user, `alice` with the password `wonder`; ended with `end`."""

    def __init__(self, certs, lifetime=3600):
        self.lifetime = lifetime
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.codes = {}
        self.devices = {}
        self.refresh_tokens = set()
        self.one_at_a_time = threading.Lock()
        self.grants = []
        # Seconds before a token is given.
        self.pause = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"https://localhost:{self.server.server_port}"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs.cert, certs.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()

    def token(self, lifetime=None, **claims):
        """Signed, for alice."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "alice",
            "name": "alice",
            "iat": now,
            "exp": now + (self.lifetime if lifetime is None else lifetime),
            "jti": secrets.token_hex(8),
        } | claims
        head = {"alg": "ES256", "typ": "JWT", "kid": "first"}
        text = ".".join(b64(json.dumps(part).encode()) for part in (head, claims))
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def approve(self, **answer):
        """Somebody at a browser says yes to every device, or what `error` says."""
        for code in self.devices:
            self.devices[code] = answer.get("error")

    def _keys(self):
        point = self.key.public_key().public_numbers()
        x, y = (b64(number.to_bytes(32, "big")) for number in (point.x, point.y))
        key = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "first"}
        return {"keys": [key | {"x": x, "y": y}]}

    def _discovery(self):
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint": f"{self.url}/token",
            "authorization_endpoint": f"{self.url}/auth",
            "device_authorization_endpoint": f"{self.url}/device",
            "id_token_signing_alg_values_supported": ["ES256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }

    def _tokens(self, scope):
        answer = {"access_token": self.token(), "token_type": "Bearer", "expires_in": self.lifetime}
        if "offline_access" in scope.split():
            answer["refresh_token"] = secrets.token_hex(16)
            self.refresh_tokens.add(answer["refresh_token"])
        return answer

    def _grant(self, form):
        kind = form.get("grant_type", "")
        self.grants.append(kind.rsplit(":", 1)[-1])
        scope = form.get("scope", "openid offline_access")
        if kind == "password":
            if (form["username"], form["password"]) != ("alice", "wonder"):
                raise Refused("invalid_grant", "wrong name or password")
        elif kind == EXCHANGE:
            if form["subject_token"] != "of-the-pipeline":
                raise Refused("invalid_request", "who is that?")
        elif kind == "authorization_code":
            if self.codes.pop(form["code"], None) != form["redirect_uri"]:
                raise Refused("invalid_grant", "no such code")
        elif kind == "refresh_token":
            if form["refresh_token"] not in self.refresh_tokens:
                raise Refused("invalid_grant", "token was used before")
            self.refresh_tokens.remove(form["refresh_token"])
            # The next one, whatever else is asked for.
            scope = "offline_access"
        elif kind == DEVICE:
            if error := self.devices.get(form["device_code"], "expired_token"):
                raise Refused(error)
        else:
            raise Refused("unsupported_grant_type")
        return self._tokens(scope)

    def _open_device(self):
        code = secrets.token_hex(8)
        self.devices[code] = "authorization_pending"
        return {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/go",
            "interval": 0.1,
            "expires_in": 60,
        }

    def _handler(self):
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def _send(self, status, body, **headers):
                data = json.dumps(body).encode()
                self.send_response(status)
                headers = {"content-type": "application/json", **headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                url = urlsplit(self.path)
                query = dict(parse_qsl(url.query))
                if url.path == "/.well-known/openid-configuration":
                    self._send(200, issuer._discovery())
                elif url.path == "/keys":
                    self._send(200, issuer._keys())
                elif url.path == "/auth":
                    code = secrets.token_hex(8)
                    issuer.codes[code] = query["redirect_uri"]
                    back = urlencode({"code": code, "state": query["state"]})
                    self._send(302, {}, location=f"{query['redirect_uri']}?{back}")
                else:
                    self._send(404, {})

            def do_POST(self):
                length = int(self.headers.get("content-length", 0))
                form = dict(parse_qsl(self.rfile.read(length).decode()))
                if self.path == "/device":
                    self._send(200, issuer._open_device())
                    return
                try:
                    with issuer.one_at_a_time:
                        answer = issuer._grant(form)
                    time.sleep(issuer.pause)
                    self._send(200, answer)
                except Refused as refused:
                    self._send(400, refused.answer)

        return Handler
