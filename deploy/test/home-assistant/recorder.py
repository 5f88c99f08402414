"""What Home Assistant's database has to take: each change of an entity is a row of it. And what its statistics make of
the measurements that it is told of."""

import collections
import json
import sqlite3
import time

from house import check, known, unique
from meters import METERS

from bench.report import require, say

# Rows a day of the meter with the most entities, as the bridge is shipped.
MOST = 60_000
DAY = 86_400
# Home Assistant's statistics have pieces of this length, and are there soon after the end of one, in s.
PIECE, SOON = 300, 30
# Until all entities are there and have their first state, in s.
SETTLE = 30
ROWS = """select m.entity_id, count(*) from states s join states_meta m using (metadata_id)
where s.last_updated_ts between ? and ? group by 1 order by 2 desc"""


@check("usual")
def recorder(house):
    """A three-phase Tempo meter at its true speed, the bridge as it is shipped, over one piece of the statistics: how
    many rows that is in a day, and that the piece has all that was drawn."""
    meter, options, _ = METERS["tempo-three"]
    house.chain.bridge()
    house.chain.meter("recorded", meter, f"{options} --speed 1")
    house.wait("states", {unique(meter, key): known for key in ("apparent_power", "energy_total", "tempo_today")}, 120)
    begin = (int(time.time()) + SETTLE) // PIECE * PIECE + PIECE
    say(f"{begin - time.time():.0f} s until the next five minutes begin")
    time.sleep(begin + PIECE + SOON - time.time())
    rows = counted(house, begin, begin + PIECE)
    for entity, count in rows.most_common(12):
        say(f"{count:4}  {entity}")
    day = round(sum(rows.values()) * DAY / PIECE)
    say(f"{day} rows a day")
    require(day <= MOST, f"{day} rows a day, {MOST} are the most")
    total = house.ha.entities()[unique(meter, "energy_total")]["entity_id"]
    told = house.ha.rows(total, "5minute", begin)[begin]["change"]
    drawn = drawn_until(house, begin + PIECE) - drawn_until(house, begin)
    say(f"{told} Wh in the statistics, {drawn} Wh drawn")
    require(abs(told - drawn) <= 1, f"{told} Wh in five minutes, where {drawn} Wh were drawn")


def counted(house, begin, end):
    """Rows by entity in a time, of the database itself."""
    with sqlite3.connect(f"file:{house.directory}/config/home-assistant_v2.db?mode=ro", uri=True) as database:
        return collections.Counter(dict(database.execute(ROWS, (begin, end)).fetchall()))


def drawn_until(house, moment):
    """What the meter showed in its last frame before a moment, in Wh."""
    frames = map(json.loads, house.chain.truth("recorded").read_text().splitlines())
    return [frame["drawn"] for frame in frames if frame["time"] < moment][-1]
