"""How sure a face is, 0 to 1, from the level that its detector gives."""

from __future__ import annotations

# Of the 40 faces that the cascade finds on the marked photographs of the reference scans, 2 of 2 below level 10 are
# false, 4 of 4 from 15 to 25 true, and 1 of 32 above is not marked; none is found on the 20 pages of type.
EVEN_LEVEL = 8.5  # where as many are false as true
STEEPNESS = 3.0
SUREST = 0.97


def confidence_of(level: float, detector: str) -> float:
    """Return the share of faces at this level of the detector that are true, rounded to hundredths.

    The score of a network is one already; the cascade's level is a sum of weights without an upper end.
    """
    if detector != "cascade":
        return round(min(1.0, max(0.0, level)), 2)
    if level <= 0:
        return 0.0
    return round(SUREST / (1 + float((EVEN_LEVEL / level) ** STEEPNESS)), 2)
