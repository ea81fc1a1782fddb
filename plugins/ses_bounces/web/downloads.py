"""Files to download."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi.responses import StreamingResponse

from ses_bounces.web.own_threads import each_in_own_thread


def csv_file(lines: Iterator[str], name: str) -> StreamingResponse:
    """Return a CSV file, sent while it is read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    # The first line at once: what can't be shown is an error page, and no file.
    first = next(lines)
    sent = each_in_own_thread(_all(first, lines))
    return StreamingResponse(sent, media_type="text/csv; charset=utf-8", headers=headers)


def _all(first: str, lines: Iterator[str]) -> Iterator[str]:
    buffer, size = [first], len(first)
    for line in lines:
        buffer.append(line)
        size += len(line)
        # A write for each line costs more than the line.
        if size > 65_536:
            yield "".join(buffer)
            buffer, size = [], 0
    yield "".join(buffer)
