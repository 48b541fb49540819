"""T4: an id written otherwise leads nowhere that the id itself does not.

Each way to write an id is tried at every address that takes one, by a second person. The owner is
refused with them, too, or gets the same thing: there is one address for a thing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts.models import User
from chat.models import Message
from tests.chat.conftest import Ask
from tests.chat.test_consumers import tab
from tests.security.matrix import SECRET, WITH_ID, Address, Belongings, everything, is_refused

Write = Callable[[str], str]


def wide(text: str) -> str:
    """Full-width digits, which `int` reads."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def arabic(text: str) -> str:
    return "".join(chr(0x0660 + int(c)) if c.isdigit() else c for c in text)


VARIANTS: dict[str, Write] = {
    "upper case": str.upper,
    "without dashes": lambda key: key.replace("-", ""),
    "braces": lambda key: f"{{{key}}}",
    "urn": lambda key: f"urn:uuid:{key}",
    "space behind": lambda key: f"{key}%20",
    "space before": lambda key: f"%20{key}",
    "line end": lambda key: f"{key}%0A",
    "nul": lambda key: f"{key}%00",
    "full width": wide,
    "arabic digits": arabic,
    "soft hyphen": lambda key: key.replace("-", "\u00ad"),
    "unicode dash": lambda key: key.replace("-", "\u2010"),
    "zero width": lambda key: f"{key}\u200b",
    "leading zeros": lambda key: f"000{key}",
    "plus": lambda key: f"%2B{key}",
    "minus": lambda key: f"-{key}",
    "underscores": lambda key: f"{key[0]}_{key[1:]}",
    "float": lambda key: f"{key}.0",
    "hexadecimal": lambda key: f"0x{key}",
    "slash, coded": lambda key: f"{key}%2F",
    "dots": lambda key: f"./{key}",
    "up and down": lambda key: f"x/../{key}",
    "twice": lambda key: f"{key}/{key}",
    "semicolon": lambda key: f"{key};a=b",
    "backslash": lambda key: f"%5C{key}",
    "percent twice": lambda key: "".join(f"%25{ord(c):02x}" for c in key),
    "huge": lambda key: key + "0" * 400,
}


def written(address: Address, key: str, write: Write) -> str:
    rest = address.route.split(">", 1)[1].replace("<str:value>", "up")
    return f"/{address.beginning}{write(key)}{rest}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_t04_an_id_written_otherwise_is_no_way_around(
    variant: str, hers: Belongings, eve: User, client: Client
) -> None:
    client.force_login(eve)
    before = everything()
    for address in WITH_ID:
        for key in hers[address.beginning][:1]:
            url = written(address, key, VARIANTS[variant])
            for answer in (client.get(url), client.post(url, {"prompt": "x", "name": "x"})):
                assert is_refused(answer, signed_in=True), (url, answer.status_code)
    assert everything() == before


@pytest.mark.parametrize("variant", VARIANTS)
def test_t04_a_thing_has_one_address(
    variant: str, hers: Belongings, ada: User, client: Client
) -> None:
    """For its owner, too: but for zeros before a number, which are no other number."""
    client.force_login(ada)
    for beginning, rest in (("c/", "/"), ("c/", "/export.json"), ("files/", "/"), ("m/", "/")):
        key = hers[beginning][0]
        url = f"/{beginning}{VARIANTS[variant](key)}{rest}"
        answer = client.get(url)
        same = variant == "leading zeros" and key.isdigit()
        same = same or VARIANTS[variant](key) == key or (variant == "dots")
        assert answer.status_code == 404 or same, url


def test_t04_a_number_that_is_another_persons_is_not_reached_by_overflow(
    hers: Belongings, eve: User, client: Client
) -> None:
    """No database wraps a number around, and none says so with an error of ours."""
    client.force_login(eve)
    key = int(hers["m/"][0])
    for power in (32, 63, 64, 128):
        for number in (2**power + key, 2**power - 1):
            assert client.get(f"/m/{number}/").status_code == 404


@pytest.mark.parametrize("variant", ["upper case", "without dashes", "braces", "urn", "plus"])
def test_t04_a_file_named_otherwise_in_a_form_is_still_anothers(
    variant: str, hers: Belongings, eve: User, client: Client
) -> None:
    """A form's id is read by Python's UUID, which takes several ways to write one."""
    client.force_login(eve)
    key = VARIANTS[variant](hers["files/"][0])
    answer = client.post("/send/", {"prompt": "read it to me", "file": key})
    assert answer.status_code == 422
    assert SECRET not in answer.content.decode()
    assert not Message.objects.filter(conversation__user=eve).exists()


@pytest.mark.parametrize("variant", ["upper case", "without dashes", "braces", "urn", "full width"])
async def test_t04_nor_at_the_socket(ask: Ask, eve: User, variant: str) -> None:
    turn = await sync_to_async(ask)()
    key = VARIANTS[variant](str(turn.conversation.pk))
    assert key != str(turn.conversation.pk)
    with pytest.raises(ValueError, match="No route found"):
        await tab(eve, key).connect()  # type: ignore[arg-type]


async def test_t04_the_socket_compares_ids_and_not_their_beginnings(ask: Ask, eve: User) -> None:
    turn = await sync_to_async(ask)()
    key = str(turn.conversation.pk)
    near = uuid.UUID(key[:-1] + ("0" if key[-1] != "0" else "1"))
    communicator: WebsocketCommunicator = tab(eve, near)
    await communicator.connect()
    assert (await communicator.receive_output())["code"] == 4404
