"""A year of tides for a harbour that does not exist, by the harmonic method."""

import datetime
import math

# Constituent, degrees per hour (the same for every harbour), amplitude in metres, phase in degrees.
CONSTITUENTS = [
    ("M2", 28.9841042, 1.240, 94.0),
    ("S2", 30.0000000, 0.410, 131.0),
    ("N2", 28.4397295, 0.245, 72.0),
    ("K2", 30.0821373, 0.112, 129.0),
    ("K1", 15.0410686, 0.098, 211.0),
    ("O1", 13.9430356, 0.087, 38.0),
    ("M4", 57.9682084, 0.061, 163.0),
]
MEAN = 2.05
START = datetime.datetime(2027, 1, 1)
HOURS = 365 * 24


def height(hour: float) -> float:
    return MEAN + sum(a * math.cos(math.radians(speed * hour - p)) for _, speed, a, p in CONSTITUENTS)


def turns():
    """High and low waters: where the height turns, to the minute."""
    minutes = [height(minute / 60) for minute in range(-1, HOURS * 60 + 1)]
    for at in range(1, len(minutes) - 1):
        before, here, after = minutes[at - 1 : at + 2]
        if before < here >= after or before > here <= after:
            yield at - 1, "high" if before < here else "low", here


def clock(minute: int) -> str:
    return (START + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%MZ")


def make():
    hourly = ["time,height_m"]
    hourly += [f"{clock(hour * 60)},{height(hour):.3f}" for hour in range(HOURS)]
    yield "tides-2027.csv", ("\n".join(hourly) + "\n").encode()
    waters = ["time,water,height_m"]
    waters += [f"{clock(minute)},{water},{metres:.2f}" for minute, water, metres in turns()]
    yield "high-and-low-2027.csv", ("\n".join(waters) + "\n").encode()
    names = ["constituent,degrees_per_hour,amplitude_m,phase_deg"]
    names += [f"{n},{speed:.7f},{a:.3f},{p:.1f}" for n, speed, a, p in CONSTITUENTS]
    yield "constituents.csv", ("\n".join(names) + "\n").encode()
    yield "README.md", README.encode()
    day = [line for line in waters if line.startswith(("time", "2027-03-22"))]
    yield "2027-03-22.csv", ("\n".join(day) + "\n").encode()


README = """# Tides at Port Aurora, 2027

Port Aurora is not on any map. Its tides follow the laws of real ones: they are the sum of seven harmonic
constituents, whose speeds are those of the moon and the sun, and whose amplitudes and phases are plausible
for a harbour on a wide shelf. **Not for navigation.**

| file | rows | what |
|---|---|---|
| `tides-2027.csv` | 8760 | the height of the water, each hour |
| `high-and-low-2027.csv` | about 1410 | each high and low water, to the minute |
| `constituents.csv` | 7 | what the heights were computed from |

## Columns

| column | type | unit | meaning |
|---|---|---|---|
| `time` | RFC 3339, to the minute | UTC | when |
| `height_m` | decimal | metres | height above chart datum |
| `water` | `high` or `low` | | which turn of the tide |
| `constituent` | text | | its usual name, such as `M2` |
| `degrees_per_hour` | decimal | degrees per hour | its speed |
| `amplitude_m` | decimal | metres | half of its range |
| `phase_deg` | decimal | degrees | its phase at 2027-01-01T00:00Z |

The height at hour *t* after 2027-01-01T00:00Z is `2.05 + sum(amplitude * cos(speed * t - phase))`.

License: CC0 1.0. No rights reserved.
"""
