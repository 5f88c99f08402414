"""The structure report on small houses: each rule can be broken, and a house that keeps them passes."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rustcode import graph, modules, report, source, workspace  # noqa: E402

GOOD = {
    "Cargo.toml": '[workspace]\nmembers = ["proto", "bridge"]\n',
    "proto/Cargo.toml": '[package]\nname = "teleinfo-proto"\n',
    "proto/src/lib.rs": "//! Bytes.\nmod tic;\npub use tic::Label;\n",
    "proto/src/tic/mod.rs": "//! From the meter.\nmod label;\nmod table;\npub use label::Label;\npub use table::find;\n",
    "proto/src/tic/label.rs": "//! A label.\n/// One label.\npub struct Label;\n",
    "proto/src/tic/table.rs": "//! All labels.\nuse super::Label;\n/// Finds one.\npub fn find() -> Label {\n    Label\n}\n",
    "bridge/Cargo.toml": '[package]\nname = "teleinfo-bridge"\n[dependencies]\nteleinfo-proto = { workspace = true }\n',
    "bridge/src/main.rs": "//! The door.\nfn main() {}\n",
}


def broken(changes: dict[str, str]) -> dict[str, list[str]]:
    """The rules that a house with these files breaks."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**GOOD, **changes}.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text)
        members = workspace.members(Path(folder))
        report.table(members)
        return {rule: places for rule, places in report.refusals(members).items() if places}


class Rules(unittest.TestCase):
    def test_a_good_house_breaks_none(self):
        self.assertEqual(broken({}), {})

    def test_two_files_that_import_each_other(self):
        found = broken({"proto/src/tic/label.rs": "//! A label.\nuse super::find;\npub struct Label;\nfn x() { find(); }\n"})
        self.assertEqual(found["circles of files"][0], "proto/src/tic/label.rs ↔ proto/src/tic/table.rs")

    def test_a_path_without_use_counts_too(self):
        found = broken({"proto/src/tic/label.rs": "//! A label.\npub struct Label;\nfn x() { crate::tic::find(); }\n"})
        self.assertIn("circles of files", found)

    def test_a_folder_module_and_its_file(self):
        found = broken(
            {
                "proto/src/tic/mod.rs": "//! M.\nmod table;\nconst A: u8 = 1;\nfn y() { table::find(); }\n",
                "proto/src/tic/table.rs": "//! T.\nuse super::A;\npub fn find() -> u8 { A }\n",
            }
        )
        self.assertIn("circles of files", found)

    def test_folders_without_a_circle_of_files(self):
        found = broken(
            {
                "proto/src/lib.rs": "//! Bytes.\nmod tic;\nmod wire;\n",
                "proto/src/wire/mod.rs": "//! W.\npub mod a;\npub mod b;\n",
                "proto/src/wire/a.rs": "//! A.\nuse crate::tic::find;\npub fn a() { find(); }\n",
                "proto/src/wire/b.rs": "//! B.\npub struct B;\n",
                "proto/src/tic/label.rs": "//! A label.\nuse crate::wire::b::B;\npub struct Label(B);\n",
            }
        )
        self.assertEqual(list(found), ["circles of folders"])
        self.assertEqual(found["circles of folders"][0], "proto/src/tic ↔ proto/src/wire")

    def test_tests_may_import_upwards(self):
        test = "#[cfg(test)]\nmod tests {\n    use super::super::find;\n}\n"
        self.assertEqual(broken({"proto/src/tic/label.rs": GOOD["proto/src/tic/label.rs"] + test}), {})

    def test_the_bridge_on_the_reader(self):
        found = broken(
            {
                "Cargo.toml": '[workspace]\nmembers = ["proto", "bridge", "reader"]\n',
                "reader/Cargo.toml": '[package]\nname = "teleinfo-reader"\n',
                "reader/src/lib.rs": "//! R.\n",
                "bridge/Cargo.toml": '[package]\nname = "teleinfo-bridge"\n[dependencies]\nteleinfo-reader = { path = "../reader" }\n',
            }
        )
        self.assertEqual(found, {"dependencies that are not allowed": ["teleinfo-bridge may not depend on teleinfo-reader"]})

    def test_a_file_without_words(self):
        self.assertIn("files that do not say what they are for", broken({"bridge/src/main.rs": "// No.\nfn main() {}\n"}))

    def test_a_function_of_more_than_a_screen(self):
        lines = "    let _ = 1;\n" * 60
        self.assertIn("functions that are too long", broken({"bridge/src/main.rs": f"//! D.\nfn main() {{\n{lines}}}\n"}))


class Reading(unittest.TestCase):
    def test_strings_and_comments_are_no_code(self):
        text = 'fn a() { let _ = ("fn b() {", \'{\', r#"fn c() "{"#); } // fn d() {\n/* fn e() {} */ fn f<\'a>(x: &\'a str) {}\n'
        self.assertEqual([function.name for function in source.Source("x.rs", text).functions()], ["a", "f"])

    def test_use_trees(self):
        paths = modules.expand("crate::a::{self, b as c, d::{e, *}}")
        self.assertEqual(
            paths, [(["crate", "a"], "a"), (["crate", "a", "b"], "c"), (["crate", "a", "d", "e"], "e"), (["crate", "a", "d", "*"], "*")]
        )

    def test_documented_items(self):
        text = "/// A.\n#[derive(Debug)]\npub struct A {\n    /// B.\n    pub b: u8,\n    pub c: u8,\n}\npub(crate) fn d() {}\n"
        self.assertEqual(source.Source("x.rs", text).public_items(), (3, 2))

    def test_floors(self):
        self.assertEqual(graph.floors({"a": {"b", "c"}, "b": {"c"}, "c": set()}), 3)
        self.assertEqual(graph.circles({"a": {"b"}, "b": {"a", "c"}, "c": set()}), [["a", "b"]])


if __name__ == "__main__":
    unittest.main()
