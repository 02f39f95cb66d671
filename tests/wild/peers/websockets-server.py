"""A Responses API over WebSocket on the PyPI package `websockets`, with the keepalive that it brings along.

    python websockets-server.py PORT [SECONDS-BETWEEN-PINGS SECONDS-FOR-A-PONG]

Without the seconds, pings are as the package sends them by default: every 20 seconds, and the connection is
closed (1011) when the answer takes longer than another 20. The server answers with an echo of the input's text, after
as many seconds as the model's name says (`think 3`). It notes on standard output what it sees.
"""

import asyncio
import itertools
import json
import logging
import sys
import uuid

from websockets.asyncio.server import serve

# The package notes each frame at this level, and so the pongs too.
logging.basicConfig(stream=sys.stdout, level=logging.DEBUG, format="%(message)s")


def text_of(given):
    if isinstance(given, str):
        return given
    return "".join(
        item["content"] if isinstance(item["content"], str) else item["content"][0]["text"] for item in given
    )


async def answer(socket, request):
    model, numbers = request["model"], itertools.count()
    if model.startswith("close "):
        await socket.close(int(model.removeprefix("close ")), "as asked")
        return
    if model.startswith("think "):
        await asyncio.sleep(int(model.removeprefix("think ")))
    response = {"id": f"resp_{uuid.uuid4().hex}", "object": "response", "output": []}

    async def event(kind, **fields):
        await socket.send(json.dumps({"type": kind, "sequence_number": next(numbers), **fields}))

    await event("response.created", response={**response, "status": "in_progress"})
    item = {"id": f"msg_{uuid.uuid4().hex}", "type": "message", "role": "assistant", "content": []}
    await event("response.output_item.added", output_index=0, item=item)
    for delta in ["echo: ", text_of(request["input"])]:
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        await event("response.output_text.delta", **place, delta=delta)
        if model == "cut":
            socket.transport.abort()
            return
    await event("response.completed", response={**response, "status": "completed"})


async def handle(socket):
    print("GET", socket.request.path, flush=True)
    async for message in socket:
        await answer(socket, json.loads(message))


async def main():
    port, *seconds = sys.argv[1:]
    pings = dict(zip(["ping_interval", "ping_timeout"], map(float, seconds)))
    async with serve(handle, "127.0.0.1", int(port), **pings) as server:
        await server.serve_forever()


asyncio.run(main())
