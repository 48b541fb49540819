"""`manage.py openrouter_emulator`: a local OpenRouter on a port of this machine."""

from __future__ import annotations

from argparse import ArgumentDefaultsHelpFormatter
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from openrouter.emulator.app import create_app
from openrouter.emulator.server import bind, make_server
from openrouter.emulator.settings import EmulatorSettings, instant


class Command(BaseCommand):
    help = (
        "Run a local OpenRouter: real models and prices, made-up answers, failures on demand. "
        "Point OPENROUTER_BASE_URL at the address that it prints. What can be ordered in a prompt, "
        "such as [[fault: cut after=20]], is listed in openrouter/emulator/{directives,faults}.py."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = ArgumentDefaultsHelpFormatter
        usual = EmulatorSettings()
        add = parser.add_argument
        add("--port", type=int, default=8100, help="port on 127.0.0.1; 0 for any that is free")
        add("--tokens-per-s", type=float, default=usual.tokens_per_s, help="pace of an answer")
        add("--first-token-s", type=float, default=usual.first_token_s, help="wait before it")
        add("--jitter", type=float, default=usual.jitter, help="unevenness of the pace, 0 to 1")
        add("--instant", action="store_true", help="no waiting at all, whatever the pace says")
        add("--seed", type=int, default=usual.seed, help="answers, providers and faults follow it")
        add("--fault-rate", type=float, default=usual.fault_rate, help="share of failing requests")
        add("--generation-delay-s", type=float, default=usual.generation_delay_s,
            help="how long GET /generation is 404 after an answer")  # fmt: skip
        add("--cancelled-generation-delay-s", type=float,
            default=usual.cancelled_generation_delay_s, help="the same after a cancel")  # fmt: skip
        add("--wire-style", choices=["2026", "2025", "empty"], default=usual.wire_style,
            help="shape of the last chunk")  # fmt: skip
        add("--credits", default=str(usual.credits_usd), help="bought credits in USD")
        add("--any-key", action="store_true", help="let in every key that looks like one")

    def handle(self, *, port: int, **options: Any) -> None:
        if not 0 <= port <= 65535:
            raise CommandError(f"--port must be from 0 to 65535, not {port}.")
        try:
            emulator = create_app(settings_from(options))
        except (ValueError, InvalidOperation) as error:
            raise CommandError(f"Not started: {error or 'no such number'}.") from error
        try:
            listening = bind(port)
        except OSError as error:
            raise CommandError(f"Port {port} cannot be had: {error.strerror}.") from error
        host, bound = listening.getsockname()
        self.stdout.write(f"OpenRouter emulator: http://{host}:{bound}/api/v1")
        self.stdout.write(f"  key for inference   {emulator.settings.api_key}")
        self.stdout.write(f"  key for management  {emulator.settings.management_key}")
        self.stdout.flush()
        with suppress(KeyboardInterrupt):  # uvicorn has stopped in order by then
            make_server(emulator).run(sockets=[listening])


def settings_from(options: dict[str, Any]) -> EmulatorSettings:
    """The settings that were asked for. Raises ValueError or InvalidOperation for a bad figure."""
    chosen: dict[str, Any] = {
        "seed": options["seed"],
        "jitter": options["jitter"],
        "fault_rate": options["fault_rate"],
        "wire_style": options["wire_style"],
        "credits_usd": Decimal(options["credits"]),
        "known_keys_only": not options["any_key"],
    }
    if options["instant"]:
        return instant(**chosen)
    return EmulatorSettings(
        tokens_per_s=options["tokens_per_s"],
        first_token_s=options["first_token_s"],
        generation_delay_s=options["generation_delay_s"],
        cancelled_generation_delay_s=options["cancelled_generation_delay_s"],
        **chosen,
    )
