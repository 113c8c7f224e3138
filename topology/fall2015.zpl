# The herd of fall 2015: a ring of four, and Hamilton, which hangs on Parker.
herd
    name = fall2015

node
    name = Alford
    clients = tcp://127.0.0.1:11400
    bus = tcp://127.0.0.1:12400

node
    name = Bolden
    clients = tcp://127.0.0.1:11401
    bus = tcp://127.0.0.1:12401

node
    name = Hamilton
    clients = tcp://127.0.0.1:11402
    bus = tcp://127.0.0.1:12402

node
    name = Parker
    clients = tcp://127.0.0.1:11403
    bus = tcp://127.0.0.1:12403

node
    name = Powell
    clients = tcp://127.0.0.1:11404
    bus = tcp://127.0.0.1:12404

link
    between = Alford Parker
link
    between = Alford Powell
link
    between = Bolden Parker
link
    between = Bolden Powell
link
    between = Hamilton Parker

places
    gateways = tcp://127.0.0.1:13400
    workers = tcp://127.0.0.1:13401
    provider = landmarks
    url = http://127.0.0.1:13480/maps/api/place/nearbysearch/json
