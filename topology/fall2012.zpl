# The herd of fall 2012: a ring of four, and Hill, which hangs on Meeks.
herd
    name = fall2012

node
    name = Farmar
    clients = tcp://127.0.0.1:11100
    bus = tcp://127.0.0.1:12100

node
    name = Gasol
    clients = tcp://127.0.0.1:11101
    bus = tcp://127.0.0.1:12101

node
    name = Hill
    clients = tcp://127.0.0.1:11102
    bus = tcp://127.0.0.1:12102

node
    name = Meeks
    clients = tcp://127.0.0.1:11103
    bus = tcp://127.0.0.1:12103

node
    name = Young
    clients = tcp://127.0.0.1:11104
    bus = tcp://127.0.0.1:12104

link
    between = Farmar Meeks
link
    between = Farmar Young
link
    between = Gasol Meeks
link
    between = Gasol Young
link
    between = Hill Meeks

places
    gateways = tcp://127.0.0.1:13100
    workers = tcp://127.0.0.1:13101
    provider = landmarks
    url = http://127.0.0.1:13180/maps/api/place/nearbysearch/json
