"""Home Assistant's REST and WebSocket interfaces, with nothing but the standard library."""

import base64
import json
import os
import socket
import struct
import urllib.error
import urllib.parse
import urllib.request

HOST, PORT = "127.0.0.1", 8123
URL = f"http://{HOST}:{PORT}"
PATIENCE = 60


class Refused(Exception):
    """Home Assistant answered, and the answer is no."""


def rest(path, body=None, token=None, form=False, patience=PATIENCE):
    """One request; None when nobody answers."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        body = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(URL + path, body, headers), timeout=patience) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"{path}: {error.code} {error.read().decode(errors='replace')[:2000]}") from error
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


class WebSocket:
    """Commands with their answers, one after the other (RFC 6455, client side)."""

    def __init__(self, token):
        self.socket = socket.create_connection((HOST, PORT), PATIENCE)
        self.stream, self.number = self.socket.makefile("rb"), 0
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /api/websocket HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while self.stream.readline().strip():
            pass
        self.receive()
        self.send({"type": "auth", "access_token": token})
        answer = self.receive()
        if answer["type"] != "auth_ok":
            raise Refused(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def ask(self, command):
        self.number += 1
        self.send({**command, "id": self.number})
        while True:
            answer = self.receive()
            if answer.get("id") == self.number and answer["type"] == "result":
                break
        if not answer["success"]:
            raise Refused(f"{command['type']}: {answer['error']}")
        return answer["result"]

    def send(self, value):
        data = json.dumps(value).encode()
        # A mask of zeros is a mask.
        self.socket.sendall(struct.pack("!BBQ", 0x81, 0xFF, len(data)) + bytes(4) + data)

    def receive(self):
        message = b""
        while True:
            first, length = self.stream.read(2)
            if length > 125:
                size, form = (2, "!H") if length == 126 else (8, "!Q")
                (length,) = struct.unpack(form, self.stream.read(size))
            data = self.stream.read(length)
            if first & 0x0F in (0, 1):
                message += data
                if first & 0x80:
                    return json.loads(message)
