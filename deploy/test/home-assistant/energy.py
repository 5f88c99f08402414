"""Every kWh that Home Assistant counts, hour by hour, whatever happens to meter, reader, bridge and broker: each one
that was drawn, none that was not."""

import random
import shutil
import time

from hours import HOUR, SPOKEN, Hours
from house import PATIENCE, check, known, unique
from older import lacks
from outage import access

from bench import trust
from bench.report import require, say
from bench.wait import wait_for, wait_for_all

# A meter of 2018 that has had other contracts: what each of its indexes has counted (Wh).
PAST = "--registers EASF01=15506794,EASF02=9861893,EASF03=826037,EASF04=514699,EASF05=442412,EASF06=265022"
# One that has just got its contract: a step back of its small indexes would count as another meter's reset.
YOUNG = "--registers EASF01=120,EASF02=90,EASF03=2400000"
# So long it takes at most until the bridge has looked at the statistics, in s.
CONTINUED = 300
# Six meters at twenty times their speed are too much for a busy machine: its Home Assistant says that it is behind.
BEHIND = "No ACK from MQTT server"
# So long it takes until another number of a register is believed, in s of a meter's own time.
UNSURE = 8
# What changes at each meter, in the middle of which hour: name -> its options, changes, in both modes.
CHANGES = {
    "historic-standard": (f"--mode historic --contract hc {PAST}", {1: "standard", 3: "historic"}),
    "tempo-hc-tempo": (f"--mode historic --contract tempo {PAST}", {1: "hc", 3: "tempo"}),
    "hc-own-standard-historic": (f"--mode historic --contract hc {PAST}", {1: "weekend", 2: "standard", 3: "historic"}),
    "base-is-the-total": (f"--mode historic --contract base {PAST}", {1: "weekend", 3: "base"}),
    "standard-tempo-hc-tempo": (f"--mode standard --contract tempo {PAST}", {1: "hc", 3: "tempo"}),
    "one-night": (f"--mode historic --contract base {PAST}", {2: "tempo standard"}),
}


@check("usual", moving=True)
def ordinary_hours(house):
    """Nothing happens: this is how the others count."""
    hours = Hours(house)
    house.chain.bridge()
    hours.meter("hc", "900061000101", f"--mode historic --contract hc {PAST}")
    hours.play(3)
    require_right(hours)
    house.quiet()


@check("usual", moving=True)
def changes_of_contract_and_mode(house):
    """One total that never lies, and indexes that end with their meaning."""
    hours = Hours(house)
    house.chain.bridge()
    for number, (name, (options, changes)) in enumerate(CHANGES.items()):
        hours.meter(name, f"9000610002{number:02}", options, changes)
    hours.play(5)
    require_right(hours)
    house.quiet(but=BEHIND)


@check("usual", moving=True)
def contract_that_comes_back(house):
    """Tempo, then off-peak hours until Home Assistant has deleted what its statistics of Tempo go on from, then Tempo
    again. None of its energies shows all that was ever counted."""
    hours = Hours(house)
    house.chain.bridge()
    for number, mode in enumerate(("historic", "standard")):
        there_and_back = {1: "hc", 4: "tempo"}
        hours.meter(mode, f"90006100085{number}", f"--mode {mode} --contract tempo {PAST}", there_and_back)
    hours.play(2)
    hours.speak()
    hours.pass_days()
    hours.play(3)
    require_right(hours)
    house.quiet()


@check("usual", moving=True)
def silence_of_many_days(house):
    """The bridge is away until Home Assistant has deleted what the statistics of all its energies go on from. They
    would begin at nothing, and the hour of the return would show all that was ever counted, with a minus."""
    hours, chain = begin_young(house)
    hours.play(3)
    hours.speak()
    chain.stop("bridge")
    hours.pass_days()
    come_back(hours)
    hours.play()
    require(list(faults(hours, hours.meters[0])), "Home Assistant has forgotten nothing")
    wait_for("the statistics go on", lambda: "were counted before it was silent" in chain.said("bridge"), CONTINUED, 1)
    wait_for_all("the statistics go on", lambda: list(faults(hours, hours.meters[0])), CONTINUED, 5)
    hours.play()
    require_right(hours)


@check("usual", moving=True)
def another_meter_after_a_change(house):
    """A meter that appears after another one's contract has changed takes none of its entities."""
    hours = Hours(house)
    house.chain.bridge()
    hours.meter("first", "900061000301", f"--mode historic --contract tempo {PAST}", {1: "base"})
    hours.play(2)
    hours.meter("second", "900061000302", "--mode historic --contract tempo --registers EASF01=22333933,EASF02=9000000")
    hours.play(2)
    require_right(hours)


