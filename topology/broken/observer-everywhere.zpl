# refused: 11: its node cannot connect to every interface (*); write the address of this host in `bus_at`
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
observer
    name = Ear
    of = Alford
    bus = tcp://*:12590
