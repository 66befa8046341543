"""What the tags of a TIFF directory say of its samples: how many, how deep, and how they lie in the file. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from workers.errors import UnreadableImage
from workers.sources.tiff_tags import Tag, Tags, first

OF_BYTES = {1, 5, 8, 32773, 32946, 34925, 50000}  # compressions that know nothing of samples
_LAB = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """How samples lie in the file: `group` of them side by side for each pixel, in `planes` planes."""

    width: int
    height: int
    bits: int
    kind: str
    order: str
    group: int
    planes: int
    predictor: int
    tile_width: int

    @property
    def padded_width(self) -> int:
        """The width in pixels of a row as it is unpacked: whole tiles."""
        return -(-self.width // self.tile_width) * self.tile_width

    @property
    def row_bytes(self) -> int:
        """The bytes of a row as it is unpacked."""
        return -(-self.padded_width * self.group * self.bits // 8)


def is_deep(tags: Tags) -> bool:
    """Return whether a directory has samples of more than 8 bits, or signed ones."""
    return max(tags.get(Tag.BITS, ()), default=1) > 8 or first(tags, Tag.SAMPLE_FORMAT, 1) == 2


def add_photometric(tags: Tags) -> bool:
    """Fill in what the samples mean as libtiff does where no tag tells it; return whether it was missing.

    Pillow would take them for ink: a grey page without the tag came out as its negative.
    """
    if Tag.PHOTOMETRIC in tags or first(tags, Tag.COMPRESSION, 1) not in OF_BYTES:
        return False
    tags[Tag.PHOTOMETRIC] = (2 if first(tags, Tag.SAMPLES, len(tags.get(Tag.BITS, (1,)))) >= 3 else 1,)
    return True


def lacks_pieces(tags: Tags) -> bool:
    """Return whether fewer strips or tiles are told than the picture has: Pillow would leave their places black."""
    width, height = first(tags, Tag.WIDTH, 0), first(tags, Tag.HEIGHT, 0)
    across, down, offsets = width, first(tags, Tag.STRIP_ROWS, height), tags.get(Tag.STRIP_OFFSETS, ())
    if Tag.TILE_OFFSETS in tags:
        across, down, offsets = first(tags, Tag.TILE_WIDTH, 0), first(tags, Tag.TILE_HEIGHT, 0), tags[Tag.TILE_OFFSETS]
    planes = first(tags, Tag.SAMPLES, 1) if first(tags, Tag.PLANES, 1) == 2 else 1
    if not offsets or across <= 0 or down <= 0:
        return False  # the decoder knows better what is wrong
    return len(offsets) < -(-width // across) * -(-height // down) * planes


def unread_samples(tags: Tags, name: str) -> UnreadableImage:
    """Return the error for a directory whose samples are of a kind that is not read, or that is broken."""
    bits = tags.get(Tag.BITS, (1,))
    count = first(tags, Tag.SAMPLES, len(bits))
    numbers = f"photometric {first(tags, Tag.PHOTOMETRIC, 0)}, compression {first(tags, Tag.COMPRESSION, 1)}"
    return UnreadableImage(
        f"{name} is a TIFF of {count} x {bits[0] if bits else 1}-bit samples ({numbers}), "
        "which is not read here, or its header is broken; save it as 8-bit grey or RGB, e.g. with ImageMagick."
    )


def layout_of(tags: Tags, order: str) -> Layout:
    """Return the layout that the tags of a directory tell; numbers that make no sense are 0, kinds empty."""
    bits = tags.get(Tag.BITS, (1,))
    count = first(tags, Tag.SAMPLES, len(bits))
    planes = count if first(tags, Tag.PLANES, 1) == 2 else 1
    width, tile_width = first(tags, Tag.WIDTH, 0), first(tags, Tag.TILE_WIDTH, 0)
    return Layout(
        width=width,
        height=first(tags, Tag.HEIGHT, 0),
        bits=bits[0] if len(set(bits)) == 1 else 0,
        kind={1: "u", 2: "i", 3: "f"}.get(first(tags, Tag.SAMPLE_FORMAT, 1), ""),
        order=order,
        group=count // planes if planes else 0,
        planes=planes,
        predictor=first(tags, Tag.PREDICTOR, 1) if first(tags, Tag.COMPRESSION, 1) not in (1, 32773) else 1,
        tile_width=tile_width or width,
    )


def is_read(tags: Tags, layout: Layout) -> bool:
    """Return whether samples of this layout are read here."""
    whole = layout.bits in {"u": (8, 16, 32), "i": (8, 16, 32), "f": (16, 32, 64)}.get(layout.kind, ())
    packed = layout.kind == "u" and 0 < layout.bits < 16 and layout.predictor == 1
    predicted = {1: True, 2: layout.kind != "f", 3: layout.kind == "f"}.get(layout.predictor, False)
    in_bytes = first(tags, Tag.COMPRESSION, 1) in OF_BYTES
    if first(tags, Tag.PHOTOMETRIC, 0) == _LAB and (layout.bits != 16 or layout.kind == "f"):
        return False
    return in_bytes and (whole or packed) and predicted and layout.group > 0 and layout.width > 0 and layout.height > 0
