"""What is no page by its name or its first bytes: the litter of systems, sidecars, documents, our own exports."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from orchestrator.results.mark import is_export
from workers.sources.unread import refusal, unread_format

# Left by Windows, by macOS and by network storages.
_LITTER = {
    "thumbs.db", "thumbs.db:encryptable", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$recycle.bin", "recycler",
    "system volume information", "picasa.ini", "icon\r", "__macosx", "desktop db", "desktop df", "network trash folder",
    "thevolumesettingsfolder", "lost+found", "@eadir", "#recycle", "@recycle",
}  # fmt: skip
# Documents in Microsoft's compound files; a picture may lie in one, too (FlashPix).
_DOCUMENTS = {".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps", ".msg", ".pub", ".vsd", ".mpp", ".msi", ".db"}
_SIDECARS = {
    ".txt", ".xml", ".json", ".jsonl", ".md", ".markdown", ".html", ".htm", ".csv", ".tsv", ".yaml", ".yml", ".toml",
    ".ini", ".log", ".db", ".db-wal", ".db-shm", ".db-journal", ".feeder", ".sqlite", ".sqlite3", ".md5", ".sha1",
    ".sha256",
}  # fmt: skip

_ONE_PAGE = {".jpg", ".jpeg", ".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".png", ".bmp"}

# What a file of such a name is taken for: text in it is an error page or a pointer that stands where a scan should.
_SCANS = {
    ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".jp2", ".j2k", ".jpf", ".jpx", ".gif", ".bmp", ".webp", ".pdf",
    ".zip", ".cbz", ".tar", ".tgz",
}  # fmt: skip


def reason_to_skip(entry: os.DirEntry[str]) -> str:
    """Return why an entry of a folder is not looked into; empty when it is."""
    if is_litter(entry.name):
        return "hidden or left by the system"
    if entry.is_symlink():
        return "a link to a folder" if Path(entry.path).is_dir() else ""  # is_dir of an entry raises on loops
    if entry.is_dir():
        return "an export of broadsheet" if is_export(Path(entry.path)) else ""
    return "" if entry.is_file() else "not an ordinary file"


def reason_to_pass_over(head: bytes, name: str) -> str:
    """Return why a file of no known kind is no page and no fault either; empty for what may be one.

    Raises:
        UnreadableImage: it is a picture or an archive in a format that is not read.
    """
    known = unread_format(head)
    if known is None:
        return ""
    if known.no_page or _suffix(name) in _DOCUMENTS:
        return f"{known.what}, not an image"
    raise refusal(name, head)


def is_sidecar(name: str) -> bool:
    """Return whether a file of this name goes beside scans."""
    return _suffix(name) in _SIDECARS


def is_named_as_scan(name: str) -> bool:
    """Return whether a file of this name is meant to be a picture, or an archive of them."""
    return _suffix(name) in _SCANS


def is_one_page(name: str) -> bool:
    """Return whether a file of this name is one picture, as far as names tell."""
    return _suffix(name) in _ONE_PAGE


def is_litter(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or left by a system."""
    return (name.startswith(".") and name not in (".", "..")) or name.lower() in _LITTER


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
