# refused: 8: `log` takes commands, commands/N for one in N, or events, not all
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
    log = all
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
