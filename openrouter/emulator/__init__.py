"""A local OpenRouter for development, demo, tests and load.

    app.create_app(settings)          an ASGI application
    transport.EmulatorTransport(...)  the same in-process, for httpx, truly streaming
    manage.py openrouter_emulator     the same on a port of its own

It speaks the protocol of the recordings, keeps a bill of its own, and fails on demand (`faults`).
"""
