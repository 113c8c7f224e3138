"""Sends commands to a port as fast as they are taken, and reads whatever comes back, until it is
terminated; then prints how many were sent. It stands back for what is measured beside it, which is
to wait for the server alone.

    flood.py PORT"""

import os
import selectors
import signal
import socket
import sys

COMMAND = b"IAMAT flood +34.068930-118.445127 1621464827.5\n"
COMMANDS = COMMAND * 1000


def flood(line, is_over):
    sent = 0
    ready = selectors.DefaultSelector()
    ready.register(line, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while not is_over:
        for _, events in ready.select(0.1):
            if events & selectors.EVENT_READ and not line.recv(1 << 20):
                sys.exit("flood.py: the server has closed")
            if events & selectors.EVENT_WRITE:
                sent += line.send(COMMANDS[sent % len(COMMANDS):])
    return sent // len(COMMAND)


def main():
    is_over = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    os.nice(19)
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
        line.setblocking(False)
        print(flood(line, is_over))


if __name__ == "__main__":
    main()
