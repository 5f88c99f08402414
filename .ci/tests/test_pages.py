"""The check of twins on a small set of pages with one fault each."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.dont_write_bytecode = True

from pages import twins  # noqa: E402

ENGLISH = """# Meter

**English** · [Français](fr/meter.md)

The reader takes 0.5 s, see [why](why.md#because) and `PAPP`.

## Install

    apt install ./reader.deb      # on the Pi

| topic | what |
|---|---|
| `teleinfo/<meter>` | labels |

* One thing.
"""

FRENCH = """# Compteur

[English](../meter.md) · **Français**

Le lecteur prend 0,5 s, voir [pourquoi](why.md#parce-que) et `PAPP`.

## Installer

    apt install ./reader.deb      # sur le Pi

| topic | quoi |
|---|---|
| `teleinfo/<compteur>` | étiquettes |

* Une chose.
"""

MANUAL = '.TH X 1 2026-01-01\n.SH NAME\nx \\- read\n.SH OPTIONS\n.TP\n.BI \\-\\-config " FILE"\nUp to 64.\n'
MANUEL = '.TH X 1 2026-01-01\n.SH NOM\nx \\- lire\n.SH OPTIONS\n.TP\n.BI \\-\\-config " FICHIER"\nJusqu\'à 64.\n'

KEYS = '# Tout.\n# en: All.\n\n[led]\n# Le voyant, "off" ou 4.\n# en: The light, "off" or 4.\n#gpio = 4\n'

GOOD = {
    "docs/meter.md": ENGLISH,
    "docs/fr/meter.md": FRENCH,
    "docs/why.md": "# Why\n\n[Français](fr/why.md)\n\n## Because\n",
    "docs/fr/why.md": "# Pourquoi\n\n[English](../why.md)\n\n## Parce que\n",
    "docs/measurements.md": "# For contributors\n",
    "deploy/man/x.1": MANUAL,
    "deploy/man/fr/x.1": MANUEL,
    "deploy/etc/x.toml": KEYS,
}


def found(changes: dict[str, str | None]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = {path: text for path, text in {**GOOD, **changes}.items() if text is not None}
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return "\n".join(twins.check(root, sorted(files)))


class Twins(unittest.TestCase):
    def changed(self, file: str, old: str, new: str) -> str:
        self.assertIn(old, GOOD[file])
        return found({file: GOOD[file].replace(old, new)})

    def test_equal_twins(self):
        self.assertEqual(found({}), "")

    def test_a_page_without_a_twin(self):
        self.assertIn("docs/meter.md has no twin docs/fr/meter.md", found({"docs/fr/meter.md": None}))
        self.assertIn("docs/new.md has no twin", found({"docs/new.md": "# New\n"}))
        self.assertIn("docs/fr/meter.md is the twin of nothing", found({"docs/meter.md": None}))
        self.assertIn("deploy/man/x.1 has no twin", found({"deploy/man/fr/x.1": None}))

    def test_a_heading_without_a_twin_is_named(self):
        self.assertIn('"Install" has no twin in docs/fr/meter.md', self.changed("docs/fr/meter.md", "## Installer\n", ""))
        self.assertIn('"Installer" has no twin', self.changed("docs/fr/meter.md", "## Installer", "### Installer"))

    def test_code_is_the_same_but_for_its_comments(self):
        self.assertIn("./reader.deb", self.changed("docs/fr/meter.md", "./reader.deb", "./lecteur.deb"))

    def test_a_row_or_an_item_without_a_twin(self):
        more = ENGLISH.replace("| labels |\n", "| labels |\n| `teleinfo/state` | state |\n")
        self.assertIn("this row of 2 cells has no twin", found({"docs/meter.md": more}))
        self.assertIn('under "Installer": this item', self.changed("docs/fr/meter.md", "* Une chose.\n", "* Une chose.\n* Deux.\n"))

    def test_words_in_code_and_numbers_are_the_same(self):
        self.assertIn("`SINSTS`", self.changed("docs/meter.md", "`PAPP`", "`SINSTS`"))
        self.assertIn("'0.5'", self.changed("docs/fr/meter.md", "0,5", "0,6"))

    def test_a_link_leads_to_the_same_place_in_the_language_of_its_page(self):
        self.assertIn("docs/why.md#1", self.changed("docs/fr/meter.md", "why.md#parce-que", "why.md#pourquoi"))
        self.assertIn("in English", self.changed("docs/fr/meter.md", "why.md#parce-que", "../why.md#because"))

    def test_twins_link_each_other_at_the_top(self):
        self.assertIn("has no link to docs/fr/meter.md", self.changed("docs/meter.md", "[Français](fr/meter.md)", "Français"))

    def test_man_pages_have_the_same_sections_and_options(self):
        self.assertIn('"OPTIONS" has no twin', self.changed("deploy/man/fr/x.1", ".SH OPTIONS\n", ""))
        self.assertIn("config", self.changed("deploy/man/fr/x.1", "config", "configuration"))
        self.assertIn("'64'", self.changed("deploy/man/fr/x.1", "64", "46"))
        self.assertIn("2026-01-01", self.changed("deploy/man/fr/x.1", "2026-01-01", "2026-02-02"))

    def test_each_key_is_explained_in_both_languages(self):
        self.assertIn("led.gpio has no words in French", self.changed("deploy/etc/x.toml", '# Le voyant, "off" ou 4.\n', ""))
        self.assertIn("led.gpio has no words in English", self.changed("deploy/etc/x.toml", '# en: The light, "off" or 4.\n', ""))
        self.assertIn("off", self.changed("deploy/etc/x.toml", '# en: The light, "off"', '# en: The light, "on"'))


if __name__ == "__main__":
    unittest.main()
