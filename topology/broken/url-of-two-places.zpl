# refused: 23: port 13580 of `url` is taken by `url` in line 18; write another port
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
places
    gateways = tcp://127.0.0.1:13600
    workers = tcp://127.0.0.1:13601
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
