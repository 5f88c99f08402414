"""Home Assistant's way to the page of an app: what its core and the Supervisor do to a request and to an answer.

As `components/hassio/ingress.py` of Home Assistant and `api/ingress.py` of the Supervisor do: the path has a prefix,
which is taken away and told in `X-Ingress-Path`; `Host` stays that of Home Assistant; the answer's encoding is not
handed on; what has no length, such as events, is streamed as it comes. The app sees the Supervisor's address.
"""

import contextlib
import http.client
import http.server
import threading

SUPERVISOR, NAME, PORT = "172.30.32.2", "homeassistant.local", 8123
PREFIX = "/api/hassio_ingress/q2Vd4yLk0rX1"
ADDRESS = f"http://{NAME}:{PORT}{PREFIX}/"
# The Supervisor's network, and where the browser finds Home Assistant.
ADDRESSES = f"{SUPERVISOR}/32", "172.30.32.1/32"
RESOLVE = f"--host-resolver-rules=MAP {NAME} {SUPERVISOR}"
NOT_ASKED = "content-length", "content-encoding", "transfer-encoding", "accept-encoding", "connection"
NOT_ANSWERED = "transfer-encoding", "content-length", "content-type", "content-encoding", "connection"


class Ingress(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, page):
        super().__init__((SUPERVISOR, PORT), Asked)
        self.page = page
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        headers = {key: value for key, value in self.headers.items() if key.lower() not in NOT_ASKED}
        headers |= {"X-Ingress-Path": PREFIX, "X-Forwarded-Host": self.headers["Host"], "X-Remote-User-Name": "owner"}
        page = http.client.HTTPConnection(*self.server.page, source_address=(SUPERVISOR, 0), timeout=60)
        with contextlib.closing(page), contextlib.suppress(ConnectionError, http.client.HTTPException):
            page.request("GET", self.path.removeprefix(PREFIX), headers=headers)
            self.hand_on(page.getresponse())

    def hand_on(self, answer):
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in NOT_ANSWERED:
                self.send_header(key, value)
        self.send_header("Content-Type", answer.getheader("Content-Type"))
        if answer.length is not None:
            body = answer.read()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while piece := answer.read1(65536):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def log_message(self, *_):
        pass
