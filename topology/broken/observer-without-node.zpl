# refused: 8: this `observer` has no `of`; write a line `    of = Alford`
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
observer
    name = Ear
    bus = tcp://127.0.0.1:12590
