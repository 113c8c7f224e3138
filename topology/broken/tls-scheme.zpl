# refused: 14: `clients_tls` is `tcp://127.0.0.1:11601`; write tls://HOST:PORT
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
    clients_tls = tcp://127.0.0.1:11601
link
    between = Alford Ball
places
    gateways = tcp://127.0.0.1:13500
    workers = tcp://127.0.0.1:13501
    provider = landmarks
    url = http://127.0.0.1:13580/maps/api/place/nearbysearch/json
