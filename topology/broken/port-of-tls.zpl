# refused: 14: port 11500 of `clients_tls` is taken by `clients` in line 8; write another port
herd
    name = small
    certificate = a.pem
    certificate_key = a.key
node
    name = Alford
    clients = tcp://127.0.0.1:11500
    bus = tcp://127.0.0.1:12500
node
    name = Ball
    clients = tcp://127.0.0.1:11501
    bus = tcp://127.0.0.1:12501
    clients_tls = tls://127.0.0.1:11500
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
