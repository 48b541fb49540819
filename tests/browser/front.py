"""nginx with the configuration that we ship, in front of processes on ports of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import processes
from tests.processes import ROOT, Running

SHIPPED = ROOT / "deploy" / "nginx" / "proxy.conf"
DEBIAN = "/usr/sbin/nginx"  # not on the path of everybody
# Which process is asked follows from the cookie `lands`, so that a test can choose.
CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format served '$request_method $uri $status $upstream_addr';
    access_log {folder}/access.log served;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    upstream switchboard {{
        hash $cookie_lands;
        {servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        add_header X-Served-By $upstream_addr always;
        include {shipped};
    }}
}}
"""


@contextmanager
def nginx(folder: Path, ports: Sequence[int]) -> Iterator[Running]:
    """nginx on a free port, for whoever runs the tests; ended with the block."""
    folder.mkdir(exist_ok=True)
    port = processes.free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            servers="".join(f"server 127.0.0.1:{one} max_fails=0; " for one in ports),
            port=port,
            shipped=SHIPPED,
        )
    )
    command = [shutil.which("nginx") or DEBIAN, "-c", str(configuration)]
    log = folder / "error.log"
    with processes.listening(command, dict(os.environ), port, log) as running:
        yield running


def served(folder: Path) -> list[list[str]]:
    """What nginx passed on: method, path, status, and the address or addresses that it asked."""
    return [line.split(maxsplit=3) for line in (folder / "access.log").read_text().splitlines()]
