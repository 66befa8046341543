"""What can go wrong with a page, and whether trying again can help.

The retry policy is the type: a `PageError` says the scan itself is at fault, so the page is quarantined at
once; a `TransientError` says the world around it is, so the page run goes back and is tried again.
"""

from __future__ import annotations


class BroadsheetError(Exception):
    """Something went wrong and the message is the sentence the user reads.

    `code` is a stable machine key that is stored with the page run and can be grouped by in SQL.
    """

    code = "error"


class PageError(BroadsheetError):
    """This page cannot be processed, however often it is tried."""

    code = "page_error"


class UnreadableImage(PageError):
    """The bytes are not an image that can be decoded: unknown, truncated or corrupt."""

    code = "unreadable_image"


class ImageTooLarge(PageError):
    """The image is larger than the limit, seen in its header before any pixel was decoded."""

    code = "image_too_large"


class UnsafeArchive(PageError):
    """The archive breaks a limit: too many members, too deep, or a bomb that unpacks to far more than it is."""

    code = "unsafe_archive"


class UnsafeMember(UnsafeArchive):
    """An archive member or file would leave the volume: a link, an absolute name, or `..` in it."""

    code = "unsafe_member"


class EncryptedSource(PageError):
    """The PDF or ZIP needs a password."""

    code = "encrypted"


class ChangedSource(PageError):
    """The file's bytes are no longer those that were ingested."""

    code = "changed_since_ingest"


class ChecksumMismatch(PageError):
    """The file is not the one whose checksum stands in the manifest of its bag."""

    code = "checksum_mismatch"


class MissingScan(PageError):
    """Something beside the scans names this page, and there is no such scan."""

    code = "missing_scan"


class MissingSource(PageError):
    """The file that was ingested is no longer there."""

    code = "missing_source"


class RefusedHost(PageError):
    """The page's host, or one that it points to, has an address which is not asked."""

    code = "refused_host"


class TooManyLines(PageError):
    """Segmentation gave more text lines than the limit: noise, not a page."""

    code = "too_many_lines"


class MaskMismatch(PageError):
    """The mask that was asked for is not of the size of this page."""

    code = "mask_mismatch"


class TransientError(BroadsheetError):
    """The surroundings failed (memory, network file system, database); the page may succeed later."""

    code = "transient"


class OutOfMemory(TransientError):
    """There was not enough memory for the page at this moment."""

    code = "out_of_memory"


class StorageError(TransientError):
    """The volume or its storage cannot be reached at this moment."""

    code = "storage_failed"


class NotNow(TransientError):
    """A host or store asks us to wait; the page goes back as if it had not been begun, for `seconds`.

    `of_page` says that it failed at this page, and perhaps not at others: that is not borne for ever.
    """

    code = "not_now"

    def __init__(self, message: str, seconds: float, *, of_page: bool = False) -> None:
        super().__init__(message)
        self.seconds, self.of_page = seconds, of_page


class SegmenterMissing(TransientError):
    """This installation is without the software of the segmenter that is asked for; another worker may have it."""

    code = "segmenter_missing"


class FileOfParametersMissing(TransientError):
    """A file that the parameters name cannot be read on this machine; another worker may have it."""

    code = "parameter_file_missing"


class ServiceDown(BroadsheetError):
    """A service that the command needs (broker, database) does not answer."""

    code = "service_down"


class UnreadableInput(BroadsheetError):
    """What the user gave (a path, a URL, a truth file) does not exist or cannot be used."""

    code = "unreadable_input"
