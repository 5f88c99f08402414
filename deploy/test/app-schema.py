"""Asks the Supervisor's own code what it says of the app. `deploy/test/app` runs this with the Supervisor's Python.

app-schema.py FOLDER: it has `source` (a checkout), `app` (the repository of apps) and `options.json` (sets of options
that must be accepted, and refused). Ends with 1 if something is refused, dropped, or not told in both languages.
"""

import json
import logging
import os
import pathlib
import sys
from unittest.mock import MagicMock

folder = pathlib.Path(sys.argv[1])
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
sys.path.insert(0, str(folder / "source"))
logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")

import voluptuous  # noqa: E402
from supervisor.apps.options import AppOptions  # noqa: E402
from supervisor.apps.validate import SCHEMA_APP_CONFIG, SCHEMA_APP_TRANSLATIONS  # noqa: E402
from supervisor.store.data import _read_git_repository  # noqa: E402
from supervisor.utils.common import read_json_or_yaml_file  # noqa: E402
from voluptuous.humanize import humanize_error  # noqa: E402

LANGUAGES = "en", "fr"
bad = []


def accepted(what, schema, given):
    try:
        return schema(dict(given))
    except voluptuous.Invalid as error:
        bad.append(f"{what} is refused: {humanize_error(given, error)}")
        return None


repository = _read_git_repository(folder / "app")
if repository is None:
    bad.append("no repository is found")
configs = [file for kind in ("yaml", "yml", "json") for file in (folder / "app").glob(f"**/config.{kind}")]
if len(configs) != 1:
    bad.append(f"not one app: {configs}")
for file in configs:
    given = read_json_or_yaml_file(file)
    config = accepted(file, SCHEMA_APP_CONFIG, given)
    if config is None:
        continue
    bad += [f"{key} is dropped silently" for key in given if key not in config]
    for language in LANGUAGES:
        texts = accepted(
            language, SCHEMA_APP_TRANSLATIONS, read_json_or_yaml_file(file.parent / f"translations/{language}.yaml")
        )
        told = (texts or {}).get("configuration", {})
        bad += [f"{key} has no text in {language}" for key in config["schema"] if key not in told]
    options = AppOptions(MagicMock(), config["schema"], config["name"], config["slug"])
    sets = json.loads((folder / "options.json").read_text())
    for values, right in [
        (config["options"], True),
        *((v, True) for v in sets["accepted"]),
        *((v, False) for v in sets["refused"]),
    ]:
        try:
            print("accepted:", options.validate(dict(values)))
            if not right:
                bad.append(f"accepted, though wrong: {values}")
        except voluptuous.Invalid as error:
            print("refused:", values, "-", error)
            if right:
                bad.append(f"refused, though right: {values}")
    for name in ("DOCS.md", "CHANGELOG.md", "icon.png", "logo.png", "apparmor.txt"):
        if not (file.parent / name).exists():
            bad.append(f"{name} is not there")
print(*bad, sep="\n", file=sys.stderr)
sys.exit(bool(bad))
