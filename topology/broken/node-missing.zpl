# refused: 1: there is no node; write `node` and below it `    name = NAME`, `    clients = tcp://HOST:PORT` and `    bus = tcp://HOST:PORT`
herd
    name = small
