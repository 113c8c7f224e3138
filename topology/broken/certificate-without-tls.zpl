# refused: 12: `certificate` is for TLS, which this node does not take; write `clients_tls = tls://HOST:PORT`, too
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
    certificate = a.pem
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
