"""TLS in front of a server that has none, for the tests: real certificates, a real handshake.

python -m tests.tls SERVER_PORT CERTIFICATE_FILE [postgres]     prints its port, and runs until it is killed
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What a client of PostgreSQL sends to ask for TLS, and the answer that grants it.
_SSL_REQUEST_BYTES, _GRANTED = 8, b"S"


@contextmanager
def tls_front(server_port: int, folder: Path, *, postgres: bool = False) -> Iterator[tuple[int, Path]]:
    """Yield the port of a TLS front of 127.0.0.1:`server_port`, and the file of the authority that signed for it."""
    import trustme

    authority = trustme.CA()
    ca_file, certificate_file = folder / "ca.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate_file))
    command = [sys.executable, "-m", "tests.tls", str(server_port), str(certificate_file)]
    with subprocess.Popen([*command, *(["postgres"] if postgres else [])], stdout=subprocess.PIPE, text=True) as front:
        assert front.stdout is not None
        yield int(front.stdout.readline()), ca_file
        front.kill()


async def run(server_port: int, certificate_file: str, postgres: bool) -> None:
    """Pass on what clients send after their handshake, and the answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file)

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # a client that does not trust us hangs up
            if postgres:
                await reader.readexactly(_SSL_REQUEST_BYTES)
                writer.write(_GRANTED)
            await writer.start_tls(context)
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
            await asyncio.gather(_pump(reader, server_writer), _pump(server_reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), sys.argv[2], "postgres" in sys.argv[3:]))
