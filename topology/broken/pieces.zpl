# refused: 19: the herd is in 2 pieces: Alford Ball | Hamilton Welsh; link them
herd
    name = small
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
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
node
    name = Hamilton
    clients = tcp://127.0.0.1:11502
    bus = tcp://127.0.0.1:12502
node
    name = Welsh
    clients = tcp://127.0.0.1:11504
    bus = tcp://127.0.0.1:12504
link
    between = Hamilton Welsh
