"""A reader and a bridge that know each other already: the files that a first contact leaves.

A first contact takes five seconds, and what a meter says before it is heard by nobody.
"""

# What their keys are made of, and the public keys that follow from it (RFC 9180, DeriveKeyPair).
READER = "01" * 32, "41852320ff367495fa522c94cb83af391e4e89018392725bbf2098dd931bc424"
BRIDGE = "02" * 32, "6080bbe51005ea9acc863580ce57317d46bef6333558d5bfa97e461342985005"
# The files of both that a full disk leaves as they are.
FILES = "key", "bridge", "readers"


def know_bridge(state):
    """For a reader's state directory."""
    _keep(state / "key", READER[0])
    _keep(state / "bridge", BRIDGE[1])


def know_reader(state):
    """For a bridge's: the reader has not said yet which meter it reads."""
    _keep(state / "key", BRIDGE[0])
    _keep(state / "readers", f"- {READER[1]}")


def _keep(file, text):
    file.touch(mode=0o600)
    file.write_text(f"{text}\n")
