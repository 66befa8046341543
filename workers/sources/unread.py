"""Formats that are known and not read here: what a file is, from its first bytes, and what to do with it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workers.errors import UnreadableImage


@dataclass(frozen=True, slots=True)
class UnreadFormat:
    """A format that is not read: `what` it is ("JPEG XL"), and the `advice` that ends the sentence.

    `no_page` is set for what nobody expects to become a page, such as a video: it is passed over.
    """

    what: str
    advice: str
    no_page: bool = False


def unread_format(head: bytes) -> UnreadFormat | None:
    """Return what a file that begins with `head` is, when that is known and not read."""
    return next((known for pattern, known in _FORMATS if pattern.match(head)), None)


def refusal(name: str, head: bytes) -> UnreadableImage:
    """Return the error for a file that no decoder knows; it names what the file is where that can be told."""
    known = unread_format(head)
    if known is None:
        return UnreadableImage(f"{name} is not an image of a known kind, or its header is broken.")
    return UnreadableImage(f"{name} is {known.what}, which is not read here; {known.advice}.")


def _picture(pattern: bytes, what: str, program: str = "ImageMagick") -> tuple[re.Pattern[bytes], UnreadFormat]:
    return _compiled(pattern), UnreadFormat(what, f"convert it to PNG or TIFF, e.g. with {program}")


def _packed(pattern: bytes, what: str) -> tuple[re.Pattern[bytes], UnreadFormat]:
    return _compiled(pattern), UnreadFormat(what, "unpack it, or pack it again as ZIP or TAR")


def _other(pattern: bytes, what: str) -> tuple[re.Pattern[bytes], UnreadFormat]:
    return _compiled(pattern), UnreadFormat(what, "take it out of the scans", no_page=True)


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


_CAMERA_RAW = "a camera raw picture"
_DEVELOPER = "darktable-cli or dcraw -T"
# The first that fits counts.
_FORMATS = (
    _picture(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", "djxl"),
    _picture(rb".{4}ftyp(hei[cxms]|hev[cxms])", "HEIC", "heif-convert"),
    _picture(rb".{4}ftyp(crx )", _CAMERA_RAW, _DEVELOPER),
    _picture(rb".{4}ftyp(mif1|msf1).{4}(?!(?:.{4}){0,16}avi[fs])", "HEIF", "heif-convert"),
    _picture(rb"AT&TFORM|FORM.{4}DJV[MU]", "DjVu", "ddjvu -format=tiff"),
    _picture(rb"II\xbc", "JPEG XR", "JxrDecApp"),
    _picture(rb"\xff\xd8\xff\xf7|\xff\xd8\xff\xe8.{0,64}\xff\xf7", "JPEG-LS"),
    _picture(rb"II\*\0.{4}CR|FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM", _CAMERA_RAW, _DEVELOPER),
    _picture(rb"8BPS\0\x02", "a large Photoshop document (PSB)", "Photoshop"),
    _picture(rb"8BPS", "a Photoshop document of this kind (only 8 bits and usual colour modes are read)", "Photoshop"),
    _picture(rb"%!PS|\xc5\xd0\xd3\xc6", "PostScript", "Ghostscript"),
    _picture(rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF", "a Windows metafile"),
    _picture(rb"\x97JB2\r\n\x1a\n", "JBIG2", "jbig2dec"),
    _picture(rb"\x76\x2f\x31\x01", "OpenEXR"),
    _picture(rb"#\?R(ADIANCE|GBE)", "Radiance HDR"),
    _picture(rb"SDPX|XPDS", "DPX"),
    _picture(rb"gimp xcf", "a GIMP picture (XCF)", "GIMP"),
    _picture(rb".{128}DICM", "DICOM", "dcm2img"),
    _picture(rb"P7\s", "PAM", "pamtotiff"),
    _picture(rb"PF\s", "PFM"),
    _picture(rb"\x8a[MJ]NG\r\n|\x8bJNG\r\n", "MNG or JNG"),
    _picture(rb"farbfeld", "farbfeld"),
    _picture(rb"id=ImageMagick", "MIFF"),
    _picture(rb"BPG\xfb", "BPG", "bpgdec"),
    _picture(rb"FLIF", "FLIF", "flif"),
    _picture(rb"msid", "MrSID", "mrsiddecode"),
    _picture(rb"EP\*\0", "Microsoft Document Imaging"),
    _packed(rb"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    _packed(rb"\x04\x22\x4d\x18", "compressed with LZ4"),
    _packed(rb"\x1f[\x9d\xa0]", "compressed with compress (.Z)"),
    _packed(rb"LZIP", "compressed with lzip"),
    _packed(rb"\x5d\0\0.{2}", "compressed with LZMA"),
    _packed(rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    _packed(rb"Rar!\x1a\x07", "a RAR archive"),
    _packed(rb".{2}-l[hz][0-9a-z]-", "an LHA archive"),
    _packed(rb"MSCF", "a Cabinet archive"),
    _packed(rb"\x60\xea", "an ARJ archive"),
    _packed(rb"xar!", "a XAR archive"),
    _packed(rb"0707(01|02|07)|\xc7\x71", "a cpio archive"),
    _packed(rb"SIT!|StuffIt", "a StuffIt archive"),
    # A compressed TAR is known before.
    _packed(rb"\x1f\x8b", "compressed with gzip and holds no whole TAR"),
    _packed(rb"BZh", "compressed with bzip2 and holds no whole TAR"),
    _packed(rb"\xfd7zXZ\0", "compressed with xz and holds no whole TAR"),
    _other(rb".{4}(ftyp(?!avi[fs]|mif1|msf1)|moov|mdat)|RIFF.{4}AVI |\x1aE\xdf\xa3|\0\0\x01\xba|FLV\x01", "a video"),
    _other(rb"ID3|\xff[\xfb\xf3\xf2]|RIFF.{4}WAVE|OggS|fLaC|FORM.{4}AIF", "a sound recording"),
    _other(rb"SQLite format 3\0|REDIS0|PAR1|\x89HDF\r\n|\x93NUMPY", "a database or table"),
    _other(rb"\x7fELF|MZ.{62}|\xcf\xfa\xed\xfe|\xca\xfe\xba\xbe", "a program"),
    _other(rb"\0\x01\0\0\0|OTTO|ttcf|wOF[F2]", "a font"),
    _picture(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft compound file (FlashPix or an old Office document)"),
)  # fmt: skip
