"""Programs of others that collect figures: Prometheus, which asks for them, and VictoriaMetrics, which is sent lines of
InfluxDB's protocol. Each keeps what it has in the directory of the test, and answers on loopback."""

import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from bench.process import Process, environment

LOCAL = "127.0.0.1"
# Asked often, and looked at often: nobody waits for a minute.
CONFIG = """global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - {{job_name: teleinfo, static_configs: [{{targets: ["{target}"]}}]}}
"""


class Collector(Process):
    def __init__(self, directory, name, port, *options):
        self.directory, self.address = pathlib.Path(directory), f"http://{LOCAL}:{port}"
        super().__init__(self.directory / f"{name}.log", name, *options, environment=environment())

    def ask(self, path, **words):
        with urllib.request.urlopen(f"{self.address}{path}?{urllib.parse.urlencode(words)}", timeout=10) as answer:
            return answer.read().decode()

    def is_there(self):
        try:
            return bool(self.ask("/-/ready"))
        except OSError:
            return False


class Prometheus(Collector):
    """With these rules, and one target."""

    def __init__(self, directory, target, rules):
        config = pathlib.Path(directory) / "prometheus.yml"
        config.write_text(CONFIG.format(target=target, rules=rules))
        options = [f"--config.file={config}", f"--storage.tsdb.path={directory}/prometheus"]
        super().__init__(directory, "prometheus", 9090, *options, f"--web.listen-address={LOCAL}:9090")

    def query(self, expression):
        """The series that an expression has now: labels and number of each."""
        try:
            found = json.loads(self.ask("/api/v1/query", query=expression))["data"]["result"]
        except urllib.error.HTTPError as error:
            return error.read().decode()
        return [(series["metric"], float(series["value"][1])) for series in found]


class VictoriaMetrics(Collector):
    def __init__(self, directory):
        options = [f"-storageDataPath={directory}/victoria", "-memory.allowedBytes=64MB"]
        super().__init__(directory, "victoria-metrics", 8428, *options, f"-httpListenAddr={LOCAL}:8428")

    def points(self, name, meter):
        """All that it has of a name: numbers by their times in ms."""
        text = self.ask("/api/v1/export", **{"match[]": f'{{__name__="{name}",meter="{meter}"}}'})
        series = [json.loads(line) for line in text.splitlines()]
        return {time: value for one in series for time, value in zip(one["timestamps"], one["values"], strict=True)}
