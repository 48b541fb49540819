"""A process that races for a budget: `python -m tests.billing.racer`, DATABASE_URL set.

It reads a user id from each line. For each it sends THREADS prompts of that user at once, and
answers with how many were admitted, how many refused, and how many failed in another way.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402

from chat.errors import CannotPay  # noqa: E402
from chat.services import send  # noqa: E402

THREADS = 4


def try_to_send(user_pk: int, barrier: threading.Barrier) -> str:
    try:
        user = get_user_model().objects.get(pk=user_pk)
        barrier.wait()
        send(
            user=user, conversation=None, prompt="Why is the sky blue?", choice="", nonce="",
            owner="racer",
        )  # fmt: skip
    except CannotPay:
        return "refused"
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return repr(error)
    finally:
        connection.close()
    return "admitted"


def main() -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            barrier = threading.Barrier(THREADS)
            tries = [pool.submit(try_to_send, int(line), barrier) for _ in range(THREADS)]
            told = Counter(each.result() for each in tries)
            sys.stdout.write(f"{told.pop('admitted', 0)} {told.pop('refused', 0)} {dict(told)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
