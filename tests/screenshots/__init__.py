"""Pictures of Switchboard at work for the README: `python -m tests.screenshots`."""
