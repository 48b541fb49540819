"""What is fuzzed: a real server with the emulator behind it, people in it, and their things."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import processes
from tests.processes import Running

# Runs in a process of its own with the server's settings. It makes what is missing and mends what
# was spoiled, so it may be run again while the server works. It prints sessions and ids.
FURNISH = """
import json, time, uuid
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from chat.models import Conversation, Folder, Message, Role, SavedPrompt, State
from chat.sharing import share
User = get_user_model()
known = {"c": [], "m": [], "s": [], "other": []}
sessions = {}
for name, rights in (("user", False), ("staff", True)):
    user, _ = User.objects.get_or_create(username=f"fuzz-{name}")
    user.is_active = True
    user.is_staff = user.is_superuser = rights
    user.set_password("fuzzed")
    user.save()
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store["account_authentication_methods"] = [{"method": "password", "at": time.time() + 9e5}]
    store.create()
    sessions[name] = store.session_key
    for title in ("One", "Two"):
        talk = Conversation.objects.create(user=user, title=title)
        ask = Message.objects.create(conversation=talk, role=Role.USER, text="Why?")
        answer = Message.objects.create(conversation=talk, parent=ask, role=Role.ASSISTANT,
                                        text="So.", html="<p>So.</p>", state=State.DONE)
        talk.head = answer
        talk.save()
        known["c"].append(str(talk.pk))
        known["m"] += [str(ask.pk), str(answer.pk)]
        known["s"].append(share(talk, days="", shown_name="").token)
    folder, _ = Folder.objects.get_or_create(user=user, name="A folder")
    prompt = SavedPrompt.objects.create(user=user, name=uuid.uuid4().hex, text="Say it.")
    known["other"] += [str(user.pk), str(folder.pk), str(prompt.pk)]
print("FURNISHED" + json.dumps({"sessions": sessions, "known": known}))
"""


@dataclass
class FuzzedSite:
    """`sessions`: keys by person. `known`: ids and tokens that are there, by kind."""

    server: Running
    env: dict[str, str]
    sessions: dict[str, str] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)

    def furnish(self) -> None:
        """People, sessions and things, anew: the fuzz deletes them. Blocks for some seconds."""
        command = [sys.executable, "manage.py", "shell", "-c", FURNISH]
        said = subprocess.run(
            command, cwd=processes.ROOT, env=self.env, check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        told = json.loads(said.rpartition("FURNISHED")[2])
        self.sessions, self.known = told["sessions"], told["known"]

    @property
    def is_alive(self) -> bool:
        return self.server.process.poll() is None

    def rss_mb(self) -> float:
        whole = psutil.Process(self.server.process.pid)
        return sum(it.memory_info().rss for it in (whole, *whole.children(recursive=True))) / 1e6

    def faults(self) -> list[str]:
        """What the server logged as an error of its own; ids and figures are left out of it.

        django.security tells of requests that were refused. What is fatal to one connection is
        an assertion of uvicorn's, for frames that come before the handshake is answered.
        """
        log = self.server.log.read_text(errors="replace")
        errors = re.findall(
            r"^(?:[\d\-]+ [\d:,]+ (?:ERROR|CRITICAL) |ERROR: )(.*)$", log, re.MULTILINE
        )
        errors += re.findall(
            r"^Traceback \(most recent call last\):\n(?:[ ].*\n)*(\S.*)$", log, re.MULTILINE
        )
        known = ("django.security", "asyncio Fatal error on transport")
        return [
            re.sub(r"[0-9a-f]{8,}|\d+", "N", it)[:200] for it in errors if not it.startswith(known)
        ]


@contextmanager
def fuzzed_site(folder: Path, server: str) -> Iterator[FuzzedSite]:
    """Installed, running and furnished; ended with the block."""
    env = processes.environment(
        folder,
        MAX_REQUESTS_PER_MINUTE="0",
        MAX_REQUESTS_PER_MINUTE_ADDRESS="0",
        EMULATOR_TOKENS_PER_S="100000",
        EMULATOR_FIRST_TOKEN_S="0",
        ATTACHMENT_DIR=str(folder / "attachments"),
        ALLOWED_HOSTS="localhost,127.0.0.1",
    )
    processes.install(env)
    with processes.switchboard(env, folder / "server.log", server=server) as running:
        site = FuzzedSite(running, env)
        site.furnish()
        yield site
