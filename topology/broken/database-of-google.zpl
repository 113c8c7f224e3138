# refused: 20: only landmarks reads a database; leave `database` out
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
    provider = google
    url = https://maps.googleapis.com/maps/api/place/nearbysearch/json
    key_file = google.key
    database = places.db
