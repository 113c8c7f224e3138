"""A proxy for bad roads: TCP connections through it are late, unsteady, slow, stopped or broken.

    python3 proxy.py        reads one JSON object a line from standard input:
    {"open": name, "listen": [host, port], "target": [host, port]}
    {"road": name, "delay": s, "jitter": s, "rate": bytes/s, "stopped": bool}   missing ones end
    {"reset": name}         breaks every connection, both ends get RST
    {"late": name, "by": s} breaks the connections towards whoever dialled; what was on the way
                            arrives nevertheless, later than what is sent on the next connection

Only what travels from the dialling end to the target is changed: on the bus all messages do.
It ends with its standard input."""

import asyncio
import json
import random
import socket
import struct
import sys

CHUNK_BYTES_MAX = 16384
WAITING_BYTES_MAX = 1 << 20  # more than this on a road, and it takes no more
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class Line:
    """One connection through the proxy."""

    def __init__(self, road, reader, writer):
        self.road, self.reader, self.writer = road, reader, writer
        self.waiting, self.bytes = asyncio.Queue(), 0
        self.through, self.due = 0.0, 0.0  # when the last chunk is through the bottleneck, is there
        self.room = asyncio.Event()
        self.late_by = 0.0
        self.far = None

    async def run(self):
        try:
            far_reader, self.far = await asyncio.open_connection(*self.road.target)
            tasks = [asyncio.create_task(each) for each in
                     (self.take(), self.give(), self.back(far_reader))]
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if self.late_by and tasks[1] not in done:
                await tasks[1]
            for task in rest:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass
        finally:
            self.road.lines.discard(self)
            for each in (self.writer, self.far):
                if each is not None:
                    each.close()

    async def take(self):
        while chunk := await self.reader.read(CHUNK_BYTES_MAX):
            now, road = asyncio.get_running_loop().time(), self.road
            self.through = max(self.through, now) + (len(chunk) / road.rate if road.rate else 0)
            late = road.delay + road.jitter * random.random()
            self.due = max(self.due, self.through + late)  # TCP keeps the order
            self.waiting.put_nowait((self.due, chunk))
            self.bytes += len(chunk)
            while self.bytes > WAITING_BYTES_MAX:
                self.room.clear()
                await self.room.wait()
        self.waiting.put_nowait((self.due, b""))
        await asyncio.Event().wait()

    async def give(self):
        while True:
            due, chunk = await self.waiting.get()
            wait = due + self.late_by - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            await self.road.moving.wait()
            if not chunk:
                return
            self.far.write(chunk)
            await self.far.drain()
            self.bytes -= len(chunk)
            self.room.set()

    async def back(self, far_reader):
        while chunk := await far_reader.read(CHUNK_BYTES_MAX):
            await self.road.moving.wait()
            if self.writer.is_closing():
                continue  # late, and nobody is there to hear
            self.writer.write(chunk)
            await self.writer.drain()

    def reset(self):
        for each in (self.writer, self.far):
            if each is not None:
                abort(each)

    def be_late(self, seconds):
        self.late_by = seconds
        self.waiting.put_nowait((0.0, b""))
        abort(self.writer)


def abort(writer):
    try:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    except OSError:
        pass  # is closed already
    writer.transport.abort()


class Road:
    def __init__(self, target):
        self.target = target
        self.lines = set()
        self.moving = asyncio.Event()
        self.change({})

    def change(self, fault):
        self.delay, self.jitter = fault.get("delay", 0.0), fault.get("jitter", 0.0)
        self.rate = fault.get("rate", 0)
        if fault.get("stopped"):
            self.moving.clear()
        else:
            self.moving.set()

    async def accept(self, reader, writer):
        line = Line(self, reader, writer)
        self.lines.add(line)
        await line.run()


async def obey(roads, order):
    if "open" in order:
        road = roads[order["open"]] = Road(order["target"])
        await asyncio.start_server(road.accept, *order["listen"])
        print("open", order["open"], flush=True)
    elif "road" in order:
        roads[order["road"]].change(order)
    elif "reset" in order:
        for line in list(roads[order["reset"]].lines):
            line.reset()
    elif "late" in order:
        for line in list(roads[order["late"]].lines):
            line.be_late(order["by"])


async def main():
    orders, roads = asyncio.StreamReader(), {}
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while order := await orders.readline():
        await obey(roads, json.loads(order))


if __name__ == "__main__":
    asyncio.run(main())
