"""The audit of the books: replies against the emulator, with faults, and the two bills compared.

    plan.py        which reply goes wrong in which way                 pure
    run.py         the audit as a whole
    worker.py      what its processes do: write replies as the application does
    scratch.py     a database of the audit's own
    comparison.py  the ledger beside the emulator's bill               pure

Run it with `manage.py audit_books`; it touches neither the installation's database nor OpenRouter.
"""
