"""What archives in object stores cost: keys listed and stored, and one page out of a large ZIP.

    python -m benchmarks.stores [--keys 1000000] [--zip-mib 2048] [--only inventory|listing|zip]

The listing comes from a server that makes its keys up, the ZIP from SeaweedFS; both are started here. Each figure is
taken in a process of its own, with its own peak memory. Other work on the machine spoils the times: the load is
printed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from tests.stores import CREDENTIALS, a_proxy, an_s3_server
from workers.sources.address import PageAddress
from workers.sources.limits import Limits
from workers.sources.stores.location import Access, Location

MIB = 1024**2
PER_FOLDER = 1_000
LISTED_AT_ONCE = 1_000
ETAG = '"0123456789abcdef0123456789abcdef"'
PARTS = ("inventory", "listing", "zip")


def key(number: int) -> str:
    """Return the key of a made-up scan: a thousand in each folder, the folders in sixteen titles."""
    folder = number // PER_FOLDER
    return f"newspapers/title{folder % 16:02}/issue{folder:05}/p{number % PER_FOLDER:04}.jpg"


def main() -> None:
    """Measure, and print each figure beside the one that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--zip-mib", type=int, default=2_048)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--measure", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ |= CREDENTIALS
    if options.measure:
        MEASUREMENTS[options.measure](options)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for part in PARTS if options.only is None else (options.only,):
        sizes = ["--keys", str(options.keys), "--zip-mib", str(options.zip_mib)]
        subprocess.run([sys.executable, "-m", "benchmarks.stores", "--measure", part, *sizes], check=True)


def measure_inventory(options: argparse.Namespace) -> None:
    """Store the keys of an inventory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.csv.gz"
        with gzip.open(path, "wt", compresslevel=1, newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("Bucket", "Key", "Size", "LastModifiedDate", "ETag"))
            rows.writerows(
                ("scans", key(number), 9_000_000, "2026-11-01T00:00:00.000Z", ETAG) for number in range(options.keys)
            )
        measure_ingest("inventory", str(path), Access(), Path(folder), options.keys)


def measure_listing(options: argparse.Namespace) -> None:
    """Store the keys that a server lists."""
    command = [sys.executable, "-c", f"from benchmarks.stores import serve; serve({options.keys})"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        access = Access(f"http://127.0.0.1:{port}", allow_hosts=("127.0.0.1",))
        measure_ingest("listing", "s3://scans/newspapers/", access, Path(folder), options.keys)
        server.kill()


def measure_ingest(name: str, source: str, access: Access, folder: Path, wanted: int) -> None:
    """Find and store the pages of a source in a SQLite file; prints keys a second and this process's peak memory."""
    import migrations
    from models.session import open_engine
    from orchestrator.discovery.discovery import find_pages, open_volumes
    from orchestrator.ingest.rows import Target, store_pages, store_pipeline, store_volume
    from workers.parameters import PipelineParameters, versions_for

    engine = open_engine(f"sqlite:///{folder / 'stores.db'}")
    migrations.upgrade(engine)
    parameters = PipelineParameters()
    began, began_cpu = time.monotonic(), time.process_time()
    place = Path(source) if "://" not in source else source
    (volume,) = open_volumes(place, access=access)
    volume_id = store_volume(engine, volume.source, str(volume.location), volume.kind)
    target = Target(volume_id, store_pipeline(engine, parameters, versions_for(parameters)), 1)
    stored = store_pages(engine, target, find_pages(volume), lambda _: None)
    seconds, cpu = time.monotonic() - began, time.process_time() - began_cpu
    engine.dispose()
    assert stored.new_pages == wanted, stored
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {wanted:,} keys in {seconds:.1f} s, {wanted / seconds:,.0f}/s (wanted 5,000), "
        f"{cpu / wanted * 1e6:.0f} us of CPU each ({wanted / cpu:,.0f}/s), peak {peak:.0f} MiB (wanted under 300)"
    )


def measure_zip(options: argparse.Namespace) -> None:
    """Open one page of a large ZIP in a bucket; prints requests and bytes."""
    from workers.sources.images import open_stored_page
    from workers.sources.opening import OpenFiles

    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (3000, 3600), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=90)
    page = buffer.getvalue()
    count = options.zip_mib * MIB // len(page)
    with an_s3_server() as server, a_proxy(server) as proxy, tempfile.NamedTemporaryFile(suffix=".zip") as file:
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(count):
                archive.writestr(f"issue/p{number:04}.jpg", page)
        file.flush()
        server.make_bucket("scans")
        upload(server.endpoint, Path(file.name))
        location = Location("s3", "scans", access=proxy.server.access)
        member = f"issue/p{count // 2:04}.jpg"
        open_stored_page(location, PageAddress(("issue.zip", member)), "", Limits(), OpenFiles())
        size = Path(file.name).stat().st_size
    print(
        f"zip: one page of {len(page):,} bytes out of {size / MIB:,.0f} MiB: {len(proxy.requests)} requests "
        f"(wanted 4), {proxy.sent_bytes / len(page):.3f} x its bytes (wanted 1.2)"
    )


def upload(endpoint: str, path: Path) -> None:
    """Store a file as `issue.zip`, in parts."""
    import obstore
    from obstore.store import S3Store

    config = {"endpoint": endpoint, "virtual_hosted_style_request": False}
    store = S3Store("scans", config=config, client_options={"allow_http": True})  # type: ignore[arg-type]
    obstore.put(store, "issue.zip", path, chunk_size=16 * MIB)


MEASUREMENTS = {"inventory": measure_inventory, "listing": measure_listing, "zip": measure_zip}


def serve(keys: int) -> None:
    """Answer ListObjectsV2 for made-up keys on a free port, which is printed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer one question."""
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = listed(asked, keys)
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


@cache
def folders_of(keys: int) -> list[str]:
    """Return the folders of so many made-up keys, sorted."""
    return sorted(key(first).rpartition("/")[0] + "/" for first in range(0, keys, PER_FOLDER))


def listed(asked: dict[str, str], keys: int) -> bytes:
    """Return the answer to a listing of a prefix, by folders or by keys, from a continuation token on."""
    prefix, folders = asked.get("prefix", ""), folders_of(keys)
    inside = [folder for folder in folders if folder.startswith(prefix)]
    parts: list[str] = []
    token = int(asked.get("continuation-token", 0))
    truncated = False
    if "delimiter" in asked:
        below = sorted({prefix + folder.removeprefix(prefix).partition("/")[0] + "/" for folder in inside})
        parts = [f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>" for one in below]
    elif token < len(inside):
        parts = [_contents(name, number) for name, number in _keys_of(inside[token], keys)]
        truncated = token + 1 < len(inside)
    more = f"<NextContinuationToken>{token + 1}</NextContinuationToken>" if truncated else ""
    return (
        f"<ListBucketResult><IsTruncated>{str(truncated).lower()}</IsTruncated>{more}{''.join(parts)}</ListBucketResult>"
    ).encode()


def _keys_of(folder: str, keys: int) -> Iterator[tuple[str, int]]:
    first = int(folder.rstrip("/")[-5:]) * PER_FOLDER
    yield from ((key(number), number) for number in range(first, min(keys, first + PER_FOLDER)))


def _contents(name: str, number: int) -> str:
    return (
        f"<Contents><Key>{name}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>{ETAG}</ETag>"
        f"<Size>{9_000_000 + number}</Size></Contents>"
    )


if __name__ == "__main__":
    main()
