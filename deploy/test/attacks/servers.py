"""Servers that do not behave: a broker that never acknowledges, and a Home Assistant that sends what it likes."""

import base64
import hashlib
import json
import socket
import struct
import threading

from attacks.house import LOCAL

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """A server with a thread for each client."""

    def __init__(self, port):
        self.listener = socket.create_server((LOCAL, port))
        self.port = port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.serve(client)
        except (OSError, EOFError):
            client.close()

    def close(self):
        self.listener.close()


def exactly(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


class MuteBroker(Server):
    """It takes all that is published, answers pings, and acknowledges nothing."""

    def serve(self, client):
        while True:
            kind, length = exactly(client, 1)[0] >> 4, self._length(client)
            body = exactly(client, length)
            if kind == 1:
                client.sendall(b"\x20\x02\x00\x00")
            elif kind == 8:
                client.sendall(b"\x90\x03" + body[:2] + b"\x01")
            elif kind == 12:
                client.sendall(b"\xd0\x00")

    @staticmethod
    def _length(client):
        value, shift = 0, 0
        while True:
            byte = exactly(client, 1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7


class HomeAssistant(Server):
    """Its websocket, as far as it goes to the registry, whose text is given: any bytes."""

    def __init__(self, port, registry):
        self.registry, self.asked = registry, 0
        self.first = None
        super().__init__(port)

    def serve(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        key = request[request.lower().index(b"sec-websocket-key") :].split(b"\r\n")[0].split(b": ")[1]
        accept = base64.b64encode(hashlib.sha1(key + GUID.encode()).digest()).decode()
        head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        client.sendall("\r\n".join([*head, f"Sec-WebSocket-Accept: {accept}", "", ""]).encode())
        self._send(client, {"type": "auth_required", "ha_version": "2026.11.0"})
        self.first = self._receive(client)
        self._send(client, {"type": "auth_ok", "ha_version": "2026.11.0"})
        while True:
            command = self._receive(client)
            if command["type"] == "config/entity_registry/list":
                self.asked += 1
                start = f'{{"id":{command["id"]},"type":"result","success":true,"result":'
                self._send_bytes(client, start.encode() + self.registry + b"}")
            else:
                self._send(client, {"id": command["id"], "type": "result", "success": True, "result": []})

    def _send(self, client, value):
        self._send_bytes(client, json.dumps(value).encode())

    @staticmethod
    def _send_bytes(client, data):
        if len(data) < 126:
            head = bytes([0x81, len(data)])
        elif len(data) < 65536:
            head = b"\x81\x7e" + struct.pack(">H", len(data))
        else:
            head = b"\x81\x7f" + struct.pack(">Q", len(data))
        client.sendall(head + data)

    @staticmethod
    def _receive(client):
        head = exactly(client, 2)
        length = head[1] & 127
        if length == 126:
            length = struct.unpack(">H", exactly(client, 2))[0]
        mask = exactly(client, 4)
        data = exactly(client, length)
        return json.loads(bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))


def registry_of(entities):
    """A registry as a big house has it: some 640 bytes an entity."""
    rest = {"area_id": None, "capabilities": {}, "options": {"conversation": {"should_expose": False}}, "x": "y" * 400}
    entry = {"platform": "zwave_js", "config_entry_id": "0" * 32} | rest
    own = {"unique_id": "{0}", "entity_id": "sensor.entity_{0}"}
    return json.dumps([entry | {k: v.format(n) for k, v in own.items()} for n in range(entities)]).encode()
