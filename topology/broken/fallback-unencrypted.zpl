# refused: 20: questions would travel unencrypted to `photon.example.org`; write https://
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
    provider = overpass
    url = https://overpass.example.org/api/interpreter
    fallback = photon
    fallback_url = http://photon.example.org/reverse
