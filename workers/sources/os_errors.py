"""What an operating system error means for a page: gone, refused, or a world that may be better later."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.errors import MissingSource, OutOfMemory, StorageError, UnreadableImage
from workers.sources.escape import escaped
from workers.sources.stores.location import Location

# The storage, the machine or its limits are at fault, not the file.
_TRANSIENT = {
    errno.EIO, errno.ESTALE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN,
    errno.EBUSY, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNRESET, errno.ECONNABORTED, errno.EHOSTDOWN,
    errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENODEV, errno.ENXIO, errno.EPIPE, errno.EINTR,
}  # fmt: skip


@contextmanager
def translated(name: str, root: Path | Location) -> Iterator[None]:
    """Turn errors of the system while page `name` of the volume at `root` is read into ours.

    Raises:
        MissingSource: the file is gone, the volume is still there.
        StorageError: the volume is gone (a mount went away) or its storage fails.
        OutOfMemory: memory ran out.
        UnreadableImage: the file may not be read.
    """
    volume = escaped(str(root))
    try:
        yield
    except MemoryError as error:
        raise OutOfMemory(f"There was not enough memory for {name}; use fewer worker processes.") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        if isinstance(root, Path) and not root.exists():
            raise StorageError(f"The volume {volume} with {name} cannot be reached; mount it again.") from error
        raise MissingSource(f"{name} is no longer in {volume}; put it back or ingest the volume again.") from error
    except OSError as error:
        if error.errno in _TRANSIENT:
            raise StorageError(f"{name} could not be read now: {error.strerror}; check the storage.") from error
        raise UnreadableImage(f"{name} cannot be read: {error.strerror or error}; check the file.") from error
