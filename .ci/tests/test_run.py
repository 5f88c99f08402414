"""`.ci/run` itself: the table and the functions agree, a fault ends it, and what was not checked is said."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

CI = Path(__file__).resolve().parent.parent


def bash(script: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", script], cwd=CI.parent, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


class Run(unittest.TestCase):
    def test_every_step_has_a_function_and_every_function_a_step(self):
        listed = bash(".ci/run list").stdout.splitlines()[1:]
        steps = {line.split()[0].replace("-", "_") for line in listed}
        functions = {
            name for file in (CI / "steps").glob("*.sh") for name in re.findall(r"^step_(\w+)\(\)", file.read_text(), re.MULTILINE)
        }
        self.assertEqual(steps, functions)

    def test_an_unknown_step_is_refused(self):
        self.assertEqual(bash(".ci/run no-such-step").returncode, 64)

    def test_a_step_that_fails_ends_the_run(self):
        with tempfile.TemporaryDirectory() as folder:
            for program in ("cargo", "rustup"):
                (Path(folder) / program).write_text('#!/bin/sh\n[ "$1" != fmt ]\n')
                (Path(folder) / program).chmod(0o755)
            ended = bash(".ci/run format lints", PATH=f"{folder}:{os.environ['PATH']}")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("== FAILED: format", ended.stdout)
        self.assertNotIn("== lints", ended.stdout)

    def together(self, *steps: str, waiting: int = 9) -> subprocess.CompletedProcess:
        """Two at a time, played by a `.ci/run` whose steps are these lines of shell; those behind the first ones go on beside them."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / ".ci").mkdir()
            names = [f"s{number}" for number in range(len(steps))]
            together = " ".join([*names[:waiting], "--", *names[waiting:]])
            functions = "\n".join(f"step_{name}() {{ {step}; }}" for name, step in zip(names, steps, strict=True))
            run = f'#!/usr/bin/env bash\nset -euo pipefail\n. {CI}/steps/common.sh\n{functions}\nstep "$1"\n'
            (Path(folder) / ".ci/run").write_text(run)
            (Path(folder) / ".ci/run").chmod(0o755)
            script = f"set -euo pipefail; cd {folder}; . {CI}/steps/common.sh; together {together}; tell_what_was_not_checked"
            return bash(script)

    def test_two_steps_wait_at_the_same_time(self):
        meet = "touch {0}; for i in $(seq 100); do [ ! -e {1} ] || return 0; sleep 0.1; done; return 1"
        ended = self.together(meet.format("a", "b"), meet.format("b", "a"), "not_checked 'no list'")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        for said in "== ok: s0 ", "== ok: s1 ", "==   s2: no list":
            self.assertIn(said, ended.stdout)

    def test_what_only_works_goes_on_beside_those_that_wait_one_by_one(self):
        meet = "touch {0}; for i in $(seq 100); do [ ! -e {1} ] || return 0; sleep 0.1; done; return 1"
        ended = self.together(meet.format("a", "c"), meet.format("b", "c"), "[ ! -e c ]; touch d", "[ -e d ]; touch c", waiting=2)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        for number in range(4):
            self.assertIn(f"== ok: s{number} ", ended.stdout)

    def test_what_fails_beside_those_that_wait_ends_the_run(self):
        late = "for i in $(seq 100); do [ ! -e .ci/over ] || return 0; sleep 0.1; done"
        ended = self.together(late, late, "true", "touch .ci/over; return 3", "true", waiting=3)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("== FAILED: s3", ended.stdout)
        self.assertNotIn("== ok: s4", ended.stdout)

    def test_a_step_that_fails_beside_another_ends_the_run(self):
        ended = self.together("false", "sleep 1", "true", "true")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("== FAILED: s0", ended.stdout)
        self.assertIn("== ok: s1 ", ended.stdout)
        self.assertNotIn("s3", ended.stdout)

    def test_what_failed_is_said_once_more_at_the_end(self):
        ended = self.together("echo a wrong kWh; false", "sleep 1; echo all is well")
        said = ended.stdout.splitlines()
        self.assertEqual(said[-1], "== FAILED: s0", ended.stdout)
        end = said.index("== THE END OF WHAT FAILED: s0")
        self.assertIn("a wrong kWh", said[end:])
        self.assertGreater(end, next(at for at, line in enumerate(said) if line.startswith("== ok: s1 ")))

    def test_what_a_quick_run_cannot_check_is_said_at_the_end(self):
        ended = bash(
            "set -e; . .ci/steps/common.sh; INSTALL=no CURRENT=shell; have no-such-program false || true; tell_what_was_not_checked"
        )
        self.assertIn("NOT EVERYTHING WAS CHECKED", ended.stdout)
        self.assertIn("shell: no-such-program is missing", ended.stdout)

    def test_what_a_test_says_that_it_cannot_show_is_told_at_the_end_and_its_failure_ends_the_run(self):
        said = "echo seen; for i in 1 2; do echo NOT CHECKED: no twin >&2; done"
        run = "set -euo pipefail; . .ci/steps/common.sh; step_half() {{ listen_to bash -c '{}'; }}; step half; tell_what_was_not_checked"
        ended = bash(run.format(said))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("seen", ended.stdout)
        self.assertEqual(ended.stdout.count("half: no twin"), 1, ended.stdout)
        self.assertNotEqual(bash(run.format(f"{said}; exit 3")).returncode, 0)

    def test_a_step_that_could_not_check_all_is_not_called_ok(self):
        ended = bash("set -e; . .ci/steps/common.sh; step_half() { not_checked 'no list'; }; step_whole() { :; }; step half; step whole")
        self.assertIn("== not all of it checked: half", ended.stdout)
        self.assertIn("== ok: whole", ended.stdout)