@check("usual", moving=True)
def meter_exchanged(house):
    """Another meter stands for itself, unless the configuration says whose place it takes."""
    hours = Hours(house)
    house.chain.meters = {"900061000403": {"continues": "900061000402"}}
    house.chain.bridge()
    hours.meter("alone", "900061000400", f"--mode standard --contract hc {PAST}", {1: "900061000401"})
    # Statistics hang on the entity id.
    if not lacks(house.ha, "entity ids come back"):
        hours.meter("continues", "900061000402", f"--mode standard --contract hc {PAST}", {1: "900061000403"})
    hours.play()
    hours.speak()
    # What a meter drew before Home Assistant knew its entity is in no hour.
    hours.meters[0].lost.add(hours.hour())
    # The old meter lets go of its total some seconds before the new one takes it. A meter that stands still is offline.
    for meter in hours.meters:
        meter.thaw()
    totals = [unique(meter.address, "energy_total") for meter in hours.meters if meter.name == "continues"]
    house.wait("the total of both meters", dict.fromkeys(totals, known), PATIENCE)
    for meter in hours.meters:
        meter.freeze()
    hours.settle()
    hours.pass_on()
    hours.play(2)
    require_right(hours)


@check("short", moving=True)
def power_cuts(house):
    """The bridge's host loses power: nothing is left in memory, and the disk is as it was at an earlier moment. The
    last time the broker loses its memory as well."""
    hours, chain = begin_young(house)
    chance = random.Random(1)
    for cut in range(3):
        disks = []
        for _ in range(2):
            hours.speak()
            disks.append(copy(chain, f"disk-{cut}-{len(disks)}"))
            hours.pass_on()
        chain.kill("bridge")
        if cut == 2:
            forget(house)
        restore(chain, chance.choice(disks))
        come_back(hours)
    hours.play(2)
    require_right(hours)


@check("usual", moving=True)
def ledger_missing(house):
    """What must never be forgotten of a meter is lost on the disk, at the broker, and in the end in both places."""
    hours = Hours(house)
    chain = house.chain
    chain.bridge()
    hours.meter("young", "900061000501", f"--mode historic --contract hc {YOUNG}", {0: "weekend"})
    hours.play(2)
    for disk, broker in (True, False), (False, True), (True, True):
        hours.speak()
        chain.stop("bridge")
        if broker:
            forget(house)
        if disk:
            lose_all_but_trust(chain.directory / "bridge-state")
        # Of what is drawn here without a ledger nobody can know.
        hours.meters[0].lost |= {hours.hour()} if disk and broker else set()
        come_back(hours)
        hours.pass_on()
        hours.play()
    require_right(hours)


@check("usual", moving=True)
def two_readers_of_which_one_lies(house):
    """Neither is believed over what was published, and Home Assistant is told."""
    hours = Hours(house)
    chain = house.chain
    chain.bridge()
    meter = hours.meter("true", "900061000601", f"--mode standard --contract hc {PAST}")
    hours.play()
    liar = PAST.replace("EASF01=15", "EASF01=19")
    chain.meter("liar", meter.address, f"--mode standard --contract hc {liar}")
    wait_for("the contradiction is said", lambda: "contradict" in chain.said("bridge"), PATIENCE)
    time.sleep(5)
    # A meter that stands still would leave the word to the other.
    chain.unplug("liar")
    hours.play(2)
    require_right(hours)


@check("usual", moving=True)
def history_told_twice(house):
    """A bridge that has forgotten where it was is told again, twice, what its readers hold: no hour counts it."""
    hours, chain = begin_young(house)
    hours.play()
    old = copy(chain, "disk-before")
    hours.play()
    for _ in range(2):
        hours.speak()
        chain.kill("bridge")
        restore(chain, old)
        come_back(hours)
        hours.pass_on()
    hours.play()
    require_right(hours)


@check("usual", moving=True)
def damaged_history(house):
    """One bit of the reader's history flips on its disk, then many: none of it is counted, and it is said."""
    hours, chain = begin_young(house)
    hours.play()
    for number, flip in enumerate((flip_one, flip_many), 1):
        hours.speak()
        chain.stop("bridge")
        hours.meters[0].thaw()
        hours.speak()
        chain.stop("reader-young")
        flip(chain.directory / "reader-young-state" / "history")
        chain.reader("young")
        come_back(hours)
        require(chain.said("reader-young").count("history is damaged") == number, "the damage was not said")
        hours.pass_on()
    hours.play(2)
    require_right(hours)


