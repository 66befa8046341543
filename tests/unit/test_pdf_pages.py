"""A page of a PDF is what a viewer shows of it, with the pixels that its scan has."""

from __future__ import annotations

import io
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from workers.errors import ImageTooLarge, UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.images import open_page
from workers.sources.limits import Limits
from workers.sources.pdf_resolution import Ink, resolution, within

Grey = NDArray[np.uint8]
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
LETTERS = b"BT /F 20 Tf 30 30 Td (letters of a page) Tj ET "


def printed(width: int = 400, height: int = 600, seed: int = 0) -> Grey:
    """Return a page of black words on paper, different from its mirror images."""
    page = np.full((height, width), 235, np.uint8)
    generator = np.random.default_rng(seed)
    for y in range(height // 20, height * 9 // 10, 24):
        for x in range(width // 20, width * 2 // 3 + int(generator.integers(0, width // 5)), 30):
            page[y : y + 10, x : x + int(generator.integers(8, 24))] = 20
    return page


def picture(pixels: Grey, extra: bytes = b"") -> bytes:
    """Return an image object, its pixels compressed without loss."""
    data = zlib.compress(pixels.tobytes())
    size = b"/Width %d/Height %d" % (pixels.shape[1], pixels.shape[0])
    head = b"<</Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8" + size
    return head + extra + b"/Filter/FlateDecode/Length %d>>stream\n" % len(data) + data + b"\nendstream"


def stencil(pixels: Grey, extra: bytes = b"") -> bytes:
    """Return a mask that paints where `pixels` are dark."""
    data = zlib.compress(np.packbits(pixels > 128, axis=1).tobytes())
    size = b"/Width %d/Height %d" % (pixels.shape[1], pixels.shape[0])
    head = b"<</Type/XObject/Subtype/Image/ImageMask true/BitsPerComponent 1" + size
    return head + extra + b"/Filter/FlateDecode/Length %d>>stream\n" % len(data) + data + b"\nendstream"


def form(content: bytes, resources: bytes, matrix: bytes = b"[1 0 0 1 0 0]", extra: bytes = b"") -> bytes:
    head = b"<</Type/XObject/Subtype/Form/BBox[-9999 -9999 9999 9999]/Matrix" + matrix + b"/Resources" + resources
    return head + extra + b"/Length %d>>stream\n" % len(content) + content + b"\nendstream"


def at(name: str, left: float, bottom: float, width: float, height: float) -> bytes:
    return f"q {width} 0 0 {height} {left} {bottom} cm /{name} Do Q ".encode()


def pdf(
    content: bytes, objects: dict[str, bytes], size: tuple[float, float], page: bytes = b"", root: bytes = b""
) -> bytes:
    """Return a PDF of one page; `objects` are numbered from 10 in their order, the dictionary of layers among them."""
    numbers = {name: 10 + n for n, name in enumerate(objects)}
    named = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in numbers.items() if name[0] in "ABCM")
    layers = b"".join(b"/%s %d 0 R" % (name.encode(), number) for name, number in numbers.items() if name[0] == "L")
    resources = b"/Resources<</XObject<<" + named + b">>/Font<</F " + FONT + b">>/Properties<<" + layers + b">>>>"
    box = f"/MediaBox[0 0 {size[0]} {size[1]}]".encode()
    parts = {1: b"<</Type/Catalog/Pages 2 0 R" + root + b">>", 2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
             3: b"<</Type/Page/Parent 2 0 R" + box + page + b"/Contents 4 0 R" + resources + b">>",
             4: b"<</Length %d>>stream\n" % len(content) + content + b"\nendstream"}  # fmt: skip
    parts |= {number: objects[name] for name, number in numbers.items()}
    whole, places = b"%PDF-1.7\n", {0: 0}
    for number, part in sorted(parts.items()):
        places[number] = len(whole)
        whole += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    table = b"".join(
        b"%d 1\n%010d %05d %s \n" % (n, at, 0 if n else 65535, b"n" if n else b"f") for n, at in places.items()
    )
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (max(places) + 1, len(whole))
    return whole + b"xref\n" + table + end


def opened(data: bytes, folder: Path, limits: Limits | None = None) -> Image.Image:
    (folder / "p.pdf").write_bytes(data)
    return open_page(folder, PageAddress(("p.pdf",), 1), limits or Limits())


def pixels_of(data: bytes, folder: Path) -> Grey:
    return np.asarray(opened(data, folder).convert("L"))


WHOLE = at("A", 0, 0, 200, 300)
INVISIBLE = b"BT 3 Tr /F 20 Tf 30 30 Td (read by a machine) Tj ET "


@pytest.mark.parametrize(
    "content",
    [WHOLE, WHOLE + INVISIBLE, INVISIBLE + WHOLE, LETTERS + WHOLE, b"0 0 200 300 re f " + WHOLE,
     b"0 0 200 300 re W n " + WHOLE, b"-5 -5 400 500 re W n " + WHOLE, WHOLE.replace(b"/A", b"/B") + WHOLE],
    ids=["alone", "text over it", "text under it", "letters under it", "ink under it", "clipped to the page",
         "clipped wider", "a scan under it"],
)  # fmt: skip
def test_the_one_scan_that_is_seen_keeps_its_own_pixels(content: bytes, tmp_path: Path) -> None:
    scan = printed()
    data = pdf(content, {"A": picture(scan), "B": picture(printed(90, 120, 1))}, (200, 300))
    assert (pixels_of(data, tmp_path) == scan).all()


def test_a_jpeg_2000_keeps_its_own_pixels_and_colours(tmp_path: Path) -> None:
    scan = Image.merge("RGB", [Image.fromarray(printed(400, 600, seed)) for seed in range(3)])
    coded = io.BytesIO()
    scan.save(coded, "JPEG2000")
    head = b"<</Type/XObject/Subtype/Image/Width 400/Height 600/Filter/JPXDecode/Length %d>>stream\n"
    data = head % len(coded.getvalue()) + coded.getvalue() + b"\nendstream"
    found = opened(pdf(WHOLE, {"A": data}, (200, 300)), tmp_path)
    assert (np.asarray(found) == np.asarray(scan)).all()


@pytest.mark.parametrize("matrix", [b"[1 0 0 1 0 0]", b"[0.5 0 0 0.5 0 0]"])
def test_a_scan_in_forms_keeps_its_own_pixels(matrix: bytes, tmp_path: Path) -> None:
    scan, inner = printed(), at("A", 20, 10, 400, 600)
    larger = b"q 1 0 0 1 -20 -10 cm " if matrix == b"[1 0 0 1 0 0]" else b"q 1 0 0 1 -10 -5 cm "
    content = larger + (b"0.5 0 0 0.5 10 5 cm " if matrix == b"[1 0 0 1 0 0]" else b"") + b"/C Do Q"
    objects = {"A": picture(scan), "M": form(inner, b"<</XObject<</A 10 0 R>>>>", matrix)}
    objects["C"] = form(b"/M Do", b"<</XObject<</M 11 0 R>>>>")
    assert (pixels_of(pdf(content, objects, (200, 300)), tmp_path) == scan).all()


@pytest.mark.parametrize("user_unit", [b"", b"/UserUnit 25"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_stripes_have_the_pixels_of_their_scan_on_any_paper(rotation: int, user_unit: bytes, tmp_path: Path) -> None:
    scan = printed(800, 1200)
    objects, content = {}, b""
    for n in range(8):  # from the head to the foot
        objects[f"A{n}"] = picture(scan[150 * n : 150 * (n + 1)])
        content += at(f"A{n}", 0, 2100 - 300 * n, 1600, 300)
    page = b"/Rotate %d" % rotation + user_unit
    found = pixels_of(pdf(content, objects, (1600, 2400), page), tmp_path)
    wanted = np.rot90(scan, -rotation // 90)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).mean() < 4


def test_a_stamp_or_a_frame_on_a_scan_does_not_change_its_resolution(tmp_path: Path) -> None:
    scan = printed(1000, 1500)
    data = pdf(WHOLE + b"20 20 30 12 re S " + LETTERS.replace(b"20 Tf", b"4 Tf"), {"A": picture(scan)}, (200, 300))
    found = pixels_of(data, tmp_path)
    assert found.shape == scan.shape
    assert np.abs(found.astype(int) - scan).mean() < 6
    assert (found[1300:, 100:250] < 100).any()  # the stamp


def test_a_small_picture_of_high_resolution_does_not_decide(tmp_path: Path) -> None:
    logo = at("A", 50, 50, 40, 20)
    drawn = opened(pdf(LETTERS + logo, {"A": picture(printed(1200, 600))}, (595, 842)), tmp_path)
    assert drawn.size == (2480, 3509)
    scanned = opened(
        pdf(
            at("B", 0, 0, 595, 842) + logo,
            {"A": picture(printed(1200, 600)), "B": picture(printed(1240, 1754))},
            (595, 842),
        ),
        tmp_path,
    )
    assert abs(scanned.width - 1240) <= 1


def test_letters_on_a_coarse_picture_are_rendered_to_be_read(tmp_path: Path) -> None:
    paper, words = printed(50, 75), b"BT /F 14 Tf 10 250 Td 18 TL " + b"(many words in a row) Tj T* " * 13 + b"ET"
    assert opened(pdf(WHOLE + words, {"A": picture(paper)}, (200, 300)), tmp_path).size == (834, 1250)


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_letters_in_a_mask_over_a_coarse_background_decide(share: float, tmp_path: Path) -> None:
    words = printed(1000, int(1500 * share))
    objects = {"A": picture(printed(100, 150)), "B": stencil(words)}
    assert opened(pdf(WHOLE + at("B", 0, 0, 200, 300 * share), objects, (200, 300)), tmp_path).size == (1000, 1500)
    soft = {
        "A": picture(printed(100, 150)),
        "B": picture(printed(100, 150), b"/SMask 12 0 R"),
        "M": picture(255 - words),
    }
    found = opened(pdf(WHOLE + at("B", 0, 0, 200, 300 * share), soft, (200, 300)), tmp_path)
    assert found.size == (834, 1250)


def test_a_clipped_scan_shows_clipped(tmp_path: Path) -> None:
    scan = printed()
    found = pixels_of(pdf(b"0 0 100 300 re W n " + WHOLE, {"A": picture(scan)}, (200, 300)), tmp_path)
    assert found.shape == scan.shape
    assert np.abs(found[:, :195].astype(int) - scan[:, :195]).mean() < 3
    assert (found[:, 205:] == 255).all()


@pytest.mark.parametrize("where", ["content", "picture", "form"])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_hidden_layer_is_not_the_page(where: str, hidden: bool, tmp_path: Path) -> None:
    scan = printed()
    content, objects = WHOLE, {"L1": b"<</Type/OCG/Name(one)>>", "A": picture(scan)}
    if where == "content":
        content = b"/OC /L1 BDC " + WHOLE + b"EMC"
    elif where == "picture":
        objects["A"] = picture(scan, b"/OC 10 0 R")
    else:
        objects["C"], content = form(WHOLE, b"<</XObject<</A 11 0 R>>>>", extra=b"/OC 10 0 R"), b"/C Do"
    state = b"/OFF[10 0 R]" if hidden else b"/ON[10 0 R]"
    root = b"/OCProperties<</OCGs[10 0 R]/D<<" + state + b">>>>"
    found = pixels_of(pdf(content, objects, (200, 300), root=root), tmp_path)
    assert found.shape == scan.shape
    assert (found == 255).all() if hidden else (found == scan).all()


def test_of_two_layers_the_visible_one_is_the_page(tmp_path: Path) -> None:
    scan = printed()
    objects = {"L1": b"<</Type/OCG/Name(one)>>", "A": picture(scan), "B": picture(255 - scan)}
    root = b"/OCProperties<</OCGs[10 0 R]/D<</OFF[10 0 R]>>>>"
    content = WHOLE + b"/OC /L1 BDC " + WHOLE.replace(b"/A", b"/B") + b"EMC"
    found = pixels_of(pdf(content, objects, (200, 300), root=root), tmp_path)
    assert np.abs(found.astype(int) - scan).mean() < 6


def test_what_the_crop_box_leaves_is_the_page(tmp_path: Path) -> None:
    scan = printed()
    found = pixels_of(pdf(WHOLE, {"A": picture(scan)}, (200, 300), b"/CropBox[50 100 150 300]"), tmp_path)
    assert found.shape == (400, 200)
    assert np.abs(found.astype(int) - scan[:400, 100:300]).mean() < 3
    media = pdf(WHOLE, {"A": picture(scan)}, (200, 300), b"/CropBox[-90 -90 900 900]")
    assert (pixels_of(media, tmp_path) == scan).all()


@pytest.mark.parametrize("box", [b"[500 500 600 600]", b"[0 0 -100 50]"])
def test_a_crop_box_off_the_page_is_told(box: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="has no area"):
        opened(pdf(WHOLE, {"A": picture(printed())}, (200, 300), b"/CropBox" + box), tmp_path)


def test_a_scan_stored_as_a_negative_is_shown_as_a_viewer_shows_it(tmp_path: Path) -> None:
    scan = printed()
    found = pixels_of(pdf(WHOLE, {"A": picture(255 - scan, b"/Decode[1 0]")}, (200, 300)), tmp_path)
    assert np.abs(found.astype(int) - scan).mean() < 3


def test_an_annotation_that_covers_the_scan_is_shown(tmp_path: Path) -> None:
    scan = printed()
    look = form(b"0 g 0 0 60 60 re f", b"<<>>").replace(b"[-9999 -9999 9999 9999]", b"[0 0 60 60]")
    stamp = b"<</Type/Annot/Subtype/Stamp/Rect[100 200 160 260]/F 4/AP<</N 11 0 R>>>>"
    data = pdf(WHOLE, {"A": picture(scan), "X": look, "Y": stamp}, (200, 300), b"/Annots[12 0 R]")
    found = pixels_of(data, tmp_path)
    assert found.shape == scan.shape
    assert (found[90:190, 210:310] < 30).all()


def test_a_page_over_the_limit_is_lowered_and_a_picture_over_it_refused(tmp_path: Path) -> None:
    limits = Limits(max_pixels=500_000)
    drawn = opened(pdf(LETTERS, {}, (14_400, 14_400)), tmp_path, limits)
    assert 490_000 < drawn.width * drawn.height <= 500_000
    scan = printed(800, 600)
    stripes = {"A": picture(scan), "B": picture(scan)}
    content = at("A", 0, 100, 200, 100) + at("B", 0, 0, 200, 100)
    both = opened(pdf(content, stripes, (200, 200)), tmp_path, limits)
    assert 490_000 < both.width * both.height <= 500_000
    with pytest.raises(ImageTooLarge, match="800 x 700 pixels"):
        opened(pdf(WHOLE, {"A": picture(printed(800, 700))}, (200, 300)), tmp_path, limits)


SIDES = st.floats(1, 14_400)


@given(st.floats(1, 10_000), SIDES, SIDES, st.integers(1, 10**9))
def test_a_lowered_resolution_keeps_the_limit_and_no_more(dpi: float, width: float, height: float, limit: int) -> None:
    lowered = within(dpi, (width, height), limit)
    columns, rows = (math.ceil(side * lowered / 72 * (1 - 1e-9)) for side in (width, height))
    assert lowered <= dpi
    assert columns * rows <= limit
    if lowered < dpi and min(columns, rows) > 30:
        assert columns * rows > 0.9 * limit


def test_resolution_is_that_of_most_of_the_page() -> None:
    a4 = (595.0, 842.0)
    assert resolution([], a4, 10**9) == resolution([Ink(2400, 0.02)], a4, 10**9) == 300
    assert resolution([Ink(150, 0.125)] * 8, a4, 10**9) == 150
    assert resolution([Ink(2400, 0.02), Ink(200, 1.0)], a4, 10**9) == 200
    assert resolution([Ink(100, 1.0), Ink(400, 0.4, fine=True)], a4, 10**9) == 400
    assert resolution([Ink(0.1, 1.0), Ink(300, 0.02, fine=True)], a4, 10**9) == pytest.approx(1000 * 72 / 842)
    assert resolution([Ink(40, 1.0)], a4, 10**9) == 40
