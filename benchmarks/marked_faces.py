"""Upright faces on photographs of the reference scans, marked by looking at them."""

from __future__ import annotations

XYWH = tuple[int, int, int, int]

ASTRONAUT: XYWH = (177, 66, 95, 95)  # as plain OpenCV finds her

FACES: dict[str, list[XYWH]] = {
    "seed/floyd.jpg": [(158, 75, 176, 176)],
    "seed/msi_recruitment.gif": [
        (287, 169, 41, 41), (452, 242, 41, 41), (73, 229, 53, 53), (372, 252, 46, 46), (187, 195, 59, 59),
        (709, 308, 51, 51),
    ],
    "faces_azure/Family1-Dad2.jpg": [(22, 67, 129, 129)],
    "faces_azure/Family2-Lady1.jpg": [(44, 91, 209, 209)],
    "faces_azure/Family3-Man1.jpg": [(30, 76, 194, 194)],
    "faces_azure/detection1.jpg": [(421, 101, 260, 260)],
    "faces_azure/detection2.jpg": [(252, 88, 171, 171)],
    "faces_azure/detection4.jpg": [(720, 306, 80, 80), (382, 300, 109, 109), (95, 115, 280, 280)],
    "faces_azure/detection5.jpg": [(141, 149, 228, 228), (401, 317, 164, 164), (536, 131, 230, 230)],
    "faces_azure/detection6.jpg": [(280, 213, 144, 144), (165, 297, 176, 176)],
    "faces_azure/faces.jpg": [
        (318, 157, 74, 74), (113, 144, 108, 108), (380, 152, 100, 100), (484, 98, 102, 102), (228, 139, 102, 102),
        (10, 133, 114, 114),
    ],
    "faces_azure/identification1.jpg": [
        (495, 235, 83, 83), (198, 152, 93, 93), (394, 224, 104, 104), (293, 185, 131, 131),
    ],
    "faces_azure/test-image-person-group.jpg": [(303, 113, 143, 143)],
    "faces_us_gov/astronaut.png": [ASTRONAUT],
    "faces_us_gov/biden.jpg": [(433, 211, 314, 314)],
    "faces_us_gov/obama.jpg": [(342, 95, 300, 300)],
    "faces_us_gov/obama2.jpg": [(139, 243, 343, 343)],
    "faces_us_gov/two_people.jpg": [(786, 65, 169, 169), (235, 29, 177, 177)],
}  # fmt: skip
