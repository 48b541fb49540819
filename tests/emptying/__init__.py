"""A Django app of the tests alone: how a database with an append-only ledger is emptied."""