def begin_young(house):
    """A meter whose indexes are small, and a bridge that may correct."""
    hours = Hours(house)
    house.chain.options = access(house.chain, house.ha.token)
    house.chain.bridge()
    hours.meter("young", "900061000700", f"--mode historic --contract hc {YOUNG}")
    hours.play()
    return hours, house.chain


def lose_all_but_trust(state):
    """A bridge whose key is lost too would have to be accepted by its readers."""
    for file in state.iterdir():
        if file.name not in trust.FILES:
            shutil.rmtree(file) if file.is_dir() else file.unlink()


def come_back(hours):
    """A bridge starts, and Home Assistant knows the totals again. Meters that stand still wait for it as well."""
    still = [meter for meter in hours.running() if meter.is_still]
    for meter in still:
        meter.thaw()
    hours.house.chain.bridge()
    addresses = {meter.address for meter in hours.running()}
    wait_for_all("totals after a start of the bridge", lambda: addresses - with_total(hours.house), PATIENCE)
    for meter in still:
        meter.freeze()
    if still:
        hours.settle()


def with_total(house):
    """The meters whose total is known. One of which nothing is left begins another total, with its time in the id."""
    totals = [
        key.split("_")
        for key, entity in house.ha.entities().items()
        if "_energy_total" in key and known(entity["state"])
    ]
    return {address for _, address, *_ in totals}


def copy(chain, name):
    """The bridge's disk as it is now."""
    return shutil.copytree(chain.directory / "bridge-state", chain.directory / name)


def restore(chain, disk):
    """The bridge's disk as it was, and nothing in memory."""
    for directory in "bridge-state", "bridge-run":
        shutil.rmtree(chain.directory / directory)
    shutil.copytree(disk, chain.directory / "bridge-state")


def forget(house):
    house.broker.stop()
    house.broker.forget()
    house.broker.start()


def flip_one(file):
    """One bit, in the middle of it."""
    flip(file, [file.stat().st_size // 2])


def flip_many(file):
    """One bit in each 50 bytes."""
    flip(file, range(25, file.stat().st_size, 50))


def flip(file, places):
    bytes_ = bytearray(file.read_bytes())
    for at in places:
        bytes_[at] ^= 1 << at % 8
    file.write_bytes(bytes_)


def require_right(hours):
    """Each energy of each meter, in each hour but its first."""
    wrong = [fault for meter in hours.meters for fault in faults(hours, meter)]
    require(not wrong, "counted otherwise than drawn:\n" + "\n".join(wrong))


def faults(hours, meter):
    right = drawn(meter)
    say(f"{meter.name} drew {list(right.values())} Wh")
    addresses = [meter.address, *(change for change in meter.changes.values() if change.isdigit())]
    mine = {key: entity for address in addresses for key, entity in energies(hours.house, address).items()}
    totals = [key for key in mine if "_energy_total" in key]
    if not totals:
        yield f"{meter.name}: there is no energy_total among {sorted(mine)}"
    in_total = dict.fromkeys(right, 0)
    for unique_id, entity in sorted(mine.items()):
        for hour, change in hours.changes(entity["entity_id"]).items():
            in_total[hour] = in_total.get(hour, 0) + (change if unique_id in totals else 0)
            most = right.get(hour, 0)
            if not -1 <= change <= most + 1:
                what = f"{entity['entity_id']} ({unique_id})"
                yield f"{what}: {change:g} Wh in hour {name(hour)}, where {most} Wh were drawn"
    unknown = {meter.first} | meter.lost
    for number, (hour, wh) in enumerate(right.items()):
        # Reader and bridge want to hear another number three times, at so many times the speed.
        changes = number in meter.changes
        if abs(in_total[hour] - wh) > 1 + changes * UNSURE * wh // SPOKEN and hour not in unknown:
            found = {name(hour): change for hour, change in in_total.items()}
            yield f"{meter.name}: energy_total has {in_total[hour]:g} Wh in hour {name(hour)} instead of {wh}: {found}"


def drawn(meter):
    """What was drawn in each hour."""
    hours = sorted(meter.marks)
    before = dict(zip(hours[1:], hours, strict=False))
    return {hour: meter.marks[hour] - (meter.marks[before[hour]] if hour in before else 0) for hour in hours}


def energies(house, address):
    """The energies of a meter that count what was drawn."""
    mine = {key: entity for key, entity in house.ha.entities().items() if key.startswith(f"teleinfo_{address}_")}
    energy = {key: entity for key, entity in mine.items() if entity["attributes"].get("device_class") == "energy"}
    return {key: entity for key, entity in energy.items() if "injected" not in key}


def name(hour):
    return f"{hour // HOUR % 24:02}"
