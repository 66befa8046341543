"""How sure a face is, 0 to 1, from the level that its detector gives."""

from __future__ import annotations

# By `benchmarks/face_confidence.py`, on the marked photographs of the reference scans and 16 pages of type. Of faces of
# the cascade none of 5 below level 10 is true, 2 of 5 from 10 to 15, and all 36 above. Of those of CenterFace all 42
# with a score of 0.6 and more are true, none of 8 below 0.3: its score promises less than it holds. YuNet's is taken as
# it is; it was not measured here.
EVEN_LEVEL = 12.0  # where as many are false as true
STEEPNESS = 3.0
SUREST = 0.97


def confidence_of(level: float, detector: str) -> float:
    """Return the share of faces at this level of the detector that are true, rounded to hundredths.

    The score of a network, CenterFace or YuNet, is one already; the cascade's level is a sum of weights without an end.
    """
    if detector != "cascade":
        return round(min(1.0, max(0.0, level)), 2)
    if level <= 0:
        return 0.0
    return round(SUREST / (1 + float((EVEN_LEVEL / level) ** STEEPNESS)), 2)
