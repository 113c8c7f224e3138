# refused: 11: port 12500 of `bus` is taken by `bus` in line 7; write another port
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
observer
    name = Ear
    of = Alford
    bus = tcp://127.0.0.1:12500