class Documents(unittest.TestCase):
    """The check of documents on a small tree with one fault each."""

    GOOD = {
        "README.md": "# T\n\n[fr](README.fr.md)\n\n[map](docs/code-structure.md)\n\n## Try it\n\n    one\n\n    two\n\n## More\n",
        "README.fr.md": "# T\n\n[en](README.md)\n\n[plan](docs/code-structure.md)\n\n## L'essayer\n\n    one\n\n    two\n\n## Plus\n",
        "docs/code-structure.md": "# Map\n\n## `proto/`\n\n`tic/` is what the meter says. Begin with `tic/label.rs`.\n",
        "proto/src/lib.rs": "",
        "proto/src/tic/label.rs": "",
    }

    def found(self, changes: dict[str, str]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            tools = {f".ci/{path.relative_to(CI)}": path.read_text() for path in [CI / "documents", *(CI / "pages").glob("*.py")]}
            for path, text in {**self.GOOD, **tools, **changes}.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text)
            subprocess.run(["git", "init", "-q", folder], check=True)
            ended = subprocess.run(["python3", f"{folder}/.ci/documents"], capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 0 if "all right" in ended.stdout else 1)
        return ended.stdout.strip()

    def test_a_good_tree(self):
        self.assertEqual(self.found({}), "documents: all right")

    def test_a_link_that_leads_nowhere(self):
        self.assertIn("docs/other.md leads nowhere", self.found({"CHANGELOG.md": "[other](docs/other.md)\n"}))
        self.assertIn("no heading #mop", self.found({"CHANGELOG.md": "[other](docs/code-structure.md#mop)\n"}))

    def test_a_path_of_the_map_that_does_not_exist(self):
        text = self.GOOD["docs/code-structure.md"].replace("label.rs", "labels.rs")
        self.assertIn("`tic/labels.rs` (under proto) does not exist", self.found({"docs/code-structure.md": text}))

    def test_a_folder_that_the_map_does_not_name(self):
        self.assertIn("does not name proto/src/wire/", self.found({"proto/src/wire/mod.rs": ""}))

    def test_a_page_in_one_language_only(self):
        self.assertIn("docs/new.md has no twin docs/fr/new.md", self.found({"docs/new.md": "# New\n"}))

    def test_a_third_command(self):
        self.assertIn("3 commands", self.found({"README.md": self.GOOD["README.md"].replace("    two", "    two\n\n    three")}))


if __name__ == "__main__":
    unittest.main()
