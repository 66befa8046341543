"""From a manifest or a collection to pages in order: nested, paged, and whatever hosts make of it. Asks for JSON only.

What cannot be read is one page with its reason; the rest goes on. A document is read once, however often it is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from orchestrator.discovery.iiif.presentation import Canvas, Collection, Json, Manifest, Reference, read
from orchestrator.discovery.looking import SkippedFile
from orchestrator.discovery.natural_order import natural_key
from orchestrator.discovery.passed_over import is_litter, is_one_page
from workers.errors import PageError, UnreadableImage
from workers.sources.address import PageAddress
from workers.sources.iiif.image import CanvasImage
from workers.sources.stores.location import web_url

MOST_DEPTH = 32
MOST_DOCUMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class FoundCanvas:
    """A page of a manifest; `error` says why it is quarantined at once, without manifest and canvas."""

    address: PageAddress
    manifest: Manifest | None = None
    canvas: Canvas | None = None
    error: PageError | None = None


@dataclass(slots=True)
class Walk:
    """One way through a collection.

    Attributes:
        root: URL of the manifest or collection.
        fetch: returns the JSON document at a URL.
        skipped: called with what is no page.
        note: called with a sentence on what is not as it should be.
        names_in: returns the names of the files in the ZIP at a URL, none where that cannot be told.
    """

    root: str
    fetch: Callable[[str], object]
    skipped: Callable[[SkippedFile], object]
    note: Callable[[str], object] = str
    names_in: Callable[[str], Sequence[str]] = lambda url: ()
    _seen: set[str] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)

    def pages(self) -> Iterator[FoundCanvas]:
        """Yield the pages in order.

        Raises:
            PageError: the first document cannot be read, or is no manifest and no collection.
        """
        document = read(self.fetch(self.root))
        if document is None:
            raise UnreadableImage(f"{self.root} is no IIIF manifest or collection; check the address.")
        self._seen.add(self.root)
        yield from self._document(document, self.root, 0)

    def _document(self, document: Manifest | Collection, url: str, depth: int) -> Iterator[FoundCanvas]:
        if isinstance(document, Manifest):
            yield from self._canvases(document, url)
            return
        # an own loop over its pages: there may be thousands
        while True:
            for member in document.members:
                yield from self._member(member, depth + 1)
            following = document.next_page
            if not following or not self._is_new(following, depth):
                return
            try:
                page = self._read(following)
            except PageError as error:
                yield self._refused(following, error)
                return
            if isinstance(page, Manifest):
                yield from self._canvases(page, following)
                return
            document = page

    def _member(self, member: Reference, depth: int) -> Iterator[FoundCanvas]:
        if not self._is_new(member.id, depth):
            return
        try:
            document = self._read(member.id, member.embedded)
        except PageError as error:
            yield self._refused(member.id, error)
            return
        yield from self._document(document, member.id, depth)

    def _is_new(self, url: str, depth: int) -> bool:
        if url in self._seen:
            self.note(f"{url} is named more than once, and read once.")
            return False
        if depth > MOST_DEPTH or len(self._seen) >= MOST_DOCUMENTS:
            self.note(f"{url} lies too deep in {self.root}, and is not read.")
            return False
        self._seen.add(url)
        return True

    def _read(self, url: str, embedded: Json | None = None) -> Manifest | Collection:
        address = web_url(url)
        if embedded is None and not address:
            raise UnreadableImage(f"{url} is no address on the web.")
        document = read(self.fetch(address) if embedded is None else embedded)
        if document is None:
            raise UnreadableImage(f"{url} is no IIIF manifest or collection.")
        return document

    def _refused(self, url: str, error: PageError) -> FoundCanvas:
        return FoundCanvas(PageAddress((self._named(_path_of(url)),)), error=error)

    def _canvases(self, manifest: Manifest, url: str) -> Iterator[FoundCanvas]:
        if not manifest.canvases:
            self.note(f"{url} has no canvas.")
        pictures = self._in_archive(manifest)
        for canvas in manifest.canvases:
            name = self._named(_page_name(canvas, url, self.root))
            if canvas.image is None:
                self.skipped(SkippedFile(name, "a canvas without a picture"))
                continue
            image = pictures.get(canvas.number, canvas.image)
            # known by what the canvas shows, whichever way it is had
            address = PageAddress((name,), version=version_of(canvas.image), canvas=image)
            yield FoundCanvas(address, manifest, canvas)

    def _in_archive(self, manifest: Manifest) -> dict[int, CanvasImage]:
        """Return the pictures by the number of their canvas, where the host offers just these in one ZIP."""
        shown = [one.image for one in manifest.canvases if one.image]
        if len(shown) < 2 or len(shown) < len(manifest.canvases):
            return {}
        for url in manifest.archives:
            names = [
                name for name in self.names_in(url) if is_one_page(name) and not is_litter(PurePosixPath(name).name)
            ]
            if len(names) == len(shown):
                pairs = zip(shown, sorted(names, key=natural_key), strict=True)
                pictures = [CanvasImage(url=url, canvas=image.canvas, member=name) for image, name in pairs]
                return dict(enumerate(pictures, start=1))
        return {}

    def _named(self, name: str) -> str:
        """Return a name that no page had before: some hosts call all canvases alike."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name} ({number})"
        self._names.add(unique)
        return unique


def version_of(image: CanvasImage) -> str:
    """Return what tells the picture of a canvas from another one that takes its place."""
    text = dumps(image.to_json(), sort_keys=True)
    return f"iiif:{sha256(text.encode()).hexdigest()[:32]}"


def _page_name(canvas: Canvas, manifest: str, root: str) -> str:
    """Return what a page is called: the path of its canvas, as far as it says more than that of the volume.

    Of several manifests each page begins with that of its own.
    """
    own, base = _path_of(canvas.id), _folder(_path_of(manifest))
    if not own:
        own = f"{base}canvas-{canvas.number}"
    elif not own.startswith(base):
        own = f"{base}{own.rpartition('/')[2] or canvas.number}"
    top = base if manifest == root else _folder(_path_of(root))
    return own.removeprefix(top) or own


def _path_of(url: str) -> str:
    """Return the path of a URL without what leads out of a folder, with what follows it where that tells more."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # brackets that are no address
    path = unquote(parts.path).strip("/")
    steps = [step for step in path.split("/") if step not in ("", ".", "..")]
    tail = "".join(f"_{part}" for part in (parts.query, parts.fragment) if part)
    return "/".join(steps) + tail.replace("/", "_")


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]
