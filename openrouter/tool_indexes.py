"""Which tool call a fragment belongs to, without I/O.

By the protocol `index` tells; recorded and reported streams lack it, repeat it for parallel
calls, or send the id with every fragment.
"""

from __future__ import annotations


class ToolIndexes:
    """Which call a fragment belongs to, when its index is missing, repeated or not a number."""

    def __init__(self) -> None:
        self._of_wire: dict[object, int] = {}
        self._of_id: dict[str, int] = {}
        self._last = -1

    def index(self, told: object, call_id: str | None, name: str | None) -> int:
        known = self._of_id.get(call_id) if call_id else self._of_wire.get(told)
        begins_another = bool(call_id and name) and known is None
        if known is None and not begins_another:
            known = self._of_wire.get(told) if told is not None else None
        if known is None and told is None and not begins_another and self._last >= 0:
            known = self._last
        if known is None:
            known = self._free_index(told)
        if told is not None:
            self._of_wire[told] = known
        if call_id:
            self._of_id[call_id] = known
        self._last = known
        return known

    def _free_index(self, told: object) -> int:
        taken = {*self._of_wire.values(), *self._of_id.values(), self._last}
        wanted = int(told) if isinstance(told, int | float) and 0 <= told < 1000 else None
        return wanted if wanted is not None and wanted not in taken else max(taken) + 1
