# refused: 13: `bus_at` is tcp://127.0.0.1:12510, where `bus_at` in line 8 is reached already; write another address or port
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
    bus_at = tcp://127.0.0.1:12510
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
    bus_at = tcp://127.0.0.1:12510
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
