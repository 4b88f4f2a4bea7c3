"""What the Python client's adapters make of networks: browsers, pexpect, fabric."""

import socketserver
import time
from contextlib import closing
from urllib.parse import parse_qsl, urlparse

from jumpstarter_driver_network.adapters import FabricAdapter, NovncAdapter, PexpectAdapter
from network import Echo, tcp
from paramiko import AUTH_SUCCESSFUL, OPEN_SUCCEEDED, RSAKey, ServerInterface, Transport
from websocket import create_connection


def test_novnc_adapter(tcp):
    with NovncAdapter(client=tcp(Echo)) as url:
        place = dict(parse_qsl(urlparse(url).query))
        address = f"ws://{place['host']}:{place['port']}"
        with closing(create_connection(address, timeout=30)) as connection:
            connection.ping()
            connection.send_bytes(b"hello")
            assert connection.recv() == b"hello"


def test_pexpect_adapter(tcp):
    with PexpectAdapter(client=tcp(Echo)) as session:
        session.sendline("login:")
        session.expect("login:", timeout=30)


class Ssh(socketserver.BaseRequestHandler, ServerInterface):
    key = RSAKey.generate(2048)

    def handle(self):
        with closing(Transport(self.request)) as transport:
            transport.add_server_key(self.key)
            transport.start_server(server=self)
            while transport.is_active():
                time.sleep(0.05)

    def check_auth_password(self, username, password):
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind, chanid):
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        channel.sendall(b"you said " + command)
        channel.send_exit_status(0)
        channel.shutdown_write()
        return True


def test_fabric_adapter(tcp):
    with FabricAdapter(
        client=tcp(Ssh), user="root", connect_kwargs={"password": "secret"}
    ) as connection:
        assert connection.run("uptime", hide=True, in_stream=False).stdout == "you said uptime"
