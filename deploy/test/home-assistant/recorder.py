"""What Home Assistant's database has to take: each change of an entity is a row of it."""

import collections
import sqlite3
import time

from house import check, known, unique
from meters import METERS

from bench.report import require, say

# Rows a day of the meter with the most entities, as the bridge is shipped.
MOST = 60_000
DAY = 86_400
# Until all entities are there and have their first state, and then for so long, in s.
SETTLE, WATCH = 30, 240
ROWS = """select m.entity_id, count(*) from states s join states_meta m using (metadata_id)
where s.last_updated_ts between ? and ? group by 1 order by 2 desc"""


@check("usual")
def recorder(house):
    """A day of a three-phase Tempo meter with the default settings, worked out from four minutes at the true speed."""
    meter, options, _ = METERS["tempo-three"]
    house.chain.pace = None
    house.chain.bridge()
    house.chain.meter("recorded", meter, f"{options} --speed 1")
    house.wait("states", {unique(meter, key): known for key in ("apparent_power", "energy_total", "tempo_today")}, 120)
    time.sleep(SETTLE)
    begin = time.time()
    time.sleep(WATCH)
    rows = counted(house, begin, begin + WATCH)
    for entity, count in rows.most_common(12):
        say(f"{count:4}  {entity}")
    day = round(sum(rows.values()) * DAY / WATCH)
    say(f"{day} rows a day")
    require(day <= MOST, f"{day} rows a day, {MOST} are the most")


def counted(house, begin, end):
    """Rows by entity in a time, of the database itself."""
    time.sleep(3)
    with sqlite3.connect(f"file:{house.directory}/config/home-assistant_v2.db?mode=ro", uri=True) as database:
        return collections.Counter(dict(database.execute(ROWS, (begin, end)).fetchall()))
