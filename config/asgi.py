"""The application as servers see it: HTTP to Django, WebSocket to Channels."""

import os
from typing import Any

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings

from config.safety import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
refuse_unsafe(settings)
django.setup(set_prefix=False)

# These need the apps, which the line above has loaded.
from chat.runner import runner  # noqa: E402
from chat.trace import request_id  # noqa: E402
from chat.ws_urls import urlpatterns  # noqa: E402
from config.daphne_bounds import bound_daphne  # noqa: E402
from config.handler import PooledHandler  # noqa: E402
from config.handshakes import is_handshake_of_ours, refuse  # noqa: E402
from config.logs import id_of  # noqa: E402
from config.memory import give_back_regularly, share_one_heap, spare_what_startup_made  # noqa: E402
from config.probes import Probes  # noqa: E402
from config.shutdown import drain_on_sigterm  # noqa: E402
from config.telemetry import traced  # noqa: E402

_protocols = ProtocolTypeRouter(
    {
        "http": traced(PooledHandler()),
        "websocket": AllowedHostsOriginValidator(URLRouter(urlpatterns)),
    }
)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Open the runner before anything else: daphne tells nobody that it has started."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif _probes.serve(scope):
        await _probes(scope, send)
    elif scope["type"] == "websocket" and not is_handshake_of_ours(scope, urlpatterns):
        await refuse(receive, send)
    else:
        await _open()
        request_id.set(id_of(dict(scope["headers"])))  # after it: duties belong to no request
        await _protocols(scope, receive, send)


async def _open() -> None:
    await runner.open()
    drain_on_sigterm(runner.drain)


_probes = Probes(runner, _open)


async def _lifespan(receive: Any, send: Any) -> None:
    """What uvicorn tells: open at its start, close at its end."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await runner.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


bound_daphne()
share_one_heap()
spare_what_startup_made()
give_back_regularly()
